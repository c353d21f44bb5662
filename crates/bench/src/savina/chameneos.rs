use super::{Behaviour, Cast, Next, Program, System};

const CHAMENEOS: usize = 100;
const MEETINGS: u64 = 20_000;

/// Creatures come to a mall, which makes pairs of them; each then takes the colour that neither had.
pub struct Chameneos;

impl Program for Chameneos {
    const SCENARIO: &'static str = "savina chameneos";
    /// Two that come, one that is sent on to the other, and that one's answer.
    const MESSAGES: u64 = 4 * MEETINGS;

    async fn run<S: System>() {
        let cast = Cast::<S, Role<S>>::new();
        let mall = cast.spawn(Role::Mall(Mall { waiting: None, left: MEETINGS, met: 0, ended: 0 })).await;
        for number in 0..CHAMENEOS {
            let colour = [Colour::Blue, Colour::Red, Colour::Yellow][number % 3];
            let creature = cast.spawn(Role::Creature(Creature { me: None, mall: mall.clone(), colour, met: 0 })).await;
            S::send(&creature, Message::Start(creature.clone()));
        }
        assert_eq!(cast.finish().await, 2 * MEETINGS, "two have met at each meeting");
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Colour {
    Blue,
    Red,
    Yellow,
}

impl Colour {
    /// What one of this colour becomes who meets one of the other.
    fn meeting(self, other: Self) -> Self {
        match (self, other) {
            (one, same) if one == same => one,
            (Self::Blue, Self::Red) | (Self::Red, Self::Blue) => Self::Yellow,
            (Self::Blue, Self::Yellow) | (Self::Yellow, Self::Blue) => Self::Red,
            _ => Self::Blue,
        }
    }
}

enum Message<S: System> {
    /// With a reference to the receiver itself.
    Start(S::Ref<Role<S>>),
    /// To the mall, and from there to whoever waits: who has come, in what colour.
    Meet(S::Ref<Role<S>>, Colour),
    /// What the other becomes.
    Change(Colour),
    /// No more meetings.
    Close,
    /// To the mall: how often one has met.
    Met(u64),
}

enum Role<S: System> {
    Mall(Mall<S>),
    Creature(Creature<S>),
}

impl<S: System> Behaviour<S> for Role<S> {
    type Message = Message<S>;

    fn handle(&mut self, message: Message<S>) -> Next {
        match self {
            Self::Mall(mall) => mall.handle(message),
            Self::Creature(creature) => creature.handle(message),
        }
    }
}

struct Mall<S: System> {
    waiting: Option<S::Ref<Role<S>>>,
    left: u64,
    met: u64,
    ended: usize,
}

impl<S: System> Mall<S> {
    fn handle(&mut self, message: Message<S>) -> Next {
        match message {
            Message::Meet(creature, _) if self.left == 0 => S::send(&creature, Message::Close),
            Message::Meet(creature, colour) => match self.waiting.take() {
                Some(waiting) => {
                    self.left -= 1;
                    S::send(&waiting, Message::Meet(creature, colour));
                }
                None => self.waiting = Some(creature),
            },
            Message::Met(times) => {
                self.met += times;
                self.ended += 1;
                if self.ended == CHAMENEOS {
                    return Next::End(self.met);
                }
            }
            _ => unreachable!("the mall has no colour"),
        }
        Next::More
    }
}

struct Creature<S: System> {
    me: Option<S::Ref<Role<S>>>,
    mall: S::Ref<Role<S>>,
    colour: Colour,
    met: u64,
}

impl<S: System> Creature<S> {
    fn handle(&mut self, message: Message<S>) -> Next {
        match message {
            Message::Start(me) => self.me = Some(me),
            Message::Meet(other, colour) => {
                self.change(colour);
                S::send(&other, Message::Change(self.colour));
            }
            // The same as the other's, since the rule makes no difference between the two.
            Message::Change(colour) => {
                self.colour = colour;
                self.met += 1;
            }
            Message::Close => {
                S::send(&self.mall, Message::Met(self.met));
                return Next::End(0);
            }
            Message::Met(_) => unreachable!("only the mall is told"),
        }
        self.go();
        Next::More
    }

    fn change(&mut self, other: Colour) {
        self.colour = self.colour.meeting(other);
        self.met += 1;
    }

    /// Goes to the mall.
    fn go(&self) {
        let me = self.me.clone().expect("the creature has started");
        S::send(&self.mall, Message::Meet(me, self.colour));
    }
}
