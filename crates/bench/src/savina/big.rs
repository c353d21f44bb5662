use std::sync::Arc;

use super::{Behaviour, Cast, Next, Program, System};

const ACTORS: usize = 120;
const PINGS: u64 = 500;

/// Many actors, each of which pings one of the others at random, waits for the pong, and pings the next.
pub struct Big;

impl Program for Big {
    const SCENARIO: &'static str = "savina big";
    const MESSAGES: u64 = 2 * ACTORS as u64 * PINGS;

    async fn run<S: System>() {
        let cast = Cast::<S, Role<S>>::new();
        let sink = cast.spawn(Role::Sink { all: None, working: ACTORS }).await;
        let mut all = Vec::new();
        for number in 0..ACTORS {
            all.push(cast.spawn(Role::Member(Member::new(number, sink.clone()))).await);
        }
        let all = Arc::new(all);
        S::send(&sink, Message::All(Arc::clone(&all)));
        for member in all.iter() {
            S::send(member, Message::All(Arc::clone(&all)));
        }
        // Only now does each of them know all others, whom it may have a ping of at once.
        for member in all.iter() {
            S::send(member, Message::Pong);
        }
        drop(all);
        assert_eq!(cast.finish().await, Self::MESSAGES, "every ping came, and a pong for each");
    }
}

type All<S> = Arc<Vec<<S as System>::Ref<Role<S>>>>;

enum Message<S: System> {
    All(All<S>),
    /// With the number of the one that pings.
    Ping(usize),
    Pong,
    /// To the sink: one has had all its pongs.
    Done,
    End,
}

enum Role<S: System> {
    Member(Member<S>),
    /// Ends all members when the last of them has had its last pong.
    Sink {
        all: Option<All<S>>,
        working: usize,
    },
}

impl<S: System> Behaviour<S> for Role<S> {
    type Message = Message<S>;

    fn handle(&mut self, message: Message<S>) -> Next {
        match self {
            Self::Member(member) => member.handle(message),
            Self::Sink { all, working } => match message {
                Message::All(members) => {
                    *all = Some(members);
                    Next::More
                }
                Message::Done => {
                    *working -= 1;
                    if *working > 0 {
                        return Next::More;
                    }
                    all.iter().flat_map(|all| all.iter()).for_each(|member| S::send(member, Message::End));
                    Next::End(0)
                }
                _ => unreachable!("the sink is not pinged"),
            },
        }
    }
}

struct Member<S: System> {
    number: usize,
    all: Option<All<S>>,
    sink: S::Ref<Role<S>>,
    left: u64,
    handled: u64,
    random: u64,
}

impl<S: System> Member<S> {
    fn new(number: usize, sink: S::Ref<Role<S>>) -> Self {
        Self { number, all: None, sink, left: PINGS, handled: 0, random: number as u64 + 1 }
    }

    fn handle(&mut self, message: Message<S>) -> Next {
        match message {
            Message::All(all) => self.all = Some(all),
            Message::Ping(from) => {
                self.handled += 1;
                self.send(from, Message::Pong);
            }
            Message::Pong => self.ping(),
            // One pong more than there were pings came from outside, to begin with.
            Message::End => return Next::End(self.handled - 1),
            Message::Done => unreachable!("only the sink is told"),
        }
        Next::More
    }

    /// Pings the next, or is done.
    fn ping(&mut self) {
        self.handled += 1;
        if self.left == 0 {
            return S::send(&self.sink, Message::Done);
        }
        self.left -= 1;
        let to = self.another();
        self.send(to, Message::Ping(self.number));
    }

    /// Any but this one: a linear congruence (Knuth's MMIX) is random enough.
    fn another(&mut self) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let step = 1 + (self.random >> 33) as usize % (ACTORS - 1);
        (self.number + step) % ACTORS
    }

    fn send(&self, to: usize, message: Message<S>) {
        S::send(&self.all.as_ref().expect("the members know each other")[to], message);
    }
}
