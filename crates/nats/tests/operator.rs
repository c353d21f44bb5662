//! Each node answers NATS's services API: who it is, and what it has counted.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::convert::Infallible;
use std::time::Duration;

use async_nats::Client;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use support::Server;
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::message::{Message, MessageEnvelope};
use switchboard_nats::{NatsMessageBroker, NatsOptions};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Note(u32);

impl Message for Note {
    const MESSAGE_TYPE: &'static str = "note";
}

async fn node(server: &Server) -> NatsMessageBroker<Note> {
    let options = NatsOptions::new(server.url()).unwrap().namespace("shop.eu").unwrap();
    NatsMessageBroker::with_options(options).await.unwrap()
}

/// Asks, and gives what comes back from so many.
async fn ask(client: &Client, subject: &str, answers: usize) -> Vec<Value> {
    let inbox = client.new_inbox();
    let mut replies = client.subscribe(inbox.clone()).await.unwrap();
    client.publish_with_reply(subject.to_owned(), inbox, "{\"x\": [".into()).await.unwrap();
    let mut found = Vec::new();
    for _ in 0..answers {
        let reply = tokio::time::timeout(Duration::from_secs(20), replies.next()).await.expect("it answers soon");
        found.push(serde_json::from_slice(&reply.unwrap().payload).unwrap());
    }
    found
}

/// What the protocol has every answer begin with.
fn assert_identity(answer: &Value, form: &str) {
    assert_eq!(answer["type"], format!("io.nats.micro.v1.{form}_response"));
    assert_eq!(answer["name"], "shop_deu");
    assert_eq!(answer["version"], env!("CARGO_PKG_VERSION"));
    assert!(answer["id"].is_string());
    assert_eq!(answer["metadata"]["namespace"], "shop.eu");
    assert_eq!(answer["metadata"]["message_type"], "note");
}

#[tokio::test]
async fn all_nodes_answer_who_they_are_and_each_when_it_is_meant() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let client = async_nats::connect(server.url()).await.unwrap();
    for (verb, form) in [("PING", "ping"), ("INFO", "info"), ("STATS", "stats")] {
        for subject in [format!("$SRV.{verb}"), format!("$SRV.{verb}.shop_deu")] {
            let answers = ask(&client, &subject, 2).await;
            answers.iter().for_each(|answer| assert_identity(answer, form));
            let mut nodes: Vec<_> = answers.iter().map(|answer| answer["metadata"]["node"].as_str().unwrap()).collect();
            nodes.sort_unstable();
            let mut expected = [one.node_id().to_string(), other.node_id().to_string()];
            expected.sort_unstable();
            assert_eq!(nodes, expected);
            let id = answers[0]["id"].as_str().unwrap();
            let own = ask(&client, &format!("$SRV.{verb}.shop_deu.{id}"), 1).await;
            assert_eq!((&own[0]["id"], &own[0]["type"]), (&answers[0]["id"], &answers[0]["type"]));
        }
    }
    let info = ask(&client, "$SRV.INFO", 2).await.remove(0);
    assert_eq!(info["endpoints"][0]["subject"], format!("shop.eu.node.{}", info["id"].as_str().unwrap()));
    assert!(info["description"].is_string() && info["endpoints"][0]["name"].is_string());
    // Who has left does not answer.
    other.shutdown(Duration::from_secs(1)).await;
    let left = ask(&client, "$SRV.PING", 1).await;
    assert_eq!(left[0]["metadata"]["node"], one.node_id().to_string());
}

#[tokio::test]
async fn the_stats_are_what_the_node_has_counted() {
    let server = Server::start();
    let broker = node(&server).await;
    let desk = ActorAddress::named("desk").unwrap();
    let handler = |envelope: MessageEnvelope<Note>| {
        let is_odd = envelope.message().0 % 2 == 1;
        async move { if is_odd { Err("odd") } else { Ok(()) } }
    };
    let actor = broker.spawn(&desk, handler).await.unwrap();
    let readers = ActorAddress::pool("readers").unwrap();
    broker.spawn(&readers, |_: MessageEnvelope<Note>| async { Ok::<_, Infallible>(()) }).await.unwrap();
    for number in 0..5 {
        broker.send(&desk, Note(number)).await.unwrap();
    }
    actor.drain().await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let stats = ask(&client, "$SRV.STATS", 1).await.remove(0);
    let endpoint = &stats["endpoints"][0];
    assert_eq!((&endpoint["num_requests"], &endpoint["num_errors"]), (&5.into(), &2.into()));
    assert!(endpoint["processing_time"].is_u64() && endpoint["average_processing_time"].is_u64());
    assert!(stats["started"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().is_ok());
    let data = &endpoint["data"];
    assert_eq!((&data["audit"]["accepted"], &data["audit"]["outcomes"]["handled"]), (&5.into(), &3.into()));
    assert_eq!((&data["groups"], &data["actors"], &data["lease_holds"]), (&1.into(), &1.into(), &true.into()));
    assert_eq!(data["metrics"]["actors"], Value::Array(Vec::new()));
    assert_eq!(data["topics"]["sent"], 0);
}
