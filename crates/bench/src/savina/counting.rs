use super::{Behaviour, Cast, Next, Program, System};

const NUMBERS: u64 = 100_000;

/// One actor sends numbers as fast as it can to one that counts, and then asks how many they were.
pub struct Counting;

impl Program for Counting {
    const SCENARIO: &'static str = "savina counting";
    const MESSAGES: u64 = NUMBERS;

    async fn run<S: System>() {
        let cast = Cast::<S, Role<S>>::new();
        let counter = cast.spawn(Role::Counter { count: 0 }).await;
        let producer = cast.spawn(Role::Producer { counter }).await;
        S::send(&producer, Message::Start(producer.clone()));
        assert_eq!(cast.finish().await, NUMBERS, "every number was counted");
    }
}

enum Message<S: System> {
    /// With a reference to the receiver itself, which the counter answers to.
    Start(S::Ref<Role<S>>),
    Increment,
    Retrieve(S::Ref<Role<S>>),
    Count(u64),
}

enum Role<S: System> {
    Producer { counter: S::Ref<Self> },
    Counter { count: u64 },
}

impl<S: System> Behaviour<S> for Role<S> {
    type Message = Message<S>;

    fn handle(&mut self, message: Message<S>) -> Next {
        match (self, message) {
            (Self::Producer { counter }, Message::Start(producer)) => {
                for _ in 0..NUMBERS {
                    S::send(counter, Message::Increment);
                }
                S::send(counter, Message::Retrieve(producer));
                Next::More
            }
            (Self::Producer { .. }, Message::Count(count)) => Next::End(count),
            (Self::Counter { count }, Message::Increment) => {
                *count += 1;
                Next::More
            }
            (Self::Counter { count }, Message::Retrieve(producer)) => {
                S::send(&producer, Message::Count(*count));
                Next::End(0)
            }
            _ => unreachable!("each role has its own messages"),
        }
    }
}
