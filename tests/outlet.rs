//! What a broker can't deliver because nobody is at its address here goes out by the outlet, for a broker that is built on it,
//! and whatever becomes of it there, it is counted once.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use common::{Broker, Job, inbox, named, poll_once, settle};
use switchboard::address::ActorAddress;
use switchboard::broker::{MessageBroker, Outbound, Outlet, Receipt, SendErrorKind};
use switchboard::dead_letters::{DeadLetterFilter, DeadLetterReason};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::MessageEnvelope;
use switchboard::metrics::Outcome;
use switchboard::retry::{Backoff, RetryPolicy};
use switchboard::{pattern, subject};

const SECOND: Duration = Duration::from_secs(1);

/// Copies of what is published or sent at an interval, that may be on their way at once.
const COPIES: u64 = 1_024;

fn opened() -> (Broker, Outlet<Job>) {
    let broker = Broker::new();
    let outlet = broker.outlet().unwrap();
    (broker, outlet)
}

/// The next that came out, if one did.
fn taken(outlet: &mut Outlet<Job>) -> Option<Outbound<Job>> {
    match poll_once(pin!(outlet.next())) {
        Poll::Ready(outbound) => outbound,
        Poll::Pending => None,
    }
}

/// What came out next, and where to say what became of it.
fn parts(outlet: &mut Outlet<Job>) -> (MessageEnvelope<Job>, Receipt<Job>) {
    let (_, envelope, receipt) = taken(outlet).expect("one came out").into_parts();
    (envelope, receipt)
}

/// Sends a note that is due in a second, and lets the second pass.
async fn due(broker: &Broker, note: impl Into<MessageEnvelope<Job>> + Send) {
    broker.send_after(SECOND, &named("desk"), note).await.unwrap();
    tokio::time::sleep(SECOND).await;
    settle().await;
}

fn reason(broker: &Broker) -> Vec<DeadLetterReason> {
    broker.dead_letters().read(&DeadLetterFilter::all()).into_iter().map(|letter| letter.reason).collect()
}

