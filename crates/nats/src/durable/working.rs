//! What waits in the stream for an actor or a group here is given to it, one after the other, and the server is told what became
//! of each.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::AckKind;
use async_nats::jetstream::Message as Waiting;
use async_nats::jetstream::consumer::{Consumer, pull};
use futures_util::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::ActorAddress;
use switchboard::broker::{MessageBroker, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::message::{Message, Settled};

use super::burying::Death;
use super::parcel::{Parcel, split};
use super::{ClusterReason, Durable};
use crate::node::Node;
use crate::wire::{self, WireFormat};

/// How long the server may take to have a message, before it is asked again.
const FETCH: Duration = Duration::from_secs(1);

/// How long to wait after what may be over in a moment: the server electing a leader, a lease that is renewed.
const PAUSE: Duration = Duration::from_millis(200);

/// What the server is told of a message.
enum Verdict {
    Done,
    /// It is given to somebody again, after this time.
    Again(Duration),
    Dead(Death),
}

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Sees to it that somebody works on what waits for all who are here, until the broker leaves.
    pub(crate) async fn keep_working(self: Arc<Self>) {
        let Some(durable) = &self.durable else { return };
        let (mut closing, mut names) = (durable.closing.subscribe(), durable.names.subscribe());
        let mut known = 0;
        loop {
            // Read before the look, so that what changes during it is seen in the next.
            names.borrow_and_update();
            for to in self.served() {
                self.begin_work(durable, &to);
            }
            tokio::select! {
                _ = closing.wait_for(|closing| *closing) => return,
                changes = self.local.members_changed(known) => known = changes,
                _ = names.changed() => {}
            }
        }
    }

    /// Looks again whose work is done here.
    pub(crate) fn work_again(&self) {
        self.durable.iter().for_each(|durable| durable.names.send_modify(|changes| *changes += 1));
    }

    /// The names that this node owns, and the groups with members here.
    fn served(&self) -> HashSet<ActorAddress> {
        let names = self.names.owned().into_iter().map(|(name, _)| ActorAddress::Named(name));
        let groups = self.local.registry().all_providers().into_iter().map(|(group, _)| group);
        names.chain(groups).collect()
    }

    /// Whether this node may give messages to this address now.
    fn serves(&self, to: &ActorAddress) -> bool {
        match to {
            ActorAddress::Named(name) => self.names.epoch(name).is_some(),
            group => self.local.registry().contains(group),
        }
    }

    fn begin_work(self: &Arc<Self>, durable: &Durable, to: &ActorAddress) {
        let wanted = if to.is_group() { durable.options.per_group } else { durable.options.per_name };
        let mut working = durable.working.lock();
        let at_work = working.entry(to.clone()).or_default();
        for _ in *at_work..wanted {
            *at_work += 1;
            durable.workers.send_modify(|workers| *workers += 1);
            tokio::spawn(Arc::clone(self).work_at(to.clone()));
        }
    }

    /// Works on what waits for an address, for as long as it is served here.
    async fn work_at(self: Arc<Self>, to: ActorAddress) {
        let Some(durable) = &self.durable else { return };
        let _worker = Worker { durable, to: &to };
        let mut consumer = None;
        while self.serves(&to) && !*durable.closing.borrow() {
            let may_act = to.is_group() || self.lease.holds();
            let worked = match (&consumer, may_act) {
                (Some(consumer), true) => self.work_once(durable, consumer, &to).await,
                (None, true) => durable.consumer(&self.subjects, &to).await.map(|made| consumer = Some(made)),
                (_, false) => Err("the lease has ended".into()),
            };
            if let Err(error) = worked {
                tracing::debug!(%to, error = %error.escape_debug(), "nothing can be fetched just now");
                // It may have been forgotten by a server that has lost it.
                consumer = None;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Fetches one message, if one comes soon, and sees it to its end.
    async fn work_once(
        &self,
        durable: &Durable,
        consumer: &Consumer<pull::Config>,
        to: &ActorAddress,
    ) -> Result<(), String> {
        let fetched = consumer.fetch().max_messages(1).expires(FETCH).messages().await;
        let mut fetched = fetched.map_err(|error| error.to_string())?;
        // To its end, since what comes after nobody listens would wait until the server gives it up.
        while let Some(message) = fetched.next().await {
            let message = message.map_err(|error| error.to_string())?;
            let verdict = self.see_to(durable, &message, to).await;
            self.conclude(durable, &message, verdict).await;
        }
        Ok(())
    }

    /// Gives a message to whoever it is for, and waits for what becomes of it. The server is told now and then that it is in hand.
    async fn see_to(&self, durable: &Durable, message: &Waiting, to: &ActorAddress) -> Verdict {
        let mut ticks = tokio::time::interval(durable.options.ack_wait / 3);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut handling = pin!(self.work_on(durable, message, to));
        loop {
            tokio::select! {
                verdict = &mut handling => return verdict,
                _ = ticks.tick() => {
                    // If it does not arrive, another may.
                    let _ = message.ack_with(AckKind::Progress).await;
                }
            }
        }
    }

    async fn work_on(&self, durable: &Durable, message: &Waiting, to: &ActorAddress) -> Verdict {
        let delivered = message.info().map_or(1, |info| info.delivered);
        if delivered > i64::from(durable.options.most_deliveries) {
            return Verdict::Dead(Death::of(ClusterReason::GivenUp));
        }
        let read = split::<Parcel>(&message.payload).and_then(|(parcel, body)| {
            let envelope = wire::decode::<M>(body).map_err(|error| error.to_string())?;
            Ok((parcel, envelope))
        });
        let (parcel, envelope) = match read {
            Ok(read) => read,
            Err(why) => return Verdict::Dead(Death::of(ClusterReason::Unreadable(why))),
        };
        let mut envelope = envelope.at_least_once_by(copy_by(self.wire));
        if let Some(policy) = parcel.retry {
            envelope = envelope.with_retry(policy);
        }
        // Only an owner whose lease holds, and members of a node that is not about to leave.
        if !to.is_group() && !self.lease.holds() || *durable.closing.borrow() {
            return Verdict::Again(Duration::ZERO);
        }
        let (envelope, settlement) = envelope.settling();
        match self.local.send(to, envelope).await {
            Ok(()) => settlement.await.map_or(Verdict::Again(Duration::ZERO), verdict_of),
            Err(error) => verdict_on(error.kind()),
        }
    }

    async fn conclude(&self, durable: &Durable, message: &Waiting, verdict: Verdict) {
        let told = match verdict {
            Verdict::Done => message.ack().await,
            Verdict::Again(delay) => message.ack_with(AckKind::Nak(Some(delay))).await,
            Verdict::Dead(death) => {
                self.bury(durable, message, death).await;
                return;
            }
        };
        if let Err(error) = told {
            // It comes again then.
            tracing::debug!(error = %error.to_string().escape_debug(), "the server was not told what became of a message");
        }
    }
}

impl<M: Message> Node<M> {
    /// Fetches nothing more. What is in hand is seen to its end.
    pub(crate) fn stop_fetching(&self) {
        if let Some(durable) = &self.durable {
            durable.closing.send_replace(true);
        }
    }

    /// Waits until the server has been told of all that was in hand, as nobody handles anything any more.
    pub(crate) async fn await_workers(&self) {
        let Some(durable) = &self.durable else { return };
        durable.closing.send_replace(true);
        let mut workers = durable.workers.subscribe();
        // Those who wait for a message wait so long.
        let _ = tokio::time::timeout(3 * FETCH, workers.wait_for(|workers| *workers == 0)).await;
    }
}

/// How a message is copied to be handled again: by writing and reading it, which all that came here can be.
fn copy_by<M: Serialize + DeserializeOwned>(wire: WireFormat) -> fn(&M) -> M {
    // A panic is caught where it is copied, and says why it is a dead letter.
    match wire {
        WireFormat::Compact => |message| {
            let bytes = postcard::to_allocvec(message).expect("it was read from bytes");
            postcard::from_bytes(&bytes).expect("it was written as what it is")
        },
        WireFormat::Json => |message| {
            let bytes = serde_json::to_vec(message).expect("it was read from bytes");
            serde_json::from_slice(&bytes).expect("it was written as what it is")
        },
    }
}

fn verdict_of(settled: Settled) -> Verdict {
    match settled {
        Settled::Handled => Verdict::Done,
        // It was not its fault: somebody else may handle it.
        Settled::Dead { reason: DeadLetterReason::ShutDown | DeadLetterReason::ActorStopped, .. } => {
            Verdict::Again(Duration::ZERO)
        }
        Settled::Dead { reason: DeadLetterReason::Undeliverable(kind), .. } => verdict_on(kind),
        Settled::Dead { reason, cause, attempts } => {
            Verdict::Dead(Death { reason: ClusterReason::Unhandled(reason), cause, attempts })
        }
        _ => Verdict::Again(PAUSE),
    }
}

/// What becomes of one that was not accepted.
fn verdict_on(kind: SendErrorKind) -> Verdict {
    match kind {
        SendErrorKind::Expired => Verdict::Dead(Death::of(ClusterReason::Unhandled(DeadLetterReason::Expired))),
        // There is room later, or somebody else.
        _ => Verdict::Again(PAUSE),
    }
}

/// Somebody who works on what waits for an address.
struct Worker<'a> {
    durable: &'a Durable,
    to: &'a ActorAddress,
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        let mut working = self.durable.working.lock();
        if let Some(at_work) = working.get_mut(self.to) {
            *at_work -= 1;
            if *at_work == 0 {
                working.remove(self.to);
            }
        }
        drop(working);
        self.durable.workers.send_modify(|workers| *workers -= 1);
        // Somebody may have come to serve it again just as this one had seen that nobody does.
        self.durable.names.send_modify(|changes| *changes += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_the_messages_fault_is_given_to_somebody_again() {
        let dead = |reason| verdict_of(Settled::Dead { reason, cause: None, attempts: 1 });
        assert!(matches!(verdict_of(Settled::Handled), Verdict::Done));
        for reason in [
            DeadLetterReason::ShutDown,
            DeadLetterReason::ActorStopped,
            DeadLetterReason::Undeliverable(SendErrorKind::NoSuchActor),
        ] {
            assert!(matches!(dead(reason), Verdict::Again(_)), "{reason}");
        }
        for reason in [DeadLetterReason::Failed, DeadLetterReason::Rejected, DeadLetterReason::Expired] {
            assert!(matches!(dead(reason), Verdict::Dead(_)), "{reason}");
        }
        assert!(matches!(verdict_on(SendErrorKind::Full), Verdict::Again(_)));
        assert!(matches!(verdict_on(SendErrorKind::Expired), Verdict::Dead(_)));
    }
}
