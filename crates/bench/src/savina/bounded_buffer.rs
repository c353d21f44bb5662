use std::collections::VecDeque;

use super::{Behaviour, Cast, Next, Program, System};

const PRODUCERS: usize = 40;
const CONSUMERS: usize = 40;
const BUFFER: usize = 50;
const ITEMS: u64 = 500;

/// Producers and consumers, and between them a manager that keeps what was produced: never more than its buffer holds.
pub struct BoundedBuffer;

impl Program for BoundedBuffer {
    const SCENARIO: &'static str = "savina bounded buffer";
    /// An item that is asked for, produced, handed on, and used up.
    const MESSAGES: u64 = 4 * PRODUCERS as u64 * ITEMS;

    async fn run<S: System>() {
        let cast = Cast::<S, Role<S>>::new();
        let manager = cast.spawn(Role::Manager(Manager::new())).await;
        let (mut producers, mut consumers) = (Vec::new(), Vec::new());
        for _ in 0..PRODUCERS {
            producers.push(cast.spawn(Role::Producer { me: None, manager: manager.clone(), made: 0 }).await);
        }
        for _ in 0..CONSUMERS {
            consumers.push(cast.spawn(Role::Consumer { me: None, manager: manager.clone(), sum: 0 }).await);
        }
        for actor in producers.iter().chain(&consumers) {
            S::send(actor, Message::Meet(actor.clone()));
        }
        S::send(&manager, Message::Start { producers, consumers });
        let each: u64 = (1..=ITEMS).sum();
        assert_eq!(cast.finish().await, PRODUCERS as u64 * each, "every item was used up once");
    }
}

enum Message<S: System> {
    /// With a reference to the receiver itself.
    Meet(S::Ref<Role<S>>),
    Start {
        producers: Vec<S::Ref<Role<S>>>,
        consumers: Vec<S::Ref<Role<S>>>,
    },
    /// To a producer.
    Produce,
    /// From a producer, to which there is more to say when there is room again.
    Produced(u64, S::Ref<Role<S>>),
    /// From a producer that has made its last.
    Exhausted,
    Consume(u64),
    /// From a consumer.
    Available(S::Ref<Role<S>>),
    End,
}

enum Role<S: System> {
    Manager(Manager<S>),
    Producer { me: Option<S::Ref<Self>>, manager: S::Ref<Self>, made: u64 },
    Consumer { me: Option<S::Ref<Self>>, manager: S::Ref<Self>, sum: u64 },
}

impl<S: System> Behaviour<S> for Role<S> {
    type Message = Message<S>;

    fn handle(&mut self, message: Message<S>) -> Next {
        match (self, message) {
            (Self::Manager(manager), message) => return manager.handle(message),
            (Self::Producer { me, .. } | Self::Consumer { me, .. }, Message::Meet(own)) => *me = Some(own),
            (Self::Producer { manager, made: ITEMS, .. }, Message::Produce) => {
                S::send(manager, Message::Exhausted);
                return Next::End(0);
            }
            (Self::Producer { me, manager, made }, Message::Produce) => {
                *made += 1;
                S::send(manager, Message::Produced(*made, me.clone().expect("the producer has met itself")));
            }
            (Self::Consumer { me, manager, sum }, Message::Consume(item)) => {
                *sum += item;
                S::send(manager, Message::Available(me.clone().expect("the consumer has met itself")));
            }
            (Self::Consumer { sum, .. }, Message::End) => return Next::End(*sum),
            _ => unreachable!("each role has its own messages"),
        }
        Next::More
    }
}

struct Manager<S: System> {
    items: VecDeque<u64>,
    /// Producers that wait for room.
    producers: VecDeque<S::Ref<Role<S>>>,
    /// Consumers that wait for an item.
    consumers: VecDeque<S::Ref<Role<S>>>,
    /// Items that were asked for and have not come.
    coming: usize,
    producing: usize,
}

impl<S: System> Manager<S> {
    fn new() -> Self {
        Self {
            items: VecDeque::with_capacity(BUFFER),
            producers: VecDeque::new(),
            consumers: VecDeque::new(),
            coming: 0,
            producing: PRODUCERS,
        }
    }

    fn handle(&mut self, message: Message<S>) -> Next {
        match message {
            Message::Start { producers, consumers } => {
                self.consumers.extend(consumers);
                self.producers.extend(producers);
            }
            Message::Produced(item, producer) => {
                self.coming -= 1;
                self.items.push_back(item);
                assert!(self.items.len() <= BUFFER, "the buffer keeps to its bound");
                self.producers.push_back(producer);
            }
            Message::Exhausted => {
                self.coming -= 1;
                self.producing -= 1;
            }
            Message::Available(consumer) => self.consumers.push_back(consumer),
            _ => unreachable!("the manager neither produces nor consumes"),
        }
        self.hand_on()
    }

    /// Gives items to consumers, and the room that there is then to producers.
    fn hand_on(&mut self) -> Next {
        while let (Some(_), Some(_)) = (self.items.front(), self.consumers.front()) {
            if let (Some(item), Some(consumer)) = (self.items.pop_front(), self.consumers.pop_front()) {
                S::send(&consumer, Message::Consume(item));
            }
        }
        while self.items.len() + self.coming < BUFFER {
            let Some(producer) = self.producers.pop_front() else { break };
            self.coming += 1;
            S::send(&producer, Message::Produce);
        }
        if self.producing > 0 || self.consumers.len() < CONSUMERS || !self.items.is_empty() {
            return Next::More;
        }
        self.consumers.drain(..).for_each(|consumer| S::send(&consumer, Message::End));
        Next::End(0)
    }
}
