//! Code that receives by hand says itself that it failed.

use switchboard::broker::MessageBroker;
use switchboard::dead_letters::DeadLetterReason;
use switchboard::metrics::Outcome;
use tokio::time::Instant;

use crate::common::{self, Broker, Job, assert_at_rest, named, numbers_of, take_letters};
use crate::script::{SECOND, at_least_once, the_one, thrice};

#[tokio::test(start_paused = true)]
async fn code_that_receives_by_hand_can_fail_reject_and_ask_for_it_later() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = common::inbox(&broker, &desk, 8).await;
    broker.send(&desk, at_least_once(7, thrice())).await.unwrap();
    inbox.recv().await.unwrap().fail("once");
    let start = Instant::now();
    let again = inbox.recv().await.unwrap();
    assert_eq!((again.envelope().attempt(), start.elapsed().as_secs()), (2, 1));
    again.retry_after(3 * SECOND, "twice");
    let again = inbox.recv().await.unwrap();
    assert_eq!((again.envelope().attempt(), start.elapsed().as_secs()), (3, 4));
    again.fail("thrice");
    let letter = the_one(take_letters(&broker));
    assert_eq!((letter.reason, letter.attempts), (DeadLetterReason::Failed, 3));
    assert_eq!(letter.cause.as_deref(), Some("thrice"));

    broker.send(&desk, at_least_once(8, thrice())).await.unwrap();
    inbox.recv().await.unwrap().reject("no");
    assert_eq!(the_one(take_letters(&broker)).reason, DeadLetterReason::Rejected);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 2)]);
}

#[tokio::test(start_paused = true)]
async fn received_by_hand_even_a_plain_message_that_failed_is_kept_whole() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = common::inbox(&broker, &desk, 8).await;
    broker.send(&desk, Job::Note(7)).await.unwrap();
    inbox.recv().await.unwrap().fail("no ink");
    let letters = take_letters(&broker);
    assert_eq!(numbers_of(&letters, DeadLetterReason::Failed), [7]);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Failed, 1)]);
}
