use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, advance};

use super::support::{Note, bounded, fill, make, plain, take, take_all, try_send, waiting};
use crate::mailbox::{BackpressureStrategy, MailboxErrorKind, MailboxOptions};
use crate::message::{Message, MessageEnvelope};

const LIMIT: Duration = Duration::from_millis(100);
const SHORT: Duration = Duration::from_millis(20);
const TICK: Duration = Duration::from_millis(1);

fn timed_out(number: u64) -> Poll<super::support::Sent> {
    Poll::Ready(Err((MailboxErrorKind::TimedOut, number)))
}

#[tokio::test(start_paused = true)]
async fn a_sender_gives_up_when_the_block_limit_is_reached_and_not_before() {
    let (sender, mut receiver) = make(MailboxOptions::bounded(1).block_limit(LIMIT));
    fill(&sender, [0]);
    let mut send = waiting(&sender, Note(1));
    advance(LIMIT - TICK).await;
    assert_eq!(send.poll(), Poll::Pending);
    advance(TICK * 2).await;
    assert_eq!(send.wakes(), 1);
    assert_eq!(send.poll(), timed_out(1));
    assert_eq!(sender.blocked_senders(), 0);
    assert_eq!(take_all(&mut receiver), [0]);
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_room_lasts_as_long_as_the_limit_says() {
    let (sender, _receiver) = make(MailboxOptions::bounded(1).block_limit(LIMIT));
    fill(&sender, [0]);
    let began = Instant::now();
    assert_eq!(plain(sender.send(Note(1)).await), Err((MailboxErrorKind::TimedOut, 1)));
    let waited = began.elapsed();
    assert!((LIMIT..LIMIT + TICK * 2).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn the_earlier_of_limit_and_deadline_ends_the_wait() {
    for (limit, deadline) in [(LIMIT, SHORT), (SHORT, LIMIT)] {
        let (sender, _receiver) = make(MailboxOptions::bounded(1).block_limit(limit));
        fill(&sender, [0]);
        let began = Instant::now();
        let sent = plain(sender.send(Note(1).within(deadline)).await);
        assert_eq!(sent, Err((MailboxErrorKind::TimedOut, 1)));
        assert!((SHORT..SHORT + TICK * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_alone_ends_the_wait() {
    let (sender, _receiver) = bounded(1);
    fill(&sender, [0]);
    let began = Instant::now();
    assert_eq!(plain(sender.send(Note(1).within(SHORT)).await), Err((MailboxErrorKind::TimedOut, 1)));
    assert!((SHORT..SHORT + TICK * 2).contains(&began.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_waits_for_nothing_but_takes_room_that_is_there() {
    let (sender, mut receiver) = bounded(1);
    let late = |number| MessageEnvelope::new(Note(number)).with_deadline(Instant::now() - TICK);
    assert_eq!(plain(sender.send(late(0)).await), Ok(None));
    let began = Instant::now();
    assert_eq!(plain(sender.send(late(1)).await), Err((MailboxErrorKind::TimedOut, 1)));
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(sender.blocked_senders(), 0);
    assert_eq!(take_all(&mut receiver), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_without_end_is_no_timeout() {
    let (sender, mut receiver) = make(MailboxOptions::bounded(1).block_limit(Duration::MAX));
    fill(&sender, [0]);
    let mut send = waiting(&sender, Note(1).within(Duration::MAX));
    advance(Duration::from_secs(86_400)).await;
    assert_eq!(send.poll(), Poll::Pending);
    assert_eq!(take(&mut receiver), Some(0));
    assert_eq!(send.poll(), Poll::Ready(Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_got_in_in_time_has_been_accepted_even_if_it_learns_of_it_too_late() {
    let (sender, mut receiver) = make(MailboxOptions::bounded(1).block_limit(LIMIT));
    fill(&sender, [0]);
    let mut send = waiting(&sender, Note(1));
    assert_eq!(take(&mut receiver), Some(0));
    advance(LIMIT * 2).await;
    assert_eq!(send.poll(), Poll::Ready(Ok(None)));
    assert_eq!(take_all(&mut receiver), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_was_not_polled_since_its_time_ran_out_gets_in_if_room_comes_first() {
    let (sender, mut receiver) = make(MailboxOptions::bounded(1).block_limit(LIMIT));
    fill(&sender, [0]);
    let mut send = waiting(&sender, Note(1));
    advance(LIMIT * 2).await;
    assert_eq!(take(&mut receiver), Some(0));
    assert_eq!(send.poll(), Poll::Ready(Ok(None)));
    assert_eq!(take_all(&mut receiver), [1]);
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_holds_up_nobody_behind() {
    let (sender, mut receiver) = bounded(1);
    fill(&sender, [0]);
    let mut impatient = waiting(&sender, Note(1).within(SHORT));
    let mut patient = waiting(&sender, Note(2).within(LIMIT));
    advance(SHORT + TICK).await;
    assert_eq!(impatient.poll(), timed_out(1));
    assert_eq!((patient.poll(), sender.blocked_senders()), (Poll::Pending, 1));
    assert_eq!(take(&mut receiver), Some(0));
    assert_eq!(patient.poll(), Poll::Ready(Ok(None)));
    assert_eq!(take_all(&mut receiver), [2]);
}

#[tokio::test(start_paused = true)]
async fn the_limit_counts_from_when_the_wait_begins() {
    let (sender, _receiver) = make(MailboxOptions::bounded(1).block_limit(LIMIT));
    fill(&sender, [0]);
    let mut send = super::support::sending(&sender, Note(1));
    advance(LIMIT * 3).await;
    assert_eq!(send.poll(), Poll::Pending);
    advance(LIMIT + TICK).await;
    assert_eq!(send.poll(), timed_out(1));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_where_the_strategy_is_another() {
    for strategy in [BackpressureStrategy::Error, BackpressureStrategy::DropNewest, BackpressureStrategy::DropOldest] {
        let (sender, _receiver) = make(MailboxOptions::bounded(1).strategy(strategy).block_limit(LIMIT));
        fill(&sender, [0]);
        let began = Instant::now();
        let waited = plain(sender.send(Note(1)).await);
        assert_ne!(waited, Err((MailboxErrorKind::TimedOut, 1)), "{strategy:?}");
        assert_eq!((began.elapsed(), sender.blocked_senders()), (Duration::ZERO, 0));
        assert_ne!(try_send(&sender, Note(2)), Ok(None));
    }
}
