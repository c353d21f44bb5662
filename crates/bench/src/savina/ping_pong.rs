use super::{Behaviour, Cast, Next, Program, System};

const ROUNDS: u64 = 20_000;

/// Two actors send one message to and fro.
pub struct PingPong;

impl Program for PingPong {
    const SCENARIO: &'static str = "savina ping-pong";
    const MESSAGES: u64 = 2 * ROUNDS;

    async fn run<S: System>() {
        let cast = Cast::<S, Player<S>>::new();
        let pong = cast.spawn(Player { other: None, hits: 0 }).await;
        let ping = cast.spawn(Player { other: Some(pong.clone()), hits: 0 }).await;
        S::send(&pong, Message::Meet(ping.clone()));
        S::send(&ping, Message::Start);
        assert_eq!(cast.finish().await, 2 * ROUNDS, "each has hit in every round");
    }
}

enum Message<S: System> {
    Meet(S::Ref<Player<S>>),
    Start,
    Ping,
    Pong,
    End,
}

struct Player<S: System> {
    other: Option<S::Ref<Self>>,
    hits: u64,
}

impl<S: System> Player<S> {
    fn hit(&mut self, message: Message<S>) -> Next {
        self.hits += 1;
        self.send(message);
        Next::More
    }

    fn send(&self, message: Message<S>) {
        S::send(self.other.as_ref().expect("the players have met"), message);
    }
}

impl<S: System> Behaviour<S> for Player<S> {
    type Message = Message<S>;

    fn handle(&mut self, message: Message<S>) -> Next {
        match message {
            Message::Meet(other) => {
                self.other = Some(other);
                Next::More
            }
            Message::Ping => self.hit(Message::Pong),
            Message::Start | Message::Pong if self.hits < ROUNDS => self.hit(Message::Ping),
            Message::Start | Message::Pong => {
                self.send(Message::End);
                Next::End(self.hits)
            }
            Message::End => Next::End(self.hits),
        }
    }
}
