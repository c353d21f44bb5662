use std::sync::Arc;
use std::time::Duration;

use switchboard::broker::{InMemoryMessageBroker, MessageBroker};
use switchboard::metrics::Audit;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::candidate::{Candidate, HIBERNATE_AFTER};
use crate::client::ALLOWED;
use crate::desk::Desk;
use crate::findings::Kind;
use crate::job::Job;
use crate::loads;
use crate::memory;
use crate::plan::Plan;
use crate::player::Cast;
use crate::quiet::{Quiet, Tables};
use crate::report::Report;
use crate::sampler::Sampler;
use crate::undertaker::Undertaker;

/// Soaks a broker, and tells each moment when all was at rest.
///
/// It runs on a runtime of tokio with several threads, in real time. It ends before its time if something is stuck, since
/// nothing can be compared then.
///
/// # Cancel safety
///
/// Dropped before it is done, the broker is left as it is.
pub async fn soak<C: Candidate>(candidate: C, plan: Plan, mut tell: impl FnMut(&Quiet)) -> Report {
    let broker = candidate.make().await;
    let mut run = Run::new(candidate, broker, plan);
    let end = Instant::now() + plan.time;
    loop {
        run.work_until(next_rest(plan.quiet_every, end)).await;
        match run.rest().await {
            Some(quiet) => tell(&quiet),
            None => break,
        }
        if Instant::now() >= end {
            break;
        }
        run.desk.gate.open();
    }
    run.end().await
}

/// The end, too, if it comes not much later than the next rest would.
fn next_rest(every: Duration, end: Instant) -> Instant {
    let next = Instant::now() + every;
    if next + every / 2 >= end { end } else { next }
}

/// A soak that is under way.
struct Run<C: Candidate> {
    candidate: C,
    broker: C::Broker,
    plan: Plan,
    desk: Arc<Desk>,
    tasks: JoinSet<()>,
    undertaker: Option<(Arc<Undertaker>, AbortHandle)>,
    sampler: Sampler,
    quiets: Vec<Quiet>,
    accepted: u64,
    refused: u64,
}

/// How long it may take until all calls have ended, and then until all that was accepted has.
const PATIENCE: Duration = ALLOWED.saturating_mul(2);

/// Long enough for idle actors to hibernate.
const ALL_HIBERNATE: Duration = HIBERNATE_AFTER.saturating_mul(3);

/// How often it is looked whether all is at rest.
const LOOK: Duration = Duration::from_millis(2);

impl<C: Candidate> Run<C> {
    fn new(candidate: C, broker: C::Broker, plan: Plan) -> Self {
        let desk = Arc::new(Desk::new());
        let undertaker = candidate.in_memory(&broker).map(|broker| {
            let undertaker = Arc::new(Undertaker::new(&desk, broker, loads::redriven()));
            let task = tokio::spawn(Arc::clone(&undertaker).run());
            (undertaker, task.abort_handle())
        });
        let cast = Cast {
            candidate: candidate.clone(),
            broker: broker.clone(),
            desk: Arc::clone(&desk),
            seed: plan.seed,
            rate: plan.rate,
        };
        let room = |every: Duration| (plan.time.as_secs_f64() / every.as_secs_f64()) as usize + 16;
        Self {
            tasks: loads::start(&cast),
            undertaker,
            sampler: Sampler::new(&desk, room(plan.sample_every)),
            quiets: Vec::with_capacity(room(plan.quiet_every)),
            candidate,
            broker,
            plan,
            desk,
            accepted: 0,
            refused: 0,
        }
    }

    fn in_memory(&self) -> Option<&InMemoryMessageBroker<Job>> {
        self.candidate.in_memory(&self.broker)
    }

    /// Lets loads run, and takes samples.
    async fn work_until(&mut self, until: Instant) {
        let mut next = Instant::now();
        while next < until {
            sleep_until(next).await;
            next += self.plan.sample_every;
            let metrics = self.in_memory().map(InMemoryMessageBroker::metrics);
            self.sampler.take(metrics);
            for stuck in self.desk.calls.stuck() {
                self.desk.findings.add(Kind::Stuck, || stuck);
            }
        }
        sleep_until(until).await;
    }

