//! What is printed of a handle says what it stands for, and never shows a message.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

use std::fmt;
use std::time::Duration;

use switchboard::broker::{Context, MessageHandler};
use switchboard::mailbox::mailbox;
use switchboard::services::MemberOptions;
use switchboard::topics::{Interest, SubjectPattern};
use switchboard::{
    ActorAddress, InMemoryMessageBroker, MailboxOptions, Message, MessageBroker, MessageEnvelope, pattern, subject,
};

/// Prints what must not be seen.
#[derive(Clone)]
struct Letter;

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SECRET")
    }
}

impl Message for Letter {
    const MESSAGE_TYPE: &'static str = "letter";
}

/// Shows its context in its error.
struct Shows;

impl MessageHandler<Letter> for Shows {
    type Error = String;

    async fn handle<B: MessageBroker<Letter>>(
        &mut self,
        _: MessageEnvelope<Letter>,
        context: &Context<Letter, B>,
    ) -> Result<(), String> {
        Err(format!("{context:?}"))
    }
}

/// Asserts that all this is in what is printed, and the message is not.
#[track_caller]
fn assert_shows(shown: &impl fmt::Debug, parts: &[&str]) {
    let text = format!("{shown:?}");
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    assert!(!text.contains("SECRET"), "{text}");
}

fn address(text: &str) -> ActorAddress {
    text.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_becomes_of_a_message_is_shown_with_its_id_in_its_place() {
    let broker = InMemoryMessageBroker::<Letter>::new();
    let letter = MessageEnvelope::new(Letter);
    let id = letter.id().to_string();
    let published = broker.publish(&subject!("a"), letter).await;
    assert_shows(&published, &["Published", "delivered: 0", &id]);
    let back = broker.broadcast(&address("pool:desks"), published.returned.unwrap()).await;
    assert_shows(&back, &["Broadcasted", "refused: []", &id]);

    let (sender, receiver) =
        mailbox(MailboxOptions::bounded(1).strategy(switchboard::BackpressureStrategy::DropNewest)).unwrap();
    assert!(sender.try_send(MessageEnvelope::new(Letter)).is_ok());
    let evicted = sender.try_send(back.returned.unwrap()).unwrap();
    assert_shows(&evicted, &["Accepted", &id]);
    assert_shows(&sender, &["MailboxSender", "depth: 1"]);
    assert_shows(&receiver, &["MailboxReceiver", "depth: 1"]);
}

#[tokio::test(start_paused = true)]
async fn who_takes_messages_is_shown_by_address_or_interest() {
    let broker = InMemoryMessageBroker::<Letter>::new();
    let wanted: SubjectPattern = pattern!("orders.*");
    assert_eq!(Interest::from(&wanted), Interest::from(wanted.clone()));
    let own = broker.subscribe(&wanted, MailboxOptions::bounded(1)).await.unwrap();
    assert_shows(&own, &["Subscription", "orders.*", "depth: 0", "lost: 0"]);
    let desk = address("named:desk");
    let to_desk = broker.subscribe_actor(&wanted, &desk).await.unwrap();
    let _ = broker.publish(&subject!("orders.new"), Letter).await;
    assert_shows(&to_desk, &["ActorSubscription", "orders.*", "desk", "lost: 1"]);
    assert_eq!((to_desk.pattern(), to_desk.interest().group()), (&wanted, None));

    let inbox = broker.register(&desk, MailboxOptions::bounded(4)).await.unwrap();
    broker.send(&desk, Letter).await.unwrap();
    assert_shows(&inbox, &["Inbox", "desk", "depth: 1"]);
    let membership =
        broker.join(&address("pool:desks"), &inbox.registration(), MemberOptions::default()).await.unwrap();
    assert_shows(&membership, &["Membership", "desks", &inbox.id().to_string()]);
    assert_shows(&inbox.watch(), &["Watch", "ended: false"]);
    assert_shows(&broker.follow_service(&address("pool:desks"), 1), &["ServiceChanges", "desks"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_to_come_is_shown_with_its_time_and_counts() {
    let broker = InMemoryMessageBroker::<Letter>::new();
    let desk = address("named:desk");
    let later = broker.send_after(Duration::from_secs(9), &desk, Letter).await.unwrap();
    assert_shows(&later, &["Scheduled", "due: Some("]);
    let again = broker.send_every(Duration::from_secs(9), &desk, Letter).await.unwrap();
    assert_shows(&again, &["Recurring", "sent: 0", "missed: 0"]);
    assert_shows(&broker.ends(1), &["Ends"]);
    assert_shows(&broker.dead_letters().follow(1), &["DeadLetterStream"]);
    assert_shows(&broker.dead_letters(), &["DeadLetters", "kept: 0", "dropped: 0"]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_shown_by_its_address_and_by_that_of_its_context() {
    let broker = InMemoryMessageBroker::<Letter>::new();
    let actor = broker.spawn(&address("named:shows"), Shows).await.unwrap();
    assert_shows(&actor, &["ActorHandle", "shows", &actor.id().to_string()]);
    let failed = broker.request(&address("named:shows"), Letter).await.unwrap_err();
    assert_shows(&failed.to_string(), &["Context", "shows", &actor.id().to_string()]);
}
