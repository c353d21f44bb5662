//! Runs a program, step by step, and looks at the accounts in between.

use std::sync::Arc;

use switchboard::actor::{ActorHandle, Delivery, Inbox};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::broker::{MessageBroker, Route};
use switchboard::dead_letters::DeadLetterOptions;
use switchboard::retry::Jitter;
use switchboard::schedule::{Recurring, Scheduled};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::desk::{Broker, Desk, To};
use crate::draw::millis;
use crate::job::{Envelope, Job};
use crate::ledger::{Ledger, Lines};
use crate::program::{Again, Kind, Note, Place, Program, Step, Way};
use crate::reached::Reached;
use crate::record::{How, Sent, Time};
use crate::worker::{Begun, Worker};

pub(crate) struct World {
    pub(crate) desk: Arc<Desk>,
    pub(crate) places: Vec<Place>,
    /// Spawned actors, by their numbers in the ledger.
    pub(crate) handles: Vec<(usize, ActorHandle<Job>)>,
    pub(crate) inboxes: Vec<(usize, Inbox<Job, Broker>)>,
    /// What was received by hand and is not done with.
    pub(crate) held: Vec<(Begun, Delivery<Job, Broker>)>,
    /// Senders, callers, and whoever waits for something to end.
    pub(crate) clients: Vec<JoinHandle<()>>,
    pub(crate) scheduled: Vec<(u64, Scheduled<Job>)>,
    pub(crate) recurring: Vec<(u64, Recurring<Job>)>,
    routes: Vec<Option<Route<Job>>>,
    /// Envelopes that may be sent again, and where.
    sent: Vec<(usize, Envelope)>,
    pub(crate) reached: Reached,
}

impl World {
    pub(crate) fn new(program: &Program, lines: Lines) -> Self {
        let mut builder = Broker::builder()
            .dead_letters(DeadLetterOptions::new().capacity(usize::MAX).log_per_second(0))
            .request_timeout(millis(program.patience))
            .jitter(Jitter::seeded(program.seed));
        let mut ledger = Ledger::new();
        if let Some(policy) = program.retry {
            builder = builder.retry(policy);
            ledger.most_attempts = policy.max_attempts().unwrap_or(u32::MAX).max(ledger.most_attempts);
        }
        if program.seed % 4 >= 2 {
            // Nobody is to notice.
            builder = builder.hibernate_after(millis(50));
        }
        ledger.lines = lines;
        let sets_retry = program.steps.iter().any(|step| matches!(step, Step::SetRetry(..)));
        ledger.never_retries = program.retry.is_none() && !sets_retry;
        let addresses = program.places.iter().enumerate().map(|(number, place)| place.address(number)).collect();
        Self {
            desk: Desk::new(builder.build().unwrap(), ledger, addresses),
            places: program.places.clone(),
            handles: Vec::new(),
            inboxes: Vec::new(),
            held: Vec::new(),
            clients: Vec::new(),
            scheduled: Vec::new(),
            recurring: Vec::new(),
            routes: program.places.iter().map(|_| None).collect(),
            sent: Vec::new(),
            reached: Reached::default(),
        }
    }

    pub(crate) async fn take(&mut self, step: &Step) {
        self.desk.ledger().say(|| format!("--- {step:?}"));
        match *step {
            Step::Start(at) => self.start(at).await,
            Step::Send(at, way, ref note) => {
                let (number, envelope) = self.enter(How::Told, at, note);
                let to = self.find(at, way);
                self.client(Arc::clone(&self.desk).tell(to, number, envelope));
            }
            Step::TrySend(at, way, ref note) => {
                let (number, envelope) = self.enter(How::Told, at, note);
                let to = self.find(at, way);
                self.desk.tell_now(&to, number, envelope);
            }
            Step::Ask(at, way, ref note) => {
                let (number, envelope) = self.enter(How::Asked, at, note);
                let to = self.find(at, way);
                self.client(Arc::clone(&self.desk).ask(to, number, envelope));
            }
            Step::SendAgain(which, how) => self.send_again(which, how),
            Step::SendAfter(at, delay, ref note) => self.send_after(at, delay, note).await,
            Step::SendEvery(at, period, ref note) => self.send_every(at, period, note).await,
            Step::CancelScheduled(which) => self.cancel_scheduled(which),
            Step::CancelRecurring(which) => {
                pick(&mut self.recurring, which).into_iter().for_each(|(_, recurring)| recurring.cancel());
            }
            Step::GoAway(which) => pick(&mut self.clients, which).into_iter().for_each(|client| client.abort()),
            Step::Yield(times) => yield_now(times).await,
            Step::Wait(time) => tokio::time::sleep(millis(time)).await,
            Step::Release(handlers) => self.desk.gate.add_permits(handlers),
            _ => self.take_other(step).await,
        }
        // The others do nothing by themselves.
        if !matches!(step, Step::Send(..) | Step::Ask(..) | Step::GoAway(_) | Step::Release(_)) {
            self.look();
        }
    }

