//! Programs in other languages tell actors, ask them, and serve them, by `WIRE.md` alone.

#![allow(clippy::unwrap_used, reason = "as in the tests themselves")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use support::Server;
use switchboard::address::ActorAddress;
use switchboard::broker::{Context, MessageBroker, MessageHandler, Ran, ReplyError, RequestErrorKind, SendErrorKind};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::{Message, MessageEnvelope};
use switchboard_nats::wire::{WireFormat, encode};
use switchboard_nats::{NatsMessageBroker, NatsOptions};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Job {
    Square(u64),
    Squared(u64),
    Silence,
    Fail,
    Refuse,
    Wait,
}

impl Message for Job {
    const MESSAGE_TYPE: &'static str = "job";
}

struct Clerk;

impl MessageHandler<Job> for Clerk {
    type Error = ReplyError<Job>;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        envelope: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), ReplyError<Job>> {
        match envelope.into_message() {
            Job::Square(number) => context.reply(Job::Squared(number * number)).await,
            // For longer than whoever asks has time.
            Job::Wait => {
                let deadline = context.deadline().expect("it has one");
                tokio::time::sleep_until(deadline + Duration::from_millis(200)).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

async fn node(server: &Server) -> NatsMessageBroker<Job> {
    let options = NatsOptions::new(server.url()).unwrap().namespace("shop.eu").unwrap();
    NatsMessageBroker::with_options(options).await.unwrap()
}

fn address(text: &str) -> ActorAddress {
    text.parse().unwrap()
}

/// Long enough for whatever must happen, however busy the machine is.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it happens soon")
}

/// A program in Python, and what it says. It is killed when this is dropped.
struct Python {
    process: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl Python {
    fn start(server: &Server, namespace: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
        let mut process = Command::new("python3")
            .env("PYTHONPATH", client(&folder))
            .arg(folder.join("program.py"))
            .args([&server.url(), namespace])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let lines = process.stdout.take().map(BufReader::new);
        Self { process, lines }
    }

    async fn says(&mut self, expected: &str) {
        let mut lines = self.lines.take().expect("nobody else reads");
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            lines.read_line(&mut line).expect("it says something");
            (line, lines)
        });
        let (line, lines) = soon(read).await.unwrap();
        self.lines = Some(lines);
        assert_eq!(line.trim_end(), expected);
    }

    /// Lets it end by itself.
    async fn end(mut self) {
        drop(self.process.stdin.take());
        let ended = tokio::task::spawn_blocking(move || self.process.wait().expect("it ends"));
        assert!(soon(ended).await.unwrap().success());
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The folder with the NATS client for Python.
fn client(folder: &Path) -> PathBuf {
    let python = Command::new("python3").arg("--version").output();
    assert!(
        python.is_ok(),
        "this test needs `python3` with `pip`, which is not on the path: install Python 3.9 or newer"
    );
    let output = Command::new(folder.join("install")).output().expect("the script can be run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the NATS client for Python could not be installed: {errors}");
    String::from_utf8(output.stdout).expect("a path").trim().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_in_python_tells_asks_and_serves() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let _desk = one.spawn(&address("named:desk"), Clerk).await.unwrap();
    let mut python = Python::start(&server, "shop.eu");
    python.says("ready").await;
    // Told, asked, not answered, and asked for too little time. All else got no further than a node.
    assert_eq!(one.audit().accepted, 4);

    let (squares, named) = (address("pool:squares"), address("named:python"));
    assert_eq!(soon(one.request(&squares, Job::Square(12))).await.unwrap(), Job::Squared(144));
    assert_eq!(soon(other.request(&named, Job::Square(3))).await.unwrap(), Job::Squared(9));
    soon(other.send(&squares, Job::Silence)).await.unwrap();
    python.says("told Silence").await;

    let failed = soon(one.request(&squares, Job::Fail)).await.unwrap_err();
    assert_eq!((failed.kind(), failed.ran()), (&RequestErrorKind::HandlerFailed("out of ink".into()), Ran::Maybe));
    let refused = soon(one.request(&squares, Job::Refuse)).await.unwrap_err();
    assert_eq!((refused.kind(), refused.ran()), (&SendErrorKind::Full.into(), Ran::Never));
    assert_eq!(refused.into_inner(), Some(Job::Refuse));
    assert_eq!(soon(one.send(&squares, Job::Refuse)).await.unwrap_err().kind(), SendErrorKind::Full);
    let unsure = soon(one.send(&squares, Job::Fail)).await.unwrap_err();
    assert_eq!((unsure.kind(), unsure.ran()), (SendErrorKind::Unconfirmed, Ran::Maybe));

    // Members of the cluster come first.
    let member = one.spawn(&squares, Clerk).await.unwrap();
    soon(one.send(&squares, Job::Silence)).await.unwrap();
    assert_eq!(one.audit().accepted, 5);
    member.drain().await;

    python.end().await;
    assert_eq!(soon(one.send(&squares, Job::Silence)).await.unwrap_err().kind(), SendErrorKind::NoMembers);
    let nobody = soon(one.request(&named, Job::Square(3))).await.unwrap_err();
    assert_eq!((nobody.kind(), nobody.ran()), (&SendErrorKind::NoSuchActor.into(), Ran::Never));
}

#[tokio::test]
async fn a_node_refuses_what_other_programs_say_beyond_a_bound() {
    let server = Server::start();
    let node = node(&server).await;
    let inbox = node.register(&address("named:desk"), MailboxOptions::default()).await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let mut answers = client.subscribe("answers").await.unwrap();
    let ask = || encode(&MessageEnvelope::new(Job::Wait), WireFormat::Json, "test").unwrap();
    for _ in 0..1_025 {
        client.publish_with_reply("shop.eu.in.ask.named.desk", "answers", ask()).await.unwrap();
    }
    let answer = soon(answers.next()).await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!((&answer["error"]["kind"], &answer["error"]["ran"]), (&"busy".into(), &false.into()));
    // With those gone that wait, there is room.
    drop(inbox);
    for _ in 0..1_024 {
        soon(answers.next()).await.unwrap();
    }
    let answer = soon(client.request("shop.eu.in.ask.named.desk", ask())).await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
    assert_eq!(answer["error"]["kind"], "no_such_actor");
}
