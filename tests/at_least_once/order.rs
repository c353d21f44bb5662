//! What happens to the messages behind one that waits to be handled again.

use switchboard::actor::{OnPanic, SpawnOptions, StopCause};
use switchboard::broker::MessageBroker;
use switchboard::dead_letters::DeadLetterReason;
use switchboard::metrics::Outcome;

use crate::common::{Broker, assert_at_rest, named, number_of, settle, soon, take_letters};
use crate::script::{Act, SECOND, Scripted, at_least_once, the_one, thrice};

#[tokio::test(start_paused = true)]
async fn what_waits_to_be_handled_again_does_not_hold_up_the_messages_behind_it() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    for number in 1..=3 {
        broker.send(&desk, at_least_once(number, thrice())).await.unwrap();
    }
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(worker.attempts(), [(1, 1), (2, 1), (3, 1), (1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn in_strict_order_the_messages_behind_it_wait() {
    for act in [Act::Fail, Act::Panic] {
        let (broker, desk) = (Broker::new(), named("desk"));
        let worker = Scripted::new([act]);
        worker.spawn(&broker, &desk, SpawnOptions::new().in_order().on_panic(OnPanic::Rebuild)).await;
        for number in 1..=3 {
            broker.send(&desk, at_least_once(number, thrice())).await.unwrap();
        }
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(worker.attempts(), [(1, 1), (1, 2), (2, 1), (3, 1)]);
        assert_eq!(worker.times(), [0, 1_000, 1_000, 1_000]);
        assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 3)]);
    }
}

#[tokio::test(start_paused = true)]
async fn in_strict_order_a_stop_ends_the_wait_and_the_message_is_dead_whole() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail]);
    let actor = worker.spawn(&broker, &desk, SpawnOptions::new().in_order()).await;
    broker.send(&desk, at_least_once(1, thrice())).await.unwrap();
    broker.send(&desk, at_least_once(2, thrice())).await.unwrap();
    settle().await;
    assert_eq!(broker.metrics().total.in_handlers, 1);
    actor.stop();
    assert_eq!(soon(actor.join()).await, StopCause::Stopped);
    assert_eq!(worker.attempts(), [(1, 1)]);
    let mut letters = take_letters(&broker);
    assert!(letters.iter().all(|letter| letter.reason == DeadLetterReason::ActorStopped));
    letters.sort_by_key(|letter| number_of(letter.envelope.message()));
    assert_eq!(letters.iter().map(|letter| letter.attempts).collect::<Vec<_>>(), [1, 0]);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Abandoned, 2)]);
}

#[tokio::test(start_paused = true)]
async fn in_strict_order_a_deadline_that_passes_ends_it_and_the_next_goes_on() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::RetryAfter(SECOND), Act::Fail]);
    worker.spawn(&broker, &desk, SpawnOptions::new().in_order()).await;
    broker.send(&desk, at_least_once(1, thrice()).within(SECOND * 3 / 2)).await.unwrap();
    broker.send(&desk, at_least_once(2, thrice())).await.unwrap();
    tokio::time::sleep(5 * SECOND).await;
    // There is no time for a third attempt, so there is no wait for it.
    assert_eq!(worker.attempts(), [(1, 1), (1, 2), (2, 1)]);
    assert_eq!(the_one(take_letters(&broker)).reason, DeadLetterReason::Failed);
}