    async fn take_other(&mut self, step: &Step) {
        match *step {
            Step::Stop(which) => self.stop(which, false),
            Step::Abort(which) => self.stop(which, true),
            Step::Drain(which) => self.drain(which),
            Step::Unregister(which) => self.unregister(which).await,
            Step::Receive(which, patience) => self.receive(which, patience).await,
            Step::Finish(which, by) => {
                if let Some(held) = pick_out(&mut self.held, which) {
                    self.finish(held, by).await;
                }
            }
            Step::CloseInbox(which) => self.close_inbox(which),
            Step::DropInbox(which) => {
                pick_out(&mut self.inboxes, which).into_iter().for_each(|inbox| self.drop_inbox(inbox));
            }
            Step::SetRetry(at, policy) => {
                let most = policy.map_or(0, |policy| policy.max_attempts().unwrap_or(u32::MAX));
                let mut ledger = self.desk.ledger();
                ledger.most_attempts = ledger.most_attempts.max(most);
                drop(ledger);
                self.desk.broker.set_retry(&self.desk.addresses[at], policy).unwrap();
            }
            Step::ShutDown(time) => self.shut_down(time),
            _ => unreachable!("the other steps have been taken"),
        }
    }

    /// Runs what a sender or caller does, until it ends or goes away.
    pub(crate) fn client(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.clients.push(tokio::spawn(work));
    }

    fn enter(&mut self, how: How, at: usize, note: &Note) -> (u64, Envelope) {
        let number = self.desk.ledger().next_number();
        let job = Job::of(number, note).asked((how == How::Asked).then_some(number));
        let mut envelope = Envelope::new(job).with_priority(note.priority).with_metadata("colour", "red");
        if note.at_least_once {
            envelope = envelope.at_least_once();
        }
        if let Some(policy) = note.retry {
            envelope = envelope.with_retry(policy);
        }
        if let Some(time) = note.within {
            envelope = envelope.within(millis(time));
        }
        if let Some(place) = note.reply_to {
            envelope = envelope.with_reply_to(self.desk.addresses[place % self.places.len()].clone());
        }
        self.desk.ledger().enter(how, at, &envelope);
        if number.is_multiple_of(4) && how == How::Told && !envelope.message().clones_are_limited() {
            self.sent.push((at, envelope.clone()));
        }
        (number, envelope)
    }

    fn find(&mut self, at: usize, way: Way) -> To {
        let address = &self.desk.addresses[at];
        let latest = self.desk.ledger().actors.iter().rfind(|actor| actor.at == at).and_then(|actor| actor.id);
        let route = &mut self.routes[at];
        if route.is_none() {
            *route = self.desk.broker.route(address).ok();
        }
        match (way, route, latest) {
            (Way::Route, Some(route), _) => To::Route(route.clone()),
            (Way::Latest, _, Some(id)) => To::Address(id.into()),
            _ => To::Address(address.clone()),
        }
    }