#[tokio::test(start_paused = true)]
async fn there_is_one_way_out() {
    let (broker, _outlet) = opened();
    assert!(broker.outlet().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_is_scheduled_for_nobody_here_comes_out_in_the_order_in_which_it_was_due() {
    let (broker, mut outlet) = opened();
    for (note, seconds) in [(3, 3), (1, 1), (2, 2)] {
        let to = named(&format!("desk{note}"));
        broker.send_after(SECOND * seconds, &to, Job::Note(note)).await.unwrap();
    }
    let mut here = inbox(&broker, &named("desk2"), 8).await;
    assert!(taken(&mut outlet).is_none());
    tokio::time::sleep(SECOND * 4).await;
    settle().await;
    for note in [1, 3] {
        let outbound = taken(&mut outlet).unwrap();
        assert_eq!(outbound.to(), &named(&format!("desk{note}")));
        let (to, envelope, receipt) = outbound.into_parts();
        assert_eq!((to, envelope.message()), (named(&format!("desk{note}")), &Job::Note(note)));
        receipt.accepted();
    }
    assert!(taken(&mut outlet).is_none());
    assert_eq!(here.recv().await.unwrap().into_message(), Job::Note(2));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_accepted_elsewhere_leaves_this_account() {
    let (broker, mut outlet) = opened();
    due(&broker, Job::Note(1)).await;
    assert_eq!((broker.audit().accepted, broker.audit().waiting), (1, 1), "it is here until it is taken there");
    assert!(broker.audit().is_balanced());
    parts(&mut outlet).1.accepted();
    let audit = broker.audit();
    assert!(audit.is_at_rest(), "{audit:?}");
    assert_eq!((audit.accepted, audit.waiting), (0, 0));
    assert!(broker.dead_letters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_refused_elsewhere_is_a_dead_letter_at_its_address() {
    let (broker, mut outlet) = opened();
    due(&broker, Job::Note(1)).await;
    let (envelope, receipt) = parts(&mut outlet);
    receipt.refused(SendErrorKind::Full, envelope);
    let letters = broker.dead_letters().read(&DeadLetterFilter::all());
    assert_eq!((letters.len(), &letters[0].address), (1, &named("desk")));
    assert_eq!(letters[0].reason, DeadLetterReason::Undeliverable(SendErrorKind::Full));
    assert!(broker.audit().is_at_rest());
    assert_eq!(broker.audit().outcomes.sum(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_retry_policy_holds_for_what_is_refused_elsewhere_and_counts_the_attempts_there() {
    let (broker, mut outlet) = opened();
    let policy = RetryPolicy::attempts(3).backoff(Backoff::fixed(SECOND));
    due(&broker, MessageEnvelope::new(Job::Note(1)).with_retry(policy)).await;
    for _ in 0..2 {
        let (envelope, receipt) = parts(&mut outlet);
        receipt.refused(SendErrorKind::Full, envelope);
        assert!(taken(&mut outlet).is_none(), "not before it is due");
        tokio::time::sleep(SECOND).await;
        settle().await;
    }
    let (envelope, receipt) = parts(&mut outlet);
    receipt.refused(SendErrorKind::Full, envelope);
    assert_eq!(reason(&broker), [DeadLetterReason::Undeliverable(SendErrorKind::Full)]);
    assert!(broker.audit().is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn a_message_of_which_nothing_is_said_counts_as_abandoned() {
    let (broker, mut outlet) = opened();
    due(&broker, Job::Note(1)).await;
    drop(parts(&mut outlet));
    assert!(broker.audit().is_at_rest());
    assert_eq!(broker.audit().outcomes[Outcome::Abandoned], 1);
}

#[tokio::test(start_paused = true)]
async fn when_the_way_out_is_gone_what_is_due_is_refused_here() {
    let (broker, outlet) = opened();
    drop(outlet);
    due(&broker, Job::Note(1)).await;
    assert_eq!(reason(&broker), [DeadLetterReason::Undeliverable(SendErrorKind::NoSuchActor)]);
    assert!(broker.audit().is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_redriven_to_an_actor_that_is_not_here() {
    let (broker, mut outlet) = opened();
    due(&broker, Job::Note(1)).await;
    let (envelope, receipt) = parts(&mut outlet);
    receipt.refused(SendErrorKind::NoSuchActor, envelope);
    let redriven = broker.dead_letters().redrive(&DeadLetterFilter::all());
    assert_eq!((redriven.sent, redriven.waiting, redriven.refused.len()), (0, 1, 0));
    settle().await;
    let (envelope, receipt) = parts(&mut outlet);
    assert_eq!(envelope.message(), &Job::Note(1));
    receipt.accepted();
    assert!(broker.dead_letters().is_empty() && broker.audit().is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_at_an_interval_comes_out_one_at_a_time_and_counts_how_each_ended() {
    let (broker, mut outlet) = opened();
    let recurring = broker.send_every(SECOND, &named("desk"), Job::Note(7)).await.unwrap();
    let pass = async |seconds: u32| {
        tokio::time::sleep(SECOND * seconds).await;
        settle().await;
    };
    pass(1).await;
    let (_, receipt) = parts(&mut outlet);
    pass(2).await;
    assert!(taken(&mut outlet).is_none(), "one is still away");
    assert_eq!((recurring.sent(), recurring.missed()), (0, 2));
    receipt.accepted();
    assert_eq!(recurring.sent(), 1);
    for ends in [
        |receipt: Receipt<Job>, envelope| receipt.refused(SendErrorKind::Full, envelope),
        |receipt, _| {
            drop(receipt);
        },
    ] {
        let missed = recurring.missed();
        pass(1).await;
        let (envelope, receipt) = parts(&mut outlet);
        ends(receipt, envelope);
        assert_eq!((recurring.sent(), recurring.missed()), (1, missed + 1));
    }
    // None of them is in an account here.
    assert!(broker.audit().accepted == 0 && broker.dead_letters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_copy_for_an_address_comes_out_and_is_lost_if_it_is_refused_there() {
    let (broker, mut outlet) = opened();
    let subscribed = broker.subscribe_actor(pattern!("a.*"), &named("desk")).await.unwrap();
    for (lost, end) in [(0, SendErrorKind::Full), (1, SendErrorKind::Full), (2, SendErrorKind::ShutDown)] {
        assert_eq!(broker.publish(&subject!("a.b"), Job::Note(lost)).await.delivered, 1);
        let (envelope, receipt) = parts(&mut outlet);
        assert_eq!((envelope.message(), subscribed.lost()), (&Job::Note(lost), lost));
        match end {
            SendErrorKind::ShutDown => drop(receipt),
            end => receipt.refused(end, envelope),
        }
        assert_eq!(subscribed.lost(), lost + 1);
    }
    broker.publish(&subject!("a.b"), Job::Note(9)).await;
    parts(&mut outlet).1.accepted();
    assert_eq!(subscribed.lost(), 3);
    assert!(broker.audit().is_at_rest() && broker.dead_letters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn so_many_copies_may_be_on_their_way_and_no_more_until_one_is_back() {
    let (broker, mut outlet) = opened();
    let subscribed = broker.subscribe_actor(pattern!("a"), &named("desk")).await.unwrap();
    for note in 0..COPIES {
        assert_eq!(broker.publish(&subject!("a"), Job::Note(note)).await.refused, 0);
    }
    let full = broker.publish(&subject!("a"), Job::Note(0)).await;
    assert_eq!((full.delivered, full.refused, subscribed.lost()), (0, 1, 1));
    // What is only taken out is still on its way.
    let (_, receipt) = parts(&mut outlet);
    assert_eq!(broker.publish(&subject!("a"), Job::Note(0)).await.refused, 1);
    receipt.accepted();
    assert_eq!(broker.publish(&subject!("a"), Job::Note(0)).await.refused, 0);
    assert_eq!(broker.publish(&subject!("a"), Job::Note(0)).await.refused, 1);
    // With the way out, all that were on it go.
    drop(outlet);
    let lost = subscribed.lost();
    assert_eq!(lost, 3 + COPIES);
    let closed = broker.publish(&subject!("a"), Job::Note(0)).await;
    assert_eq!((closed.refused, subscribed.lost()), (1, lost + 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_out_when_the_broker_shuts_down_ends_as_it_does_there() {
    for is_accepted in [true, false] {
        let (broker, mut outlet) = opened();
        due(&broker, MessageEnvelope::new(Job::Note(1)).with_retry(RetryPolicy::attempts(9))).await;
        let (envelope, receipt) = parts(&mut outlet);
        broker.shutdown(SECOND).await;
        assert!(!broker.audit().is_at_rest());
        if is_accepted {
            receipt.accepted();
        } else {
            receipt.refused(SendErrorKind::Full, envelope);
        }
        let audit = broker.audit();
        assert!(audit.is_at_rest() && audit.is_balanced(), "{audit:?}");
        assert_eq!(audit.outcomes.sum(), u64::from(!is_accepted));
        assert_eq!(broker.dead_letters().len(), usize::from(!is_accepted));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_sender_sends_comes_back_to_it_and_never_goes_out() {
    let (broker, mut outlet) = opened();
    let refused = broker.send(&named("desk"), Job::Note(1)).await.unwrap_err();
    assert_eq!(refused.kind(), SendErrorKind::NoSuchActor);
    let full = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let _desk = broker.register(&named("desk"), full).await.unwrap();
    broker.send(&named("desk"), Job::Note(1)).await.unwrap();
    // Somebody is there, so it is for nobody else.
    due(&broker, Job::Note(2)).await;
    assert!(taken(&mut outlet).is_none());
    assert_eq!(reason(&broker), [DeadLetterReason::Undeliverable(SendErrorKind::Full)]);
}

#[tokio::test(start_paused = true)]
async fn the_next_attempt_at_another_place_goes_by_the_policy_of_message_and_address() {
    let broker = Broker::new();
    let note = || MessageEnvelope::new(Job::Note(1));
    let next = |to: &ActorAddress, envelope: &MessageEnvelope<Job>, attempts, elapsed, kind| {
        broker.next_attempt(to, envelope, attempts, elapsed, kind)
    };
    let (desk, full) = (named("desk"), SendErrorKind::Full);
    assert_eq!(next(&desk, &note(), 1, Duration::ZERO, full), None, "without a policy");
    let policy = RetryPolicy::attempts(3).backoff(Backoff::fixed(SECOND)).within(SECOND * 5);
    broker.set_retry(&desk, policy).unwrap();
    assert_eq!(next(&desk, &note(), 1, Duration::ZERO, full), Some(SECOND));
    assert_eq!(next(&named("other"), &note(), 1, Duration::ZERO, full), None);
    assert_eq!(next(&desk, &note(), 3, Duration::ZERO, full), None, "no attempt is left");
    assert_eq!(next(&desk, &note(), 1, SECOND * 5, full), None, "no time is left");
    assert_eq!(next(&desk, &note(), 1, Duration::ZERO, SendErrorKind::Unconfirmed), None, "it may have run");
    let hasty = note().within(SECOND / 2);
    assert_eq!(next(&desk, &hasty, 1, Duration::ZERO, full), None, "its deadline comes first");
    let own = note().with_retry(RetryPolicy::attempts(9).backoff(Backoff::fixed(SECOND * 2)));
    assert_eq!(next(&desk, &own, 5, Duration::ZERO, full), Some(SECOND * 2));
}
