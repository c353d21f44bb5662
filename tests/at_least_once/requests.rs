//! A caller waits through the attempts.

use std::pin::pin;

use switchboard::actor::{OnPanic, SpawnOptions};
use switchboard::broker::{MessageBroker, RequestErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;

use crate::common::{self, Broker, Job, Worker, assert_at_rest, named, poll_once, pool, settle, take_letters};
use crate::script::{Act, SECOND, Scripted, at_least_once, the_one, thrice};

#[tokio::test(start_paused = true)]
async fn a_caller_waits_through_the_attempts_for_the_answer() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail, Act::Panic, Act::Answer(9)]);
    worker.spawn(&broker, &desk, SpawnOptions::new().on_panic(OnPanic::Rebuild)).await;
    assert_eq!(broker.request(&desk, at_least_once(7, thrice())).await.unwrap(), Job::Answer(9));
    settle().await;
    assert_eq!(worker.attempts().len(), 3);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_learns_what_the_last_attempt_said() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail, Act::Fail, Act::Reject]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    let error = broker.request(&desk, at_least_once(7, thrice())).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::HandlerFailed("never".into()));
    settle().await;
    assert_eq!(the_one(take_letters(&broker)).reason, DeadLetterReason::Rejected);
    assert_eq!(broker.metrics().requests_in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_answered_is_not_handled_again_though_its_handler_fails() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::AnswerAndFail(9)]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    assert_eq!(broker.request(&desk, at_least_once(7, thrice())).await.unwrap(), Job::Answer(9));
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(worker.attempts(), [(7, 1)]);
    assert_eq!(the_one(take_letters(&broker)).reason, DeadLetterReason::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_between_two_attempts_takes_its_request_along() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let worker = Scripted::new([Act::Fail]);
    worker.spawn(&broker, &desk, SpawnOptions::new()).await;
    let asked = broker.request(&desk, at_least_once(7, thrice()).within(SECOND * 3 / 2));
    assert!(tokio::time::timeout(SECOND / 2, asked).await.is_err());
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(worker.attempts(), [(7, 1)]);
    let letter = the_one(take_letters(&broker));
    assert_eq!((letter.reason, letter.attempts), (DeadLetterReason::Cancelled, 1));
    assert_at_rest(&broker.metrics().total, &[(Outcome::Cancelled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_to_be_offered_again_does_not_end_with_the_actor_that_refused_it() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let (gate, mut fails) = (common::Gate::new(), true);
    let handler = {
        let gate = gate.clone();
        move |_: MessageEnvelope<Job>| {
            let (gate, fails) = (gate.clone(), std::mem::take(&mut fails));
            async move {
                if fails {
                    return Err("on purpose");
                }
                gate.hold().await;
                Ok(())
            }
        }
    };
    let options = SpawnOptions::new().mailbox(mailbox);
    let first = broker.spawn_with(&desk, options, switchboard::actor::once(handler)).await.unwrap();
    let mut request = std::pin::pin!(broker.request(&desk, at_least_once(7, thrice())));
    assert!(poll_once(request.as_mut()).is_pending());
    settle().await;
    broker.send(&desk, Job::Note(1)).await.unwrap();
    gate.arrival().await;
    broker.send(&desk, Job::Note(2)).await.unwrap();
    tokio::time::sleep(SECOND * 3 / 2).await;
    first.abort();
    first.join().await;
    assert!(poll_once(request.as_mut()).is_pending());
    Scripted::new([Act::Answer(9)]).spawn(&broker, &desk, SpawnOptions::new()).await;
    assert_eq!(request.await.unwrap(), Job::Answer(9));
}

/// It was offered to both members, and stands in the line of the one that was tried first.
#[tokio::test(start_paused = true)]
async fn one_that_waits_at_a_member_does_not_end_with_another_that_was_full_too() {
    for round in 0..16 {
        let (broker, desks, worker) = (Broker::new(), pool("desks"), Worker::new());
        let members = [worker.spawn(&broker, &desks, 1).await, worker.spawn(&broker, &desks, 1).await];
        let question = MessageEnvelope::new(Job::Fail("on purpose")).at_least_once().with_retry(thrice());
        let mut asking = pin!(broker.request(&desks, question));
        assert!(poll_once(asking.as_mut()).is_pending());
        settle().await;
        for member in &members {
            let id = member.id().into();
            broker.send(&id, Job::Hold(0)).await.unwrap();
            worker.gate.arrival().await;
            broker.send(&id, Job::Note(1)).await.unwrap();
        }
        tokio::time::sleep(3 * SECOND).await;
        members[round % 2].stop();
        let was_there = take_letters(&broker).iter().any(|letter| matches!(letter.envelope.message(), Job::Fail(_)));
        assert_eq!(poll_once(asking.as_mut()).is_ready(), was_there, "{round}");
        worker.gate.let_all_go();
    }
}
