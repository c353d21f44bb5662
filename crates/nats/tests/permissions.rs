//! What a node must be allowed at the server is what `OPERATING.md` says, and no more.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::convert::Infallible;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::Server;
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope};
use switchboard::{pattern, subject};
use switchboard_nats::{ConnectError, Credentials, DurableOptions, NatsMessageBroker, NatsOptions};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Note(u32);

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "note";
}

/// Answers with the next number.
struct Clerk;

impl MessageHandler<Note> for Clerk {
    type Error = Infallible;

    async fn handle<B: MessageBroker<Note>>(
        &mut self,
        envelope: MessageEnvelope<Note>,
        context: &Context<Note, B>,
    ) -> Result<(), Infallible> {
        let answer = Note(envelope.message().0 + 1);
        context.reply(answer).await.unwrap();
        Ok(())
    }
}

/// What stands in the block of that name.
fn documented(name: &str) -> String {
    let text = include_str!("../OPERATING.md");
    let (_, rest) = text.split_once(&format!("```hocon {name}\n")).expect("there is such a block");
    rest.split_once("\n```").expect("it ends").0.to_owned()
}

/// A server with a user for the nodes, who may do what is documented; for the streams only if they are `durable`.
fn server(durable: bool) -> Server {
    let mut permissions = documented("node-permissions");
    if durable {
        permissions =
            permissions.replacen("publish: [", &format!("publish: [\n{}", documented("durable-permissions")), 1);
    }
    Server::with(&format!(
        "authorization {{ users: [ {{ user: node, password: secret, permissions: {{\n{permissions}\n}} }} ] }}"
    ))
}

fn options(server: &Server, namespace: &str) -> NatsOptions {
    let credentials = Credentials::Password { user: "node".into(), password: "secret".into() };
    let options = NatsOptions::new(server.url()).unwrap().credentials(credentials).namespace(namespace).unwrap();
    options.lease(Duration::from_millis(900))
}

async fn node(server: &Server) -> NatsMessageBroker<Note> {
    NatsMessageBroker::with_options(options(server, "shop")).await.unwrap()
}

#[tokio::test]
async fn what_is_documented_is_enough_for_all_that_a_node_does() {
    let server = server(false);
    let (here, there) = (node(&server).await, node(&server).await);
    let desk = ActorAddress::named("desk.a").unwrap();
    let clerk = there.spawn(&desk, Clerk).await.unwrap();
    assert_eq!(here.request(&desk, Note(1)).await.unwrap(), Note(2));
    assert_eq!(here.request(&clerk.id().into(), Note(2)).await.unwrap(), Note(3));
    let mut subscription = there.subscribe(pattern!("orders.>"), MailboxOptions::bounded(9)).await.unwrap();
    assert!(here.publish(&subject!("orders.eu"), Note(4)).await.sent_on);
    assert_eq!(subscription.recv().await.unwrap().into_message(), Note(4));
    // The name is free at once, and somebody else may have it.
    there.shutdown(Duration::from_secs(5)).await;
    here.spawn(&desk, Clerk).await.unwrap();
    assert_eq!(here.request(&desk, Note(5)).await.unwrap(), Note(6));
}

#[tokio::test]
async fn it_is_not_enough_for_another_namespace() {
    let server = server(false);
    let options = options(&server, "office").connect_timeout(Duration::from_secs(1));
    let error = NatsMessageBroker::<Note>::with_options(options).await.unwrap_err();
    // It may not even hear what the server answers.
    assert!(matches!(error, ConnectError::NoJetStream { .. }), "{error}");
    assert!(error.to_string().contains("`office.>`"), "{error}");
}

#[tokio::test]
async fn what_is_documented_for_streams_is_enough_for_those_who_use_them() {
    let server = server(true);
    let durable = || options(&server, "shop").durable(DurableOptions::new());
    let here = NatsMessageBroker::<Note>::with_options(durable()).await.unwrap();
    let there = NatsMessageBroker::<Note>::with_options(durable()).await.unwrap();
    let desk = ActorAddress::named("desk.a").unwrap();
    let mut inbox = there.register(&desk, MailboxOptions::bounded(9)).await.unwrap();
    let dead = here.cluster_dead_letters().unwrap();
    let mut followed = dead.follow().await.unwrap();
    for number in 0..2 {
        here.send(&desk, MessageEnvelope::new(Note(number)).at_least_once()).await.unwrap();
    }
    inbox.recv().await.unwrap().reject("never");
    assert_eq!(inbox.recv().await.unwrap().into_message(), Note(1));
    let letter = followed.next().await.unwrap().unwrap();
    assert_eq!(dead.list(0, 9).await.unwrap().len(), 1);
    assert!(dead.redrive(letter.number).await.unwrap());
    assert_eq!(inbox.recv().await.unwrap().into_message(), Note(0));
}
