//! Once it has warmed up, the broker allocates nothing for a message: counted by the allocator.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

use allocation_counter::{AllocationInfo, measure};
use switchboard::balancing::Strategy;
use switchboard::broker::{Context, InMemoryMessageBroker, MessageBroker, MessageHandler};
use switchboard::message::{Message, MessageEnvelope};
use switchboard::topics::{Subject, SubjectPattern};
use switchboard::{ActorAddress, MailboxOptions};
use tokio::runtime::Runtime;

const WARM_UP: u64 = 5_000;
const MEASURED: u64 = 5_000;

#[derive(Clone, Debug, PartialEq)]
enum Job {
    Note(u64),
    Question(u64),
    Answer(u64),
}

impl Message for Job {
    const MESSAGE_TYPE: &'static str = "tests.job";

    fn routing_key(&self) -> Option<&str> {
        Some("key")
    }
}

/// Answers questions.
struct Desk;

impl MessageHandler<Job> for Desk {
    type Error = std::convert::Infallible;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), Self::Error> {
        if let Job::Question(number) = envelope.into_message() {
            context.reply(Job::Answer(number)).await.unwrap();
        }
        Ok(())
    }
}

type Jobs = InMemoryMessageBroker<Job>;

fn address(text: &str) -> ActorAddress {
    text.parse().unwrap()
}

/// What is allocated while a message is sent and handled again and again, after that was done for a while.
fn allocations(runtime: &Runtime, mut once: impl AsyncFnMut(u64)) -> AllocationInfo {
    let mut run = |messages: u64| {
        runtime.block_on(async {
            for number in 0..messages {
                once(number).await;
                // One task with the handler, so that it has its turn.
                if number % 64 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        });
    };
    run(WARM_UP);
    measure(|| run(MEASURED))
}

/// A broker with four members of a pool, one of which has a name too.
fn broker(runtime: &Runtime) -> Jobs {
    let broker = Jobs::new();
    runtime.block_on(async {
        broker.spawn(&address("named:desk"), Desk).await.unwrap();
        for _ in 0..4 {
            broker.spawn(&address("pool:desks"), Desk).await.unwrap();
        }
    });
    broker
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

#[track_caller]
fn assert_none(info: &AllocationInfo) {
    // Less than one in a thousand messages: a buffer may still grow once.
    assert!(info.count_total < MEASURED / 1_000, "{info:?}");
}

#[test]
fn the_allocator_is_looked_at() {
    let runtime = runtime();
    let info = allocations(&runtime, async |number| drop(std::hint::black_box(Box::new(number))));
    assert!(info.count_total >= MEASURED, "{info:?}");
}

#[test]
fn a_tell_allocates_nothing() {
    let runtime = runtime();
    let (broker, desk) = (broker(&runtime), address("named:desk"));
    let route = broker.route(&desk).unwrap();
    assert_none(&allocations(&runtime, async |number| {
        broker.send(&desk, Job::Note(number)).await.unwrap();
    }));
    assert_none(&allocations(&runtime, async |number| {
        route.send(Job::Note(number)).await.unwrap();
    }));
}

#[test]
fn a_request_allocates_nothing() {
    let runtime = runtime();
    let (broker, desk) = (broker(&runtime), address("named:desk"));
    assert_none(&allocations(&runtime, async |number| {
        assert_eq!(broker.request(&desk, Job::Question(number)).await.unwrap(), Job::Answer(number));
    }));
}

#[test]
fn a_message_to_a_pool_allocates_nothing_under_any_strategy() {
    let runtime = runtime();
    let (broker, desks) = (broker(&runtime), address("pool:desks"));
    for &strategy in Strategy::ALL {
        broker.set_strategy(&desks, strategy).unwrap();
        let info = allocations(&runtime, async |number| {
            broker.send(&desks, Job::Note(number)).await.unwrap();
        });
        assert_none(&info);
    }
}

#[test]
fn publishing_to_few_allocates_nothing() {
    let runtime = runtime();
    let (broker, subject) = (broker(&runtime), Subject::new("orders.eu").unwrap());
    let pattern = SubjectPattern::new("orders.*").unwrap();
    let mut subscription = runtime.block_on(broker.subscribe(pattern, MailboxOptions::bounded(1_024))).unwrap();
    let mut run = |messages: u64| {
        runtime.block_on(async {
            for number in 0..messages {
                let published = broker.publish(&subject, Job::Note(number)).await;
                assert_eq!(published.delivered, 1);
                drop(subscription.recv().await.unwrap());
            }
        });
    };
    run(WARM_UP);
    let info = measure(|| run(MEASURED));
    assert_none(&info);
}
