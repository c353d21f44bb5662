//! What goes on between a node and its server goes wrong.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::convert::Infallible;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::{Line, Proxy, Server};
use switchboard::actor::StopCause;
use switchboard::address::{ActorAddress, ActorId};
use switchboard::broker::{Context, MessageBroker, MessageHandler, Ran, ReplyError, SendErrorKind};
use switchboard::message::{Message, MessageEnvelope};
use switchboard_nats::{ConnectionState, NatsMessageBroker, NatsOptions};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Number(u64);

impl Message for Number {
    const MESSAGE_TYPE: &'static str = "number";
}

struct Double;

impl MessageHandler<Number> for Double {
    type Error = ReplyError<Number>;

    async fn handle<B: MessageBroker<Number>>(
        &mut self,
        envelope: MessageEnvelope<Number>,
        context: &Context<Number, B>,
    ) -> Result<(), Self::Error> {
        let Number(number) = envelope.into_message();
        if context.is_asked() { context.reply(Number(2 * number)).await } else { Ok(()) }
    }
}

const LEASE: Duration = Duration::from_millis(900);

async fn node(url: &str) -> NatsMessageBroker<Number> {
    NatsMessageBroker::with_options(NatsOptions::new(url).unwrap().lease(LEASE)).await.unwrap()
}

fn desk() -> ActorAddress {
    ActorAddress::named("desk").unwrap()
}

/// Long enough for whatever must happen, however busy the machine is.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it happens soon")
}

/// Tries until it works.
async fn until_done<T, E: std::fmt::Debug>(mut attempt: impl AsyncFnMut() -> Result<T, E>) -> T {
    let attempts = async {
        loop {
            match attempt().await {
                Ok(done) => return done,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    soon(attempts).await
}

#[tokio::test]
async fn a_line_that_is_dead_though_it_seems_open_is_given_up() {
    let server = Server::start();
    let proxy = Proxy::to(server.port()).await;
    let (near, far) = (node(&server.url()).await, node(&proxy.url()).await);
    near.spawn(&desk(), Double).await.unwrap();
    far.send(&desk(), Number(1)).await.unwrap();
    let mut connection = far.connection();
    proxy.set(Line::Dead);
    // Nothing comes back, and that it may have arrived is said.
    let error = soon(far.send(&desk(), Number(2))).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (SendErrorKind::Unconfirmed, Ran::Maybe));
    assert_eq!(soon(connection.changed()).await, ConnectionState::Disconnected);
    let error = far.send(&desk(), Number(3)).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (SendErrorKind::Disconnected, Ran::Never));
    proxy.set(Line::Cut);
    proxy.set(Line::Open);
    let answer = until_done(async || far.request(&desk(), Number(4)).await).await;
    assert_eq!(answer, Number(8));
}

#[tokio::test]
async fn a_slow_line_is_waited_for_and_keeps_the_order() {
    let server = Server::start();
    let proxy = Proxy::to(server.port()).await;
    let (near, far) = (node(&server.url()).await, node(&proxy.url()).await);
    let (numbers, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let note = move |envelope: MessageEnvelope<Number>| {
        numbers.send(envelope.into_message()).unwrap();
        async { Ok::<_, Infallible>(()) }
    };
    near.spawn(&desk(), note).await.unwrap();
    proxy.set(Line::Slow(Duration::from_millis(10)));
    for number in 0..50 {
        soon(far.send(&desk(), Number(number))).await.unwrap();
        assert_eq!(seen.recv().await, Some(Number(number)));
    }
}

#[tokio::test]
async fn a_node_that_is_cut_off_stops_acting_before_its_name_is_taken() {
    let server = Server::start();
    let proxy = Proxy::to(server.port()).await;
    let (near, far) = (node(&server.url()).await, node(&proxy.url()).await);
    let old = far.spawn(&desk(), Double).await.unwrap();
    assert_eq!(far.request(&desk(), Number(1)).await.unwrap(), Number(2));
    proxy.set(Line::Cut);
    // It is its own owner only for as long as its lease holds; nobody else can have the name before.
    let newer = until_done(async || near.spawn(&desk(), Double).await).await;
    let error = far.send(&desk(), Number(2)).await.unwrap_err();
    assert_eq!((error.kind(), error.ran()), (SendErrorKind::Disconnected, Ran::Never));
    proxy.set(Line::Open);
    assert_eq!(soon(old.join()).await, StopCause::Unregistered);
    let answer = until_done(async || far.request(&desk(), Number(3)).await).await;
    assert_eq!(answer, Number(6));
    assert!(!newer.is_finished());
    assert_eq!(near.audit().accepted, 1);
}

#[tokio::test]
async fn a_short_cut_takes_no_name_away() {
    let server = Server::start();
    let proxy = Proxy::to(server.port()).await;
    let long = NatsOptions::new(proxy.url()).unwrap().lease(Duration::from_secs(60));
    let far = NatsMessageBroker::<Number>::with_options(long.clone()).await.unwrap();
    let near = NatsMessageBroker::with_options(NatsOptions::new(server.url()).unwrap().lease(Duration::from_secs(60)));
    let near = near.await.unwrap();
    let actor = far.spawn(&desk(), Double).await.unwrap();
    let mut connection = far.connection();
    proxy.set(Line::Cut);
    assert_eq!(soon(connection.changed()).await, ConnectionState::Disconnected);
    near.spawn(&desk(), Double).await.unwrap_err();
    // Here it needs no server, and the lease still holds.
    assert_eq!(far.request(&desk(), Number(2)).await.unwrap(), Number(4));
    proxy.set(Line::Open);
    let answer = until_done(async || near.request(&desk(), Number(3)).await).await;
    assert_eq!(answer, Number(6));
    assert!(!actor.is_finished());
}

#[tokio::test]
async fn a_server_that_stands_still_is_noticed_and_used_again() {
    let server = Server::start();
    let (one, other) = (node(&server.url()).await, node(&server.url()).await);
    let actor = one.spawn(&ActorAddress::Id(ActorId::next()), Double).await.unwrap();
    let address = ActorAddress::Id(actor.id());
    other.send(&address, Number(1)).await.unwrap();
    server.freeze();
    let error = soon(other.send(&address, Number(2))).await.unwrap_err();
    assert!(matches!(error.kind(), SendErrorKind::Unconfirmed | SendErrorKind::Disconnected), "{error}");
    server.thaw();
    let answer = until_done(async || other.request(&address, Number(3)).await).await;
    assert_eq!(answer, Number(6));
}