    async fn start(&mut self, at: usize) {
        let (place, address) = (self.places[at].clone(), self.desk.addresses[at].clone());
        let actor = self.desk.ledger().start(at, &place);
        let id = if place.by_hand {
            let registered = self.desk.broker.register(&address, place.mailbox).await;
            registered.ok().map(|inbox| {
                let id = inbox.id();
                self.inboxes.push((actor, inbox));
                id
            })
        } else {
            let desk = Arc::clone(&self.desk);
            let build = move || Worker::new(&desk, actor);
            let spawned = self.desk.broker.spawn_with(&address, place.options(), build).await;
            spawned.ok().map(|handle| {
                let id = handle.id();
                self.handles.push((actor, handle));
                id
            })
        };
        let mut ledger = self.desk.ledger();
        ledger.actors[actor].id = id;
        ledger.say(|| format!("actor {actor} at place {at}: {}", if id.is_some() { "started" } else { "refused" }));
    }

    fn send_again(&mut self, which: usize, how: Again) {
        // One that was sent before, or one that was a dead letter.
        let dead = pick(&mut self.desk.ledger().dead, which / 2).cloned();
        let sent = if which.is_multiple_of(2) { dead } else { pick(&mut self.sent, which).cloned() };
        let Some((at, envelope)) = sent else { return };
        let times = if matches!(how, Again::Twice) { 2 } else { 1 };
        for _ in 0..times {
            let mut envelope = envelope.clone();
            let number = self.desk.ledger().next_number();
            let asks = matches!(how, Again::Ask);
            let job = envelope.message_mut();
            job.renumber(number);
            job.asked_as(asks.then_some(number));
            self.desk.ledger().enter(if asks { How::Asked } else { How::Told }, at, &envelope);
            let to = To::Address(self.desk.addresses[at].clone());
            if asks {
                self.client(Arc::clone(&self.desk).ask(to, number, envelope));
            } else {
                self.desk.tell_now(&to, number, envelope);
            }
        }
    }

    async fn send_after(&mut self, at: usize, delay: u64, note: &Note) {
        let due = Instant::now() + millis(delay);
        let (number, envelope) = self.enter(How::Scheduled(due), at, note);
        if let (Some(lives), None) = (note.lives, note.within) {
            self.desk.ledger().entry(number).deadline = Time::Until(due + millis(lives));
        }
        let entered = self.desk.broker.send_after(millis(delay), &self.desk.addresses[at], envelope).await;
        let entered = entered.map(|scheduled| self.scheduled.push((number, scheduled)));
        self.desk.told(number, entered);
    }

    async fn send_every(&mut self, at: usize, period: u64, note: &Note) {
        let (number, envelope) = self.enter(How::Template, at, note);
        if let Ok(recurring) = self.desk.broker.send_every(millis(period), &self.desk.addresses[at], envelope).await {
            self.recurring.push((number, recurring));
        }
    }

    fn cancel_scheduled(&mut self, which: usize) {
        let Some((number, scheduled)) = pick_out(&mut self.scheduled, which) else { return };
        let mut ledger = self.desk.ledger();
        if let Some(back) = scheduled.cancel() {
            ledger.identify(&back);
            ledger.say(|| format!("{number} is taken back"));
            let entry = ledger.entry(number);
            if entry.sent == Sent::TakenBack || entry.id != back.id() {
                ledger.problem(format!("{number} came back twice, or as another"));
            }
            ledger.entry(number).sent = Sent::TakenBack;
        }
    }
}

impl Place {
    fn address(&self, number: usize) -> ActorAddress {
        let name = format!("place-{number}");
        match self.kind {
            Kind::Name => ActorAddress::named(&name).unwrap(),
            Kind::Pool => ActorAddress::pool(&name).unwrap(),
            Kind::Service => ActorAddress::service(&name).unwrap(),
            Kind::Id => ActorId::next().into(),
        }
    }
}

pub(crate) async fn yield_now(times: u32) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

/// One of them, if there are any.
pub(crate) fn pick<T>(from: &mut [T], which: usize) -> Option<&mut T> {
    let place = which.checked_rem(from.len())?;
    Some(&mut from[place])
}

/// Takes one of them out, if there are any.
pub(crate) fn pick_out<T>(from: &mut Vec<T>, which: usize) -> Option<T> {
    let place = which.checked_rem(from.len())?;
    Some(from.remove(place))
}
