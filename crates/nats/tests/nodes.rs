//! What one node sends to actors of another, and what becomes of it when a node or the server goes.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail where they panic")]

mod support;

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use support::Server;
use switchboard::actor::{ActorHandle, StopCause};
use switchboard::address::ActorAddress;
use switchboard::broker::{
    Context, MessageBroker, MessageHandler, Ran, RegisterError, ReplyError, RequestErrorKind, SendErrorKind,
};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope};
use switchboard::metrics::Outcome;
use switchboard_nats::wire::WireFormat;
use switchboard_nats::{ConnectionState, NatsMessageBroker, NatsOptions};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Job {
    Square(u64),
    Squared(u64),
    Silence,
    Fail,
    Panic,
    Forward(ActorAddress, u64),
    TimeLeft,
    Milliseconds(u128),
    Wait,
    Bytes(Vec<u8>),
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
            Job::Fail => Err(context.reply(Job::Fail).await.and(context.reply(Job::Fail).await).unwrap_err()),
            Job::Panic => panic!("out of ink"),
            Job::Forward(to, number) => {
                context.forward(&to, Job::Square(number)).await.expect("it is passed on");
                Ok(())
            }
            Job::TimeLeft => {
                context.reply(Job::Milliseconds(context.remaining().expect("a deadline").as_millis())).await
            }
            Job::Wait => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

fn options(server: &Server) -> NatsOptions {
    NatsOptions::new(server.url()).unwrap().lease(Duration::from_millis(900))
}

async fn node(server: &Server) -> NatsMessageBroker<Job> {
    NatsMessageBroker::with_options(options(server)).await.unwrap()
}

fn named(name: &str) -> ActorAddress {
    ActorAddress::named(name).unwrap()
}

/// Long enough for whatever must happen, however busy the machine is.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it happens soon")
}

/// A node with a thread of its own, which can be held up or ended as a process can.
struct Process {
    commands: mpsc::Sender<Command>,
    thread: Option<JoinHandle<()>>,
}

type Command = Box<dyn FnOnce(&Runtime, &NatsMessageBroker<Job>) + Send>;

impl Process {
    fn start(options: NatsOptions, address: ActorAddress) -> (Self, ActorHandle<Job>) {
        let (commands, received) = mpsc::channel::<Command>();
        let (started, starting) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let (broker, actor) = runtime.block_on(async {
                let broker = NatsMessageBroker::with_options(options).await.unwrap();
                let actor = broker.spawn(&address, Clerk).await.unwrap();
                (broker, actor)
            });
            started.send(actor).unwrap();
            // Messages are handled only while a command runs the runtime.
            while let Ok(command) = received.recv() {
                command(&runtime, &broker);
            }
        });
        let actor = starting.recv().unwrap();
        (Self { commands, thread: Some(thread) }, actor)
    }

    /// Lets it run until the future of its broker is over.
    fn run_with<F: Future<Output = ()>>(&self, until: impl FnOnce(NatsMessageBroker<Job>) -> F + Send + 'static) {
        let _ = self.commands.send(Box::new(move |runtime, broker| runtime.block_on(until(broker.clone()))));
    }

    /// Lets it run until the future is over.
    fn run(&self, until: impl Future<Output = ()> + Send + 'static) {
        let _ = self.commands.send(Box::new(move |runtime, _| runtime.block_on(until)));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Its commands end with this, and its runtime with all connections, as those of a process that is killed.
        self.commands = mpsc::channel().0;
        self.thread.take().map(JoinHandle::join);
    }
}

#[tokio::test]
async fn a_message_gets_to_an_actor_of_another_node_by_name_and_by_id() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let clerk = one.spawn(&named("clerk"), Clerk).await.unwrap();
    for address in [named("clerk"), clerk.id().into()] {
        other.send(&address, Job::Silence).await.unwrap();
        assert_eq!(other.request(&address, Job::Square(12)).await.unwrap(), Job::Squared(144));
    }
    assert_eq!(one.audit().accepted, 4);
    assert_eq!(other.audit().accepted, 0);
}

