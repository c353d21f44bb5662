//! The steps that have to do with actors, and what is received by hand.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use switchboard::actor::{Delivery, Inbox};
use switchboard::broker::MessageBroker;

use crate::desk::Broker;
use crate::draw::millis;
use crate::job::{Job, panic_quietly};
use crate::program::{Answer, By, End};
use crate::worker::Begun;
use crate::world::{World, pick, pick_out};

impl World {
    pub(crate) fn stop(&mut self, which: usize, abort: bool) {
        let Some((actor, handle)) = pick(&mut self.handles, which) else { return };
        let what = if abort { "is aborted" } else { "is stopped" };
        self.desk.ledger().mark(*actor, what, |actor| &mut actor.stopping);
        if abort { handle.abort() } else { handle.stop() }
    }

    pub(crate) fn drain(&mut self, which: usize) {
        let Some((actor, handle)) = pick_out(&mut self.handles, which) else { return };
        let desk = Arc::clone(&self.desk);
        self.client(async move {
            // What died before did not die for this.
            desk.collect();
            desk.ledger().mark(actor, "drains", |actor| &mut actor.closed);
            let cause = handle.drain().await;
            desk.ledger().say(|| format!("actor {actor} has ended: {cause}"));
        });
    }

    pub(crate) async fn unregister(&mut self, which: usize) {
        let handles = self.handles.iter().map(|(actor, handle)| (*actor, handle.registration()));
        let inboxes = self.inboxes.iter().map(|(actor, inbox)| (*actor, inbox.registration()));
        let mut registrations: Vec<_> = handles.chain(inboxes).collect();
        let Some((actor, registration)) = pick(&mut registrations, which) else { return };
        self.desk.ledger().mark(*actor, "is unregistered", |actor| &mut actor.closed);
        self.desk.broker.unregister(registration).await;
    }

    pub(crate) fn shut_down(&mut self, time: u64) {
        let desk = Arc::clone(&self.desk);
        self.client(async move {
            desk.collect();
            desk.ledger().shut_within(millis(time));
            let report = desk.broker.shutdown(millis(time)).await;
            desk.ledger().say(|| format!("the broker was shut down: {report:?}"));
        });
    }

    pub(crate) async fn receive(&mut self, which: usize, patience: u64) {
        let Some((actor, inbox)) = pick(&mut self.inboxes, which) else { return };
        let received = match patience {
            0 => inbox.try_recv(),
            _ => tokio::time::timeout(millis(patience), inbox.recv()).await.ok().flatten(),
        };
        if let Some(delivery) = received {
            self.held.push((Begun::new(&self.desk, *actor, delivery.envelope()), delivery));
        }
    }

    /// Is done with what was received.
    pub(crate) async fn finish(&mut self, (begun, mut delivery): (Begun, Delivery<Job, Broker>), by: By) {
        match by {
            By::Drop => {
                begun.ends(End::Done);
                drop(delivery);
            }
            By::Taking => {
                begun.ends(End::Done);
                drop(delivery.into_message());
            }
            By::Answering => {
                let (number, answer) = self.desk.answer_to(delivery.envelope());
                begun.answers(Answer::Reply);
                begun.ends(End::Done);
                let _call = self.desk.call(None);
                let replied = tokio::time::timeout(millis(5), delivery.reply(answer)).await;
                self.desk.answered(number, replied);
            }
            By::Token(after, replies) => {
                begun.answers(Answer::Token(after, replies));
                if let Some(token) = delivery.reply_token() {
                    let answer = self.desk.answer_to(delivery.envelope());
                    tokio::spawn(Arc::clone(&self.desk).use_token(token, after, replies, answer));
                }
                self.held.push((begun, delivery));
            }
            By::Failing(end) => {
                begun.ends(end);
                fail(delivery, end);
            }
        }
    }

    pub(crate) fn close_inbox(&mut self, which: usize) {
        let Some((actor, inbox)) = pick(&mut self.inboxes, which) else { return };
        self.desk.ledger().mark(*actor, "is closed", |actor| &mut actor.closed);
        inbox.close();
    }

    pub(crate) fn drop_inbox(&mut self, (actor, inbox): (usize, Inbox<Job, Broker>)) {
        self.desk.ledger().mark(actor, "is let go", |actor| &mut actor.stopping);
        drop(inbox);
    }
}

fn fail(delivery: Delivery<Job, Broker>, end: End) {
    match end {
        End::Reject => delivery.reject("rejected"),
        End::RetryAfter(time) => delivery.retry_after(millis(time), "not now"),
        End::Panic => {
            let panicking = catch_unwind(AssertUnwindSafe(|| {
                let _in_hand = delivery;
                panic_quietly("panicked");
            }));
            drop(panicking);
        }
        _ => delivery.fail("failed"),
    }
}
