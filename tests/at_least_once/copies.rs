//! Messages that come again, and messages that can not be cloned.

use switchboard::actor::{SpawnOptions, StopCause};
use switchboard::broker::{MessageBroker, RequestErrorKind};
use switchboard::message::{Message, MessageEnvelope};
use switchboard::metrics::Outcome;

use crate::common::{self, Broker, Job, assert_at_rest, named, settle, take_letters};
use crate::script::{Act, SECOND, Scripted, at_least_once, thrice};

#[tokio::test(start_paused = true)]
async fn a_message_handled_before_is_dropped_where_the_actor_asks_for_that() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail]);
    worker.spawn(&broker, &desk, SpawnOptions::new().duplicate_window(2)).await;
    let envelope = at_least_once(7, thrice());
    broker.send(&desk, envelope.clone()).await.unwrap();
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(worker.attempts(), [(7, 1), (7, 2)], "an attempt that failed is none that was handled");
    broker.send(&desk, envelope.clone()).await.unwrap();
    let error = broker.request(&desk, envelope.clone()).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::Duplicate);
    assert_eq!(worker.attempts().len(), 2);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1), (Outcome::Duplicate, 2)]);
    assert!(take_letters(&broker).is_empty());

    // Two others push it out of the window.
    for number in [1, 2] {
        broker.send(&desk, Job::Note(number)).await.unwrap();
    }
    broker.send(&desk, envelope).await.unwrap();
    settle().await;
    assert_eq!(worker.attempts().len(), 5);
}

/// A message whose clone panics.
#[derive(Debug)]
struct Unclonable;

impl Clone for Unclonable {
    fn clone(&self) -> Self {
        panic!("there is only one");
    }
}

impl Message for Unclonable {
    const MESSAGE_TYPE: &'static str = "tests.unclonable";
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_clone_panics_is_dead_and_its_actor_goes_on() {
    let broker = switchboard::InMemoryMessageBroker::<Unclonable>::new();
    let desk = named("desk");
    let actor = broker.spawn(&desk, |_: MessageEnvelope<Unclonable>| async { Ok::<_, String>(()) }).await.unwrap();
    let error = broker.request(&desk, MessageEnvelope::new(Unclonable).at_least_once()).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::HandlerPanicked("there is only one".into()));
    broker.send(&desk, Unclonable).await.unwrap();
    assert_eq!(actor.drain().await, StopCause::Drained);
    let letters = common::take_letters(&broker);
    assert_eq!(letters.iter().map(|letter| letter.attempts).collect::<Vec<_>>(), [0], "no handler has begun with it");
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1), (Outcome::Failed, 1)]);
}
