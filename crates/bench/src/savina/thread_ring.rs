use super::{Behaviour, Cast, Next, Program, System};

const ACTORS: u64 = 100;
const HOPS: u64 = 50_000;

/// A token goes round a ring of actors.
pub struct ThreadRing;

impl Program for ThreadRing {
    const SCENARIO: &'static str = "savina thread ring";
    const MESSAGES: u64 = HOPS;

    async fn run<S: System>() {
        let cast = Cast::<S, Link<S>>::new();
        let mut ring = Vec::new();
        for _ in 0..ACTORS {
            ring.push(cast.spawn(Link { next: None, hops: 0 }).await);
        }
        for (at, link) in ring.iter().enumerate() {
            S::send(link, Message::Next(ring[(at + 1) % ring.len()].clone()));
        }
        S::send(&ring[0], Message::Token(HOPS));
        assert_eq!(cast.finish().await, HOPS, "the token was passed on at every hop");
    }
}

enum Message<S: System> {
    Next(S::Ref<Link<S>>),
    /// How often it is to be passed on.
    Token(u64),
    /// How many more links are to end.
    End(u64),
}

struct Link<S: System> {
    next: Option<S::Ref<Self>>,
    hops: u64,
}

impl<S: System> Link<S> {
    fn pass(&self, message: Message<S>) {
        S::send(self.next.as_ref().expect("the ring is closed"), message);
    }
}

impl<S: System> Behaviour<S> for Link<S> {
    type Message = Message<S>;

    fn handle(&mut self, message: Message<S>) -> Next {
        match message {
            Message::Next(next) => self.next = Some(next),
            Message::Token(0) => self.pass(Message::End(ACTORS - 1)),
            Message::Token(left) => {
                self.hops += 1;
                self.pass(Message::Token(left - 1));
            }
            Message::End(others) => {
                if others > 0 {
                    self.pass(Message::End(others - 1));
                }
                return Next::End(self.hops);
            }
        }
        Next::More
    }
}