#[tokio::test]
async fn every_wire_format_is_understood_by_every_node() {
    let server = Server::start();
    let one = NatsMessageBroker::with_options(options(&server).wire_format(WireFormat::Json)).await.unwrap();
    let other = node(&server).await;
    one.spawn(&named("one"), Clerk).await.unwrap();
    other.spawn(&named("other"), Clerk).await.unwrap();
    assert_eq!(other.request(&named("one"), Job::Square(3)).await.unwrap(), Job::Squared(9));
    assert_eq!(one.request(&named("other"), Job::Square(4)).await.unwrap(), Job::Squared(16));
}

#[tokio::test]
async fn requests_end_as_they_do_in_memory() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let clerk = one.spawn(&named("clerk"), Clerk).await.unwrap();
    let end = async |message: Job| {
        let error = soon(other.request(&named("clerk"), message)).await.unwrap_err();
        (error.kind().clone(), error.ran())
    };
    assert_eq!(end(Job::Silence).await, (RequestErrorKind::NoReply, Ran::Maybe));
    let error = other.request(&named("nobody"), Job::Silence).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::NotSent(SendErrorKind::NoSuchActor));
    assert_eq!(error.into_inner(), Some(Job::Silence));
    let timed_out = other.request(&named("clerk"), Job::Wait.within(Duration::from_millis(50))).await.unwrap_err();
    assert!(timed_out.is_timeout());
    clerk.abort();
    let second = {
        soon(clerk.join()).await;
        one.spawn(&named("clerk"), Clerk).await.unwrap()
    };
    assert_eq!(end(Job::Panic).await, (RequestErrorKind::HandlerPanicked("out of ink".into()), Ran::Maybe));
    assert!(matches!(soon(second.join()).await, StopCause::Panicked(_)));
    assert_eq!(end(Job::Silence).await.0, RequestErrorKind::NotSent(SendErrorKind::NoSuchActor));
}

#[tokio::test]
async fn a_deadline_goes_along_as_the_time_that_is_left() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    one.spawn(&named("clerk"), Clerk).await.unwrap();
    let asked = other.request(&named("clerk"), Job::TimeLeft.within(Duration::from_secs(30))).await.unwrap();
    let Job::Milliseconds(left) = asked else { panic!("{asked:?}") };
    assert!((20_000..=30_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_request_is_passed_on_to_a_third_node_and_answered_from_there() {
    let server = Server::start();
    let (one, two, three) = (node(&server).await, node(&server).await, node(&server).await);
    one.spawn(&named("front"), Clerk).await.unwrap();
    two.spawn(&named("back"), Clerk).await.unwrap();
    let answer = three.request(&named("front"), Job::Forward(named("back"), 7)).await.unwrap();
    assert_eq!(answer, Job::Squared(49));
}

#[tokio::test]
async fn what_a_mailbox_of_another_node_does_not_take_comes_back() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let full = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let mut desk = one.register(&named("desk"), full).await.unwrap();
    other.send(&named("desk"), Job::Square(1)).await.unwrap();
    let error = other.send(&named("desk"), Job::Square(2)).await.unwrap_err();
    assert!(error.is_full());
    assert_eq!((error.ran(), error.into_inner()), (Ran::Never, Job::Square(2)));
    assert_eq!(desk.recv().await.unwrap().into_message(), Job::Square(1));
}

#[tokio::test]
async fn a_sender_on_another_node_waits_for_room_and_order_holds() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let mut desk = one.register(&named("desk"), MailboxOptions::bounded(1)).await.unwrap();
    other.send(&named("desk"), Job::Square(0)).await.unwrap();
    let sender = {
        let other = other.clone();
        tokio::spawn(async move {
            for number in 1..100 {
                other.send(&named("desk"), Job::Square(number)).await.unwrap();
            }
        })
    };
    for number in 0..100 {
        assert_eq!(soon(desk.recv()).await.unwrap().into_message(), Job::Square(number));
    }
    sender.await.unwrap();
}

