//! A probe says what came, what did not, and what should not have.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

use std::time::Duration;

use switchboard::broker::RegisterError;
use switchboard::{ActorAddress, InMemoryMessageBroker, MailboxOptions, MessageBroker};
use switchboard_conformance::{Job, Probe, Unexpected};
use tokio::time::Instant;

type Broker = InMemoryMessageBroker<Job>;

const SECOND: Duration = Duration::from_secs(1);

fn desk() -> ActorAddress {
    ActorAddress::named("desk").unwrap()
}

async fn probe(broker: &Broker) -> Probe<Job, Broker> {
    Probe::register(broker, &desk()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_in_time_is_there_as_soon_as_it_comes() {
    let broker = Broker::new();
    let mut probe = probe(&broker).await;
    let start = Instant::now();
    broker.send_after(SECOND, &desk(), Job::Note(1)).await.unwrap();
    let delivery = probe.expect_within(2 * SECOND).await.unwrap();
    assert_eq!(delivery.message(), &Job::Note(1));
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_too_late_did_not_come() {
    let broker = Broker::new();
    let mut probe = probe(&broker).await;
    let start = Instant::now();
    broker.send_after(2 * SECOND, &desk(), Job::Note(1)).await.unwrap();
    let unexpected = probe.expect_within(SECOND).await.unwrap_err();
    assert_eq!(unexpected, Unexpected::DidNotCome { time: SECOND, others: Vec::new() });
    assert_eq!(start.elapsed(), SECOND);
    probe.expect_within(2 * SECOND).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn none_is_what_is_expected_for_the_whole_time_and_a_message_is_not() {
    let broker = Broker::new();
    let mut probe = probe(&broker).await;
    let start = Instant::now();
    probe.expect_none_for(SECOND).await.unwrap();
    assert_eq!(start.elapsed(), SECOND);
    broker.send_after(SECOND / 2, &desk(), Job::Note(1)).await.unwrap();
    let unexpected = probe.expect_none_for(SECOND).await.unwrap_err();
    assert_eq!(unexpected, Unexpected::Came { message: "Note(1)".into() });
    assert_eq!(start.elapsed(), SECOND + SECOND / 2);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_matches_is_picked_from_among_others() {
    let broker = Broker::new();
    let mut probe = probe(&broker).await;
    for number in 0..4 {
        broker.send(&desk(), Job::Note(number)).await.unwrap();
    }
    let delivery = probe.expect_matching(SECOND, |job| *job == Job::Note(2)).await.unwrap();
    assert_eq!(delivery.message(), &Job::Note(2));
    drop(delivery);
    let unexpected = probe.expect_matching(SECOND, |job| *job == Job::Note(2)).await.unwrap_err();
    assert_eq!(unexpected, Unexpected::DidNotCome { time: SECOND, others: vec!["Note(3)".into()] });
    assert_eq!(format!("{unexpected:?}"), r#"no such message came in 1s; came: ["Note(3)"]"#);
}

#[tokio::test(start_paused = true)]
async fn what_a_probe_gets_can_be_answered() {
    let broker = Broker::new();
    let mut probe = probe(&broker).await;
    assert_eq!(probe.address(), &desk());
    let answering = async { probe.expect_within(SECOND).await.unwrap().reply(Job::Answer(1)).await };
    let asking = async { broker.request(&desk(), Job::Echo(1)).await };
    let (reply, answered) = tokio::join!(asking, answering);
    answered.unwrap();
    assert_eq!(reply.unwrap(), Job::Answer(1));
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_broker_is_shut_down_does_not_wait() {
    let broker = Broker::new();
    let inbox = broker.register(&desk(), MailboxOptions::bounded(2)).await.unwrap();
    let mut probe = Probe::from(inbox);
    assert_eq!(broker.members(&desk()).await, [probe.id()]);
    let taken = Probe::register(&broker, &desk()).await.unwrap_err();
    assert_eq!(taken, RegisterError::Taken { address: desk() });
    broker.shutdown(SECOND).await;
    let start = Instant::now();
    assert_eq!(probe.expect_within(SECOND).await.unwrap_err(), Unexpected::Ended { others: Vec::new() });
    probe.expect_none_for(SECOND).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}
