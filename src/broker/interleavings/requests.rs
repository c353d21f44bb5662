use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Waker};

use tokio::sync::mpsc;

use super::support::{Broker, Job, assert_accounts, broker, desk, register, try_send};
use crate::actor::{SpawnOptions, once};
use crate::broker::{MessageBroker, RequestError};
use crate::mailbox::MailboxOptions;
use crate::message::MessageEnvelope;
use crate::sync::{block_on, check, scope};

/// What a handler never comes to the end of.
const ENDLESS: Job = Job(7);

fn ask(broker: &Broker) -> Result<Job, RequestError<Job>> {
    block_on(broker.request(&desk(), Job(1)))
}

#[test]
fn a_request_ends_as_its_actor_stops() {
    check(|| {
        let broker = broker();
        let inbox = register(&broker, &desk(), 4);
        let ended = scope(|scope| {
            let asks = scope.spawn(|| ask(&broker));
            drop(inbox);
            asks.join().unwrap()
        });
        assert!(ended.is_err());
        assert_eq!(broker.metrics().requests_in_flight, 0);
        assert!(broker.audit().is_balanced());
    });
}

#[test]
fn a_request_that_waits_for_room_ends_as_its_actor_stops() {
    check(|| {
        let broker = broker();
        let inbox = register(&broker, &desk(), 1);
        assert_eq!(try_send(&broker, &desk(), 0..1), [0]);
        let ended = scope(|scope| {
            let asks = scope.spawn(|| ask(&broker));
            drop(inbox);
            asks.join().unwrap()
        });
        assert!(ended.is_err());
        assert_eq!(broker.metrics().requests_in_flight, 0);
        assert_accounts(&broker, 0, 1);
    });
}

/// It may have been fetched by then, when only who asked can know that it is not waiting for room any more.
#[test]
fn a_request_that_gets_in_as_its_actor_stops_ends_whatever_the_handler_is_at() {
    check(|| {
        let broker = broker();
        let (begins, mut begun) = mpsc::unbounded_channel();
        let handler = move |envelope: MessageEnvelope<Job>| {
            let begins = begins.clone();
            async move {
                if envelope.message() == &ENDLESS {
                    let _ = begins.send(());
                    std::future::pending::<()>().await;
                }
                Ok::<_, Infallible>(())
            }
        };
        let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(2));
        let actor = block_on(broker.spawn_with(&desk(), options, once(handler))).unwrap();
        assert_eq!(try_send(&broker, &desk(), 2..4), [2, 3]);
        scope(|scope| {
            scope.spawn(|| block_on(broker.send(&desk(), ENDLESS)).unwrap());
            let asks = scope.spawn(|| ask(&broker));
            block_on(begun.recv()).unwrap();
            actor.stop();
            assert!(asks.join().unwrap().is_err());
        });
        actor.abort();
        block_on(actor.watch());
        assert_eq!(broker.metrics().requests_in_flight, 0);
        assert!(broker.audit().is_balanced());
    });
}

#[test]
fn a_request_is_answered_or_let_go_of_and_never_forgotten() {
    check(|| {
        let broker = broker();
        let mut inbox = register(&broker, &desk(), 4);
        let answers = fastrand::bool();
        let ended = scope(|scope| {
            let asks = scope.spawn(|| ask(&broker));
            let delivery = block_on(inbox.recv()).unwrap();
            if answers {
                block_on(delivery.reply(Job(2))).unwrap();
            } else {
                drop(delivery);
            }
            asks.join().unwrap()
        });
        assert_eq!(ended.ok(), answers.then_some(Job(2)));
        assert_eq!((broker.metrics().requests_in_flight, broker.metrics().late_replies), (0, 0));
        assert_accounts(&broker, 1, 0);
    });
}

#[test]
fn what_is_asked_by_a_caller_that_goes_away_is_begun_before_that_or_never() {
    check(|| {
        let broker = broker();
        let mut inbox = register(&broker, &desk(), 4);
        let begun = scope(|scope| {
            let begins = scope.spawn(|| inbox.try_recv().map(|delivery| block_on(delivery.reply(Job(2)))).is_some());
            {
                let to = desk();
                let mut asks = pin!(broker.request(&to, Job(1)));
                let _ = asks.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            }
            begins.join().unwrap()
        });
        assert!(inbox.try_recv().is_none(), "nobody waits for it");
        assert_eq!(broker.metrics().requests_in_flight, 0);
        assert_accounts(&broker, usize::from(begun), usize::from(!begun));
    });
}
