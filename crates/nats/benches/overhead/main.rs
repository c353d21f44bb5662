//! What the broker costs beside the client that it is made of: the same message, the same server, both in one run, in turns.
//! `cargo bench --package switchboard-nats` prints a table for `BENCHMARKS.md`; with a word behind `--`, only the rows that
//! have it in their names.

#![allow(missing_docs, reason = "a program")]
#![allow(clippy::print_stdout, reason = "it prints what it measures")]

mod bare;
mod pair;
mod parcel;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use futures_util::StreamExt;
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler, ReplyError};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::{pattern, subject};
use switchboard_nats::{DurableOptions, NatsMessageBroker, NatsOptions};

use crate::pair::{Pair, Rounds};
use crate::parcel::Parcel;
use crate::support::Server;

/// How many messages are under way at once where the row says nothing else.
const LAP: usize = 10_000;

/// Answers with what it was sent, or takes it.
struct Clerk;

impl MessageHandler<Parcel> for Clerk {
    type Error = ReplyError<Parcel>;

    async fn handle<B: MessageBroker<Parcel>>(
        &mut self,
        envelope: MessageEnvelope<Parcel>,
        context: &Context<Parcel, B>,
    ) -> Result<(), Self::Error> {
        if context.is_asked() {
            context.reply(envelope.into_message()).await?;
        }
        Ok(())
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let word = std::env::args().skip(1).find(|word| !word.starts_with('-')).unwrap_or_default();
    // `cargo bench` says so; `cargo test` only wants to know whether it works.
    let rounds = if std::env::args().any(|word| word == "--bench") { Rounds::FULL } else { Rounds::TRIAL };
    let server = Server::start();
    println!("{}", Pair::heads());
    publish(&server, &word, rounds).await;
    request(&server, &word, rounds).await;
    pool(&server, &word, rounds).await;
    at_least_once(&server, &word, rounds).await;
}

/// From one node to a subscription of another, as many as a lap has without waiting in between.
async fn publish(server: &Server, word: &str, rounds: Rounds) {
    for bytes in [64, 1_024] {
        let name = format!("publish, {bytes} B");
        if !name.contains(word) {
            continue;
        }
        let parcel = Parcel::of(bytes);
        let (sender, receiver) = (bare::connect(&server.url()).await, bare::connect(&server.url()).await);
        let mut received = receiver.subscribe("bare.topic").await.expect("the client is connected");
        receiver.flush().await.expect("the client is connected");
        let (here, there) = (node(server).await, node(server).await);
        let mailbox = MailboxOptions::bounded(LAP);
        let mut subscription = there.subscribe(pattern!("topic"), mailbox).await.expect("it is let in");
        let topic = subject!("topic");
        let client = async || bare::publish(&sender, &mut received, &parcel, LAP).await;
        let broker = async || {
            let sending = async {
                for _ in 0..LAP {
                    assert!(here.publish(&topic, parcel.clone()).await.sent_on, "the broker is connected");
                }
            };
            let receiving = async {
                for _ in 0..LAP {
                    subscription.recv().await.expect("it is open");
                }
            };
            tokio::join!(sending, receiving);
            LAP
        };
        Pair::measure(name, rounds, client, broker).await;
    }
}

/// To an actor of another node, which answers one request after the other.
async fn request(server: &Server, word: &str, rounds: Rounds) {
    for (in_flight, bytes) in [(1, 64), (16, 64), (128, 64), (128, 1_024)] {
        let name = format!("request, {in_flight} in flight, {bytes} B");
        if !name.contains(word) {
            continue;
        }
        let parcel = Parcel::of(bytes);
        let (sender, receiver) = (bare::connect(&server.url()).await, bare::connect(&server.url()).await);
        let requests = receiver.subscribe("bare.service").await.expect("the client is connected");
        let serving = tokio::spawn(bare::serve(receiver, requests));
        let (here, there) = (node(server).await, node(server).await);
        let clerk = ActorAddress::named("clerk").expect("a name");
        there.spawn(&clerk, Clerk).await.expect("the name is free");
        let client = async || in_turns(in_flight, async || bare::request(&sender, &parcel).await).await;
        let broker = async || {
            let ask = async || {
                here.request(&clerk, parcel.clone()).await.expect("it is answered");
            };
            in_turns(in_flight, ask).await
        };
        Pair::measure(name, rounds, client, broker).await;
        serving.abort();
        there.shutdown(Duration::ZERO).await;
    }
}

/// To any of two members of a group, on a node each; beside it, to a queue group.
async fn pool(server: &Server, word: &str, rounds: Rounds) {
    for in_flight in [1, 128] {
        let name = format!("request to a pool, {in_flight} in flight, 64 B");
        if !name.contains(word) {
            continue;
        }
        let (parcel, sender, mut serving) = (Parcel::of(64), bare::connect(&server.url()).await, Vec::new());
        let (here, readers) = (node(server).await, ActorAddress::pool("readers").expect("a name"));
        let mut there = Vec::new();
        for _ in 0..2 {
            let receiver = bare::connect(&server.url()).await;
            let requests = receiver.queue_subscribe("bare.service", "readers".into()).await.expect("it is connected");
            serving.push(tokio::spawn(bare::serve(receiver, requests)));
            let member = node(server).await;
            member.spawn(&readers, Clerk).await.expect("anybody may join");
            there.push(member);
        }
        let client = async || in_turns(in_flight, async || bare::request(&sender, &parcel).await).await;
        let broker = async || {
            let ask = async || {
                here.request(&readers, parcel.clone()).await.expect("it is answered");
            };
            in_turns(in_flight, ask).await
        };
        Pair::measure(name, rounds, client, broker).await;
        serving.iter().for_each(tokio::task::JoinHandle::abort);
        for member in there {
            member.shutdown(Duration::ZERO).await;
        }
    }
}

/// Stored by the server, and handled: for a pool, as order would have one wait for the other.
async fn at_least_once(server: &Server, word: &str, rounds: Rounds) {
    for in_flight in [1, 64] {
        let name = format!("at least once, {in_flight} in flight, 64 B");
        if !name.contains(word) {
            continue;
        }
        let parcel = Parcel::of(64);
        let queue = bare::Queue::open(&server.url()).await;
        let options = NatsOptions::new(server.url()).expect("a URL").namespace("durable").expect("a name");
        let options = options.durable(DurableOptions::new());
        let here = NatsMessageBroker::with_options(options.clone()).await.expect("the server is there");
        let there = NatsMessageBroker::with_options(options).await.expect("the server is there");
        let readers = ActorAddress::pool("readers").expect("a name");
        let (handled, mut handling) = tokio::sync::mpsc::unbounded_channel();
        let handler = move |envelope: MessageEnvelope<Parcel>| {
            let gone = handled.send(envelope.into_message()).is_err();
            async move { if gone { Err("nobody counts") } else { Ok(()) } }
        };
        there.spawn(&readers, handler).await.expect("anybody may join");
        let client = async || {
            // Both at the same time, as the broker does.
            let storing = in_turns(in_flight, async || queue.store(&parcel).await);
            tokio::join!(storing, queue.work_off(turns(in_flight), 16)).0
        };
        let broker = async || {
            let store = async || {
                here.send(&readers, MessageEnvelope::new(parcel.clone()).at_least_once()).await.expect("it is stored");
            };
            let count = in_turns(in_flight, store).await;
            for _ in 0..count {
                handling.recv().await.expect("it is handled");
            }
            count
        };
        Pair::measure(name, rounds, client, broker).await;
        there.shutdown(Duration::ZERO).await;
    }
}

/// Does it a few hundred times, so many at once.
async fn in_turns(in_flight: usize, what: impl AsyncFn()) -> usize {
    let count = turns(in_flight);
    futures_util::stream::iter(0..count).for_each_concurrent(in_flight, async |_| what().await).await;
    count
}

/// How often that is.
const fn turns(in_flight: usize) -> usize {
    200 + 20 * in_flight
}

async fn node(server: &Server) -> NatsMessageBroker<Parcel> {
    NatsMessageBroker::connect(server.url()).await.expect("the server is there")
}
