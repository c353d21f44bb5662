use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use switchboard::actor::{ActorHandle, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
use switchboard::message::MessageEnvelope;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use crate::candidate::Candidate;
use crate::client::Client;
use crate::desk::Desk;
use crate::findings::Kind;
use crate::job::{Course, Job, Step};
use crate::loads::Load;
use crate::worker::Worker;

/// One task of a load: who calls, at which pace, and what it draws.
pub(crate) struct Player<C: Candidate> {
    pub(crate) client: Client<C::Broker>,
    pub(crate) rng: Rng,
    candidate: C,
    name: String,
    /// Messages in a second.
    rate: f64,
    ticks: Interval,
    looked: Instant,
    due: f64,
    lanes: u64,
    steps: u64,
}

/// How often a task looks whether something is due.
const TICK: Duration = Duration::from_millis(20);

/// What a task makes up for at most when it was held up: a soak is no race.
const MADE_UP_FOR: Duration = Duration::from_millis(100);

/// What tasks of a load are made from.
#[derive(Clone)]
pub(crate) struct Cast<C: Candidate> {
    pub(crate) candidate: C,
    pub(crate) broker: C::Broker,
    pub(crate) desk: Arc<Desk>,
    pub(crate) seed: u64,
    pub(crate) rate: f64,
}

impl<C: Candidate> Cast<C> {
    /// The so-manieth task of a load, which sends that part of the load's messages.
    pub(crate) fn player(&self, load: Load, task: u64, part: f64) -> Player<C> {
        let lanes = (load as u64) << 32 | task << 16;
        let name = format!("{load} {task}");
        self.desk.gate.enter(&name);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Player {
            client: Client { desk: Arc::clone(&self.desk), broker: self.broker.clone(), load },
            rng: Rng::with_seed(self.seed ^ lanes.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            candidate: self.candidate.clone(),
            name,
            rate: self.rate * f64::from(load.share()) / 100.0 * part,
            ticks,
            looked: Instant::now(),
            due: 0.0,
            lanes,
            steps: 0,
        }
    }
}

impl<C: Candidate> Player<C> {
    /// How many messages are due, at least one; `None` when it is time to rest.
    pub(crate) async fn turn(&mut self) -> Option<u32> {
        loop {
            self.ticks.tick().await;
            if !self.desk().gate.is_open() {
                return None;
            }
            let passed = self.looked.elapsed().min(MADE_UP_FOR);
            self.looked = Instant::now();
            self.due += passed.as_secs_f64() * self.rate;
            if self.due >= 1.0 {
                let now = self.due.floor();
                self.due -= now;
                return Some(now as u32);
            }
        }
    }

    /// Rests until the loads go on; `false` when the soak is over.
    pub(crate) async fn rest(&mut self) -> bool {
        self.client.desk.gate.rest(&self.name).await
    }

    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.client.desk
    }

    pub(crate) fn broker(&self) -> &C::Broker {
        &self.client.broker
    }

    /// The broker in memory that is soaked, if there is one.
    pub(crate) fn in_memory(&self) -> Option<&InMemoryMessageBroker<Job>> {
        self.candidate.in_memory(&self.client.broker)
    }

    /// Another message, with a ballast now and then.
    pub(crate) fn job(&mut self, course: Course) -> Job {
        let load = self.client.load;
        let mut job = Job::new(load, self.desk().book(load).enter(), course);
        if self.rng.u8(..16) == 0 {
            job.ballast = vec![7; self.rng.usize(..2_048)];
        }
        job
    }

    /// As [`job`](Self::job), as the next step of one of this task's lanes.
    pub(crate) fn step(&mut self, lane: u64, across: bool, course: Course) -> Job {
        self.steps += 1;
        let step = Step { lane: self.lanes | lane, number: self.steps, across };
        Job { step: Some(step), ..self.job(course) }
    }

    /// An envelope that is worth handling for so long.
    pub(crate) fn within(&self, mut job: Job, millis: u64) -> MessageEnvelope<Job> {
        job.due = Some(self.desk().elapsed().as_millis() as u64 + millis);
        MessageEnvelope::new(job).within(Duration::from_millis(millis))
    }

    /// One of these, drawn.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.rng.usize(..of.len())]
    }

    pub(crate) fn millis(&mut self, most: u64) -> u64 {
        self.rng.u64(1..=most)
    }

    /// Makes a factory of handlers.
    pub(crate) fn factory(&self) -> impl FnMut() -> Worker + Clone + Send + 'static {
        let desk = Arc::clone(self.desk());
        move || Worker::new(&desk)
    }

    /// Spawns an actor, which must succeed.
    pub(crate) async fn spawn(&self, address: &ActorAddress, options: SpawnOptions) -> Option<ActorHandle<Job>> {
        match self.broker().spawn_with(address, options, self.factory()).await {
            Ok(handle) => Some(handle),
            Err(error) => {
                self.broken(|| format!("no actor could be spawned at `{address}`: {error}"));
                None
            }
        }
    }

    /// Something was not as promised.
    pub(crate) fn broken(&self, text: impl FnOnce() -> String) {
        self.desk().findings.add(Kind::Promise, text);
    }

    /// Waits for something that must come, for as long as the calls of a soak may take.
    pub(crate) async fn expect<T>(&self, what: &str, coming: impl Future<Output = T>) -> Option<T> {
        let came = tokio::time::timeout(crate::client::ALLOWED, coming).await.ok();
        if came.is_none() {
            self.desk().findings.add(Kind::Stuck, || format!("{}: {what} did not come", self.name));
        }
        came
    }
}
