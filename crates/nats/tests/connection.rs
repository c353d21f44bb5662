//! Connecting: with whom, as whom, and what is said when it does not work.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::{Certificates, Server};
use switchboard::message::Message;
use switchboard_nats::{ConnectError, Connection, ConnectionState, Credentials, NatsMessageBroker, NatsOptions};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

#[derive(Debug, Serialize, Deserialize)]
struct Nothing;

impl Message for Nothing {
    const MESSAGE_TYPE: &'static str = "nothing";
}

fn options(server: &Server) -> NatsOptions {
    NatsOptions::new(server.url()).unwrap()
}

async fn refused(options: &NatsOptions) -> bool {
    matches!(Connection::open(options).await, Err(ConnectError::Refused(_)))
}

#[tokio::test]
async fn a_server_that_takes_anybody_is_connected_to() {
    let server = Server::start();
    let connection = Connection::open(&options(&server)).await.unwrap();
    assert_eq!(connection.state(), ConnectionState::Connected);
    assert!(connection.max_payload() >= 1_048_576);
    assert!(connection.server_version().starts_with("2."));
}

#[tokio::test]
async fn a_user_needs_the_password() {
    let server = Server::with("authorization { user: ann, password: \"p@55:w/rd\" }");
    let password = |password: &str| Credentials::Password { user: "ann".into(), password: password.into() };
    Connection::open(&options(&server).credentials(password("p@55:w/rd"))).await.unwrap();
    let url = format!("nats://ann:p%4055%3Aw%2Frd@127.0.0.1:{}", server.port());
    Connection::open(&NatsOptions::new(url).unwrap()).await.unwrap();
    assert!(refused(&options(&server).credentials(password("other"))).await);
    assert!(refused(&options(&server)).await);
}

#[tokio::test]
async fn a_token_opens_the_door() {
    let server = Server::with("authorization { token: s3cret }");
    Connection::open(&options(&server).credentials(Credentials::Token("s3cret".into()))).await.unwrap();
    assert!(refused(&options(&server).credentials(Credentials::Token("other".into()))).await);
}

#[tokio::test]
async fn an_nkey_signs_the_challenge() {
    let (mine, other) = (nkeys::KeyPair::new_user(), nkeys::KeyPair::new_user());
    let server = Server::with(&format!("authorization {{ users: [ {{ nkey: {} }} ] }}", mine.public_key()));
    let seed = |pair: &nkeys::KeyPair| Credentials::Nkey(pair.seed().unwrap());
    Connection::open(&options(&server).credentials(seed(&mine))).await.unwrap();
    assert!(refused(&options(&server).credentials(seed(&other))).await);
    assert!(refused(&options(&server).credentials(Credentials::Nkey("no seed".into()))).await);
}

#[tokio::test]
async fn tls_trusts_the_authority_that_is_named_and_no_other() {
    let (ours, others) = (Certificates::new(), Certificates::new());
    let server = Server::with(&ours.config(false));
    Connection::open(&options(&server).root_certificates(ours.file("ca.pem"))).await.unwrap();
    let tls = NatsOptions::new(format!("tls://localhost:{}", server.port())).unwrap();
    Connection::open(&tls.root_certificates(ours.file("ca.pem"))).await.unwrap();
    let error = Connection::open(&options(&server).root_certificates(others.file("ca.pem"))).await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
    let missing = Connection::open(&options(&server).root_certificates("/no/such/file.pem")).await.unwrap_err();
    assert!(matches!(missing, ConnectError::Tls(_)), "{missing}");
}

#[tokio::test]
async fn tls_that_is_insisted_on_is_not_given_up() {
    let server = Server::start();
    let error = Connection::open(&options(&server).require_tls()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_may_ask_for_a_certificate() {
    let certificates = Certificates::new();
    let server = Server::with(&certificates.config(true));
    let options = options(&server).root_certificates(certificates.file("ca.pem"));
    let shown =
        options.clone().client_certificate(certificates.file("client.pem"), certificates.file("client-key.pem"));
    Connection::open(&shown).await.unwrap();
    Connection::open(&options.connect_timeout(Duration::from_secs(2))).await.unwrap_err();
}

#[tokio::test]
async fn nobody_at_that_port_is_said_so() {
    let mut server = Server::start();
    server.kill();
    let error = Connection::open(&options(&server)).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&server.url()), "{error}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = NatsOptions::new(format!("nats://{}", silent.local_addr().unwrap())).unwrap();
    let error = Connection::open(&options.connect_timeout(Duration::from_millis(50))).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_without_jetstream_will_not_do() {
    let server = Server::without_jetstream("");
    let error = Connection::open(&options(&server)).await.unwrap_err();
    assert!(matches!(error, ConnectError::NoJetStream { .. }), "{error:?}");
}

#[tokio::test]
async fn an_old_server_will_not_do() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = NatsOptions::new(format!("nats://{}", listener.local_addr().unwrap())).unwrap();
    let old = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (reading, mut writing) = stream.into_split();
        let info = r#"INFO {"server_id":"a","server_name":"a","version":"2.9.10","proto":1,"go":"a","host":"127.0.0.1","port":4222,"headers":true,"max_payload":1048576}"#;
        writing.write_all(format!("{info}\r\n").as_bytes()).await.unwrap();
        let mut lines = BufReader::new(reading).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if line == "PING" {
                writing.write_all(b"PONG\r\n").await.unwrap();
            }
        }
    });
    let error = Connection::open(&options).await.unwrap_err();
    old.abort();
    assert!(matches!(&error, ConnectError::TooOld { found, .. } if found == "2.9.10"), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_killed_and_comes_back_is_noticed_both_times() {
    let mut server = Server::start();
    let mut connection = Connection::open(&options(&server)).await.unwrap();
    server.kill();
    assert_eq!(connection.changed().await, ConnectionState::Disconnected);
    assert_eq!(connection.state(), ConnectionState::Disconnected);
    server.restart();
    assert_eq!(connection.changed().await, ConnectionState::Connected);
}

#[tokio::test]
async fn a_node_with_another_lease_than_the_others_is_not_let_in() {
    let server = Server::start();
    let with = |lease| NatsMessageBroker::<Nothing>::with_options(options(&server).lease(lease));
    let (short, long) = (Duration::from_secs(1), Duration::from_secs(2));
    with(long).await.unwrap();
    let error = with(short).await.unwrap_err();
    assert!(matches!(&error, ConnectError::OtherLease { found, wanted, .. } if (*found, *wanted) == (long, short)));
    assert!(error.to_string().contains("switchboard-nodes"), "{error}");
    with(long).await.unwrap();
}

#[tokio::test]
async fn nodes_that_join_at_once_make_their_buckets_once() {
    let server = Server::start();
    let join = || NatsMessageBroker::<Nothing>::with_options(options(&server));
    let joined = tokio::join!(join(), join(), join(), join());
    assert!(joined.0.is_ok() && joined.1.is_ok() && joined.2.is_ok() && joined.3.is_ok(), "{joined:?}");
}
