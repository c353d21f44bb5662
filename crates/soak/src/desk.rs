use std::time::Duration;

use histogram::AtomicHistogram;
use parking_lot::Mutex;
use switchboard::address::ActorId;
use switchboard::message::MessageEnvelope;
use switchboard::metrics::{Outcome, Outcomes};
use tokio::time::Instant;

use crate::book::{Book, Sum};
use crate::calls::Calls;
use crate::ends::CallEnds;
use crate::findings::{Findings, Kind};
use crate::gate::Gate;
use crate::job::Job;
use crate::lanes::Lanes;
use crate::loads::Load;

/// Where callers, handlers and whoever looks at dead letters note what they see: all that is known without asking the
/// broker.
#[derive(Debug)]
pub(crate) struct Desk {
    books: [Book; Load::ALL.len()],
    /// How messages ended, as handlers and dead letters show it.
    outcomes: Mutex<Outcomes>,
    pub(crate) lanes: Lanes,
    pub(crate) calls: Calls,
    pub(crate) ends: CallEnds,
    pub(crate) findings: Findings,
    pub(crate) gate: Gate,
    /// How long requests took, in nanoseconds, since this was last drained.
    pub(crate) latency: AtomicHistogram,
    began: Instant,
}

/// How much later than its deadline a handler may see that it has begun with a message, on a machine that is shared.
const LATE: Duration = Duration::from_millis(250);

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            books: Load::ALL.map(Book::new),
            outcomes: Mutex::default(),
            lanes: Lanes::default(),
            calls: Calls::default(),
            ends: CallEnds::default(),
            findings: Findings::default(),
            gate: Gate::new(),
            // An eighth of a value wide, up to an hour and more.
            latency: AtomicHistogram::new(3, 44).expect("the powers are in range"),
            began: Instant::now(),
        }
    }

    pub(crate) fn book(&self, load: Load) -> &Book {
        &self.books[load as usize]
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A message ended so.
    pub(crate) fn count(&self, outcome: Outcome) {
        self.outcomes.lock()[outcome] += 1;
    }

    pub(crate) fn outcomes(&self) -> Outcomes {
        *self.outcomes.lock()
    }

    /// A message ended, and no handler saw it: it is a dead letter, or was taken back.
    pub(crate) fn ended(&self, job: &Job, outcome: Outcome) {
        self.count(outcome);
        self.book(job.load).note(job.number, |entry| entry.ended += 1);
    }

    /// A handler begins with a message: gives how often one has, this time included.
    pub(crate) fn begin(&self, envelope: &MessageEnvelope<Job>, receiver: ActorId) -> u16 {
        let job = envelope.message();
        let begun = self.book(job.load).note(job.number, |entry| {
            entry.begun += 1;
            entry.begun
        });
        if begun.is_none() {
            let text = || format!("{}/{} was begun after all was at rest", job.load, job.number);
            self.findings.add(Kind::Twice, text);
        }
        if let Some(Err(error)) = job.step.map(|step| self.lanes.begin(step, receiver, envelope.attempt())) {
            self.findings.add(Kind::Order, || format!("{}/{} at {receiver}: {error}", job.load, job.number));
        }
        let late = job.due.map(|due| self.elapsed().saturating_sub(Duration::from_millis(due)));
        if let Some(late) = late.filter(|late| *late > LATE) {
            let text = || format!("{}/{} was begun {late:.1?} after its deadline", job.load, job.number);
            self.findings.add(Kind::Promise, text);
        }
        begun.unwrap_or(1)
    }

    /// Whether all that was accepted, as far as is known here, has ended.
    pub(crate) fn is_settled(&self) -> bool {
        self.books.iter().all(Book::is_settled)
    }

    /// How many bytes the books take, which grow until all is at rest.
    pub(crate) fn bytes(&self) -> u64 {
        self.books.iter().map(Book::bytes).sum()
    }

    /// Looks at all messages when nothing is on its way any more, and begins anew.
    pub(crate) fn turn_pages(&self) -> Sum {
        let mut total = Sum::default();
        for sum in self.books.iter().map(|book| book.turn(&self.findings)) {
            total.accepted += sum.accepted;
            total.duplicates += sum.duplicates;
            total.refused += sum.refused;
        }
        self.outcomes.lock()[Outcome::Duplicate] += total.duplicates;
        self.lanes.clear();
        self.calls.shrink();
        total
    }
}