#[tokio::test]
async fn whoever_gives_up_a_request_that_has_not_begun_takes_it_back() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let mut desk = one.register(&named("desk"), MailboxOptions::bounded(8)).await.unwrap();
    let asking = {
        let other = other.clone();
        tokio::spawn(async move { other.request(&named("desk"), Job::Square(1)).await })
    };
    while one.audit().accepted == 0 {
        tokio::task::yield_now().await;
    }
    asking.abort();
    while one.metrics().requests_in_flight > 0 {
        tokio::task::yield_now().await;
    }
    other.send(&named("desk"), Job::Square(2)).await.unwrap();
    assert_eq!(soon(desk.recv()).await.unwrap().into_message(), Job::Square(2));
    assert_eq!(one.audit().outcomes[Outcome::Cancelled], 1);
}

#[tokio::test]
async fn a_name_has_one_owner_and_is_free_when_that_lets_it_go() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let taken = RegisterError::Taken { address: named("desk") };
    let owner = one.register(&named("desk"), MailboxOptions::bounded(8)).await.unwrap();
    assert_eq!(other.spawn(&named("desk"), Clerk).await.unwrap_err(), taken);
    // Without a word to the server: whoever wants the name asks.
    drop(owner);
    let newer = other.spawn(&named("desk"), Clerk).await.unwrap();
    assert_eq!(one.request(&named("desk"), Job::Square(2)).await.unwrap(), Job::Squared(4));
    assert!(other.unregister(&newer.registration()).await);
    let _third = one.spawn(&named("desk"), Clerk).await.unwrap();
    assert_eq!(other.request(&named("desk"), Job::Square(3)).await.unwrap(), Job::Squared(9));
    // A late end of the second does not free what is the third's.
    soon(newer.join()).await;
    assert_eq!(other.spawn(&named("desk"), Clerk).await.unwrap_err(), taken);
}

#[tokio::test]
async fn of_many_who_want_a_name_at_once_one_gets_it() {
    let server = Server::start();
    let nodes = [node(&server).await, node(&server).await, node(&server).await];
    let claims = (0..30).map(|place| {
        let broker = nodes[place % nodes.len()].clone();
        tokio::spawn(async move { broker.spawn(&named("desk"), Clerk).await.is_ok() })
    });
    let mut owners = 0;
    for claim in claims.collect::<Vec<_>>() {
        owners += usize::from(claim.await.unwrap());
    }
    assert_eq!(owners, 1);
    for broker in &nodes {
        assert_eq!(broker.request(&named("desk"), Job::Square(5)).await.unwrap(), Job::Squared(25));
    }
}

#[tokio::test]
async fn systems_with_other_namespaces_do_not_meet() {
    let server = Server::start();
    let of = |namespace: &str| options(&server).namespace(namespace).unwrap();
    let one = NatsMessageBroker::<Job>::with_options(of("a.b")).await.unwrap();
    let other = NatsMessageBroker::<Job>::with_options(of("a_b")).await.unwrap();
    one.spawn(&named("desk"), Clerk).await.unwrap();
    let error = other.request(&named("desk"), Job::Square(1)).await.unwrap_err();
    assert_eq!(error.kind(), &RequestErrorKind::NotSent(SendErrorKind::NoSuchActor));
    other.spawn(&named("desk"), Clerk).await.unwrap();
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_sent() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    one.spawn(&named("desk"), Clerk).await.unwrap();
    let error = other.send(&named("desk"), Job::Bytes(vec![0; 2_000_000])).await.unwrap_err();
    assert_eq!(error.kind(), SendErrorKind::TooLarge);
    other.send(&named("desk"), Job::Bytes(vec![0; 500_000])).await.unwrap();
}