    /// Has all come to rest, and looks whether everything is as it has to be. `None` if that did not come about.
    async fn rest(&mut self) -> Option<Quiet> {
        let began = Instant::now();
        if let Err(tasks) = self.desk.gate.close(PATIENCE).await {
            self.stuck(format!("after {PATIENCE:.0?} these have not ended what they began: {tasks}"));
            return None;
        }
        if timeout(PATIENCE, self.come_to_rest()).await.is_err() {
            let audit = self.in_memory().map_or_else(String::new, |broker| broker.audit().to_string());
            self.stuck(format!("after {PATIENCE:.0?} not all is at rest: {audit}"));
            return None;
        }
        let took = began.elapsed();
        // So that all hibernate who do, and memory does not depend on who was at it last.
        sleep(ALL_HIBERNATE).await;
        let sum = self.desk.turn_pages();
        self.accepted += sum.accepted;
        self.refused += sum.refused;
        let tables = self.tables().await;
        self.compare(&tables);
        let (at, accepted, refused) = (self.desk.elapsed(), self.accepted, self.refused);
        let quiet = Quiet { at, took, accepted, refused, tables, heap: memory::heap(), resident: memory::resident() };
        self.quiets.push(quiet);
        Some(quiet)
    }

    /// Waits until nothing is on its way.
    async fn come_to_rest(&self) {
        loop {
            let Some((undertaker, _)) = &self.undertaker else {
                // What nobody sees the end of is waited for as long as anything may take.
                let settled = async {
                    while !self.desk.is_settled() {
                        sleep(LOOK).await;
                    }
                };
                return drop(timeout(ALLOWED, settled).await);
            };
            undertaker.round();
            if self.in_memory().is_some_and(is_at_rest) {
                return;
            }
            sleep(LOOK).await;
        }
    }

    async fn tables(&self) -> Tables {
        let Some(broker) = self.in_memory() else { return Tables::default() };
        let metrics = broker.metrics();
        Tables {
            actors: broker.registry().len(),
            subscriptions: metrics.publishing.subscriptions,
            services: self.broker.services().await.len(),
            letters: metrics.dead_letters,
        }
    }

    /// Compares the broker's accounts with what was seen from outside, and its tables with those of the first time.
    fn compare(&self, tables: &Tables) {
        let findings = &self.desk.findings;
        if let Some(first) = self.quiets.first().filter(|first| first.tables != *tables) {
            findings.add(Kind::Growth, || format!("at rest there were {:?} and now are {tables:?}", first.tables));
        }
        let Some(Audit { accepted, outcomes, differences, .. }) = self.in_memory().map(InMemoryMessageBroker::audit)
        else {
            return;
        };
        for difference in differences {
            findings.add(Kind::Accounts, || difference.to_string());
        }
        let seen = self.desk.outcomes();
        let counts = outcomes.iter().map(|(outcome, count)| (outcome.as_str(), count, seen[outcome]));
        for (what, counted, seen) in counts.chain([("accepted", accepted, self.accepted)]) {
            if counted != seen {
                findings
                    .add(Kind::Accounts, || format!("the broker counted {counted} {what}, of which {seen} were seen"));
            }
        }
    }

    fn stuck(&self, text: String) {
        self.desk.findings.add(Kind::Stuck, || text);
        for call in self.desk.calls.stuck() {
            self.desk.findings.add(Kind::Stuck, || call);
        }
    }

    /// Lets everybody go home, shuts the broker down, and says what came of it.
    async fn end(mut self) -> Report {
        self.desk.gate.end();
        let all_gone = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(PATIENCE, all_gone).await.is_err() {
            self.desk.findings.add(Kind::Stuck, || "not all tasks of the loads have ended".into());
        }
        let total = self.in_memory().map(|broker| broker.metrics().total);
        if let Some((_, task)) = &self.undertaker {
            task.abort();
        }
        if let Some(broker) = self.in_memory() {
            broker.shutdown(ALLOWED).await;
        }
        let (samples, latency) = self.sampler.into_parts();
        Report::new(self.desk, self.quiets, samples, latency, total)
    }
}

fn is_at_rest(broker: &InMemoryMessageBroker<Job>) -> bool {
    let metrics = broker.metrics();
    broker.audit().is_at_rest() && metrics.requests_in_flight + metrics.blocked_senders + metrics.dead_letters == 0
}
