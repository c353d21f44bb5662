use crate::broker::{InMemoryMessageBroker, MessageBroker};
use crate::mailbox::{BackpressureStrategy, MailboxOptions};
use crate::message::MessagePriority;
use crate::metrics::{Outcome, Traffic};

use super::support::{Note, note};

/// What a mailbox with room for three has counted after six messages, the last of them urgent, of which none was
/// received.
async fn after_six(strategy: BackpressureStrategy) -> Traffic {
    let broker = InMemoryMessageBroker::<Note>::new();
    let desk = "named:desk".parse().unwrap();
    let _inbox = broker.register(&desk, MailboxOptions::bounded(3).strategy(strategy)).await.unwrap();
    for number in 0..5 {
        let _ = broker.try_send(&desk, Note(number));
    }
    let _ = broker.try_send(&desk, note(5, MessagePriority::Critical));
    let traffic = broker.metrics().total;
    assert_eq!(traffic.unaccounted(), 0, "{strategy:?}");
    traffic
}

#[tokio::test]
async fn what_is_refused_was_not_accepted_and_what_is_evicted_was() {
    for (strategy, accepted, evicted) in [
        (BackpressureStrategy::Block, 3, 0),
        (BackpressureStrategy::Error, 3, 0),
        (BackpressureStrategy::DropNewest, 6, 3),
        (BackpressureStrategy::DropOldest, 6, 3),
    ] {
        let traffic = after_six(strategy).await;
        let counted = (traffic.accepted, traffic.outcomes[Outcome::Evicted], traffic.queued);
        assert_eq!(counted, (accepted, evicted, 3), "{strategy:?}");
        assert_eq!(traffic.deepest_mailbox, 3, "{strategy:?}");
    }
}

#[tokio::test]
async fn a_sender_that_was_let_in_from_the_line_counts_once() {
    let broker = InMemoryMessageBroker::<Note>::new();
    let desk = "named:desk".parse().unwrap();
    let mut inbox = broker.register(&desk, MailboxOptions::bounded(1)).await.unwrap();
    broker.try_send(&desk, Note(0)).unwrap();
    let mut second = super::support::Driven::new(broker.send(&desk, Note(1)));
    let cancelled = {
        assert!(second.poll().is_pending());
        let mut third = super::support::Driven::new(broker.send(&desk, Note(2)));
        assert!(third.poll().is_pending());
        third
    };
    assert_eq!((broker.metrics().total.accepted, broker.metrics().blocked_senders), (1, 2));
    drop(cancelled);
    drop(inbox.try_recv());
    assert!(second.poll().is_ready());
    let metrics = broker.metrics();
    assert_eq!((metrics.total.accepted, metrics.total.queued, metrics.blocked_senders), (2, 1, 0));
    assert_eq!(metrics.total.unaccounted(), 0);
}