#[tokio::test]
async fn what_waits_for_a_node_that_is_killed_ends_soon_and_its_names_can_be_taken() {
    let server = Server::start();
    let broker = node(&server).await;
    let (process, _) = Process::start(options(&server), named("desk"));
    let (dies, killed) = oneshot::channel::<()>();
    process.run(async move { drop(killed.await) });
    assert_eq!(broker.request(&named("desk"), Job::Square(2)).await.unwrap(), Job::Squared(4));
    let waiting = {
        let broker = broker.clone();
        tokio::spawn(async move { broker.request(&named("desk"), Job::Wait).await })
    };
    // Behind it, so that it has arrived.
    broker.send(&named("desk"), Job::Silence).await.unwrap();
    dies.send(()).unwrap();
    tokio::task::spawn_blocking(move || drop(process)).await.unwrap();
    let error = soon(waiting).await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.ran()), (&RequestErrorKind::ActorStopped, Ran::Maybe));
    soon(async {
        while let Err(error) = broker.spawn(&named("desk"), Clerk).await {
            assert_eq!(error, RegisterError::Taken { address: named("desk") });
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(broker.request(&named("desk"), Job::Square(3)).await.unwrap(), Job::Squared(9));
}

#[tokio::test]
async fn a_node_that_was_frozen_while_its_name_was_taken_acts_as_its_owner_no_more() {
    let server = Server::start();
    let broker = node(&server).await;
    // It does not run while it has no command: frozen, with its connection up.
    let (process, old) = Process::start(options(&server), named("desk"));
    // This one gets as far as its connection, and is there when it wakes up.
    let sender = node(&server).await;
    let sent = tokio::spawn(async move { sender.send(&named("desk"), Job::Silence).await });
    let newer = soon(async {
        loop {
            match broker.spawn(&named("desk"), Clerk).await {
                Ok(actor) => return actor,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await;
    // Nobody knew what had become of it.
    assert_eq!(soon(sent).await.unwrap().unwrap_err().ran(), Ran::Maybe);
    let watch = old.watch();
    let (ended, ends) = oneshot::channel();
    process.run_with(move |broker| async move {
        let end = watch.await;
        drop(ended.send((end, broker.audit().accepted)));
    });
    // It has found out by itself.
    let (end, accepted) = soon(ends).await.unwrap();
    assert_eq!((end.cause, accepted), (StopCause::Unregistered, 0));
    assert_eq!(broker.request(&named("desk"), Job::Square(3)).await.unwrap(), Job::Squared(9));
    assert!(!newer.is_finished());
    tokio::task::spawn_blocking(move || drop(process)).await.unwrap();
}

#[tokio::test]
async fn without_the_server_nothing_is_sent_and_nothing_is_kept_to_be_sent_later() {
    let mut server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    let clerk = one.spawn(&ActorAddress::Id(switchboard::address::ActorId::next()), Clerk).await.unwrap();
    let address = ActorAddress::Id(clerk.id());
    other.send(&address, Job::Silence).await.unwrap();
    let mut connection = other.connection();
    server.kill();
    assert_eq!(connection.changed().await, ConnectionState::Disconnected);
    let error = other.send(&address, Job::Square(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.ran(), error.is_retryable()), (SendErrorKind::Disconnected, Ran::Never, true));
    // Here, by its id, it needs no server.
    assert_eq!(one.request(&address, Job::Square(2)).await.unwrap(), Job::Squared(4));
    server.restart();
    assert_eq!(soon(connection.changed()).await, ConnectionState::Connected);
    soon(async {
        while other.request(&address, Job::Square(3)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    // What was refused was not sent after all.
    assert_eq!(one.audit().outcomes[Outcome::Handled], 3);
}

#[tokio::test]
async fn a_node_that_leaves_gives_up_its_names_at_once() {
    let server = Server::start();
    let (one, other) = (node(&server).await, node(&server).await);
    one.spawn(&named("desk"), Clerk).await.unwrap();
    one.shutdown(Duration::from_secs(1)).await;
    other.spawn(&named("desk"), Clerk).await.unwrap();
    assert_eq!(one.send(&named("desk"), Job::Silence).await.unwrap_err().kind(), SendErrorKind::ShutDown);
    assert_eq!(one.spawn(&named("other"), Clerk).await.unwrap_err(), RegisterError::ShutDown);
}
