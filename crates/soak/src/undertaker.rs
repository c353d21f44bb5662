use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use switchboard::address::ActorAddress;
use switchboard::broker::InMemoryMessageBroker;
use switchboard::dead_letters::{DeadLetter, DeadLetterFilter, DeadLetters};

use crate::desk::Desk;
use crate::findings::Kind;
use crate::job::Job;

/// Notes all dead letters as the ends of their messages, and sends those that were for one address again.
pub(crate) struct Undertaker {
    desk: Arc<Desk>,
    letters: DeadLetters<Job>,
    redriven: ActorAddress,
    /// One round at a time.
    round: Mutex<()>,
}

/// How often it looks.
const EVERY: Duration = Duration::from_millis(20);

/// How many it sends again in a round.
const AT_ONCE: usize = 32;

impl Undertaker {
    pub(crate) fn new(desk: &Arc<Desk>, broker: &InMemoryMessageBroker<Job>, redriven: ActorAddress) -> Self {
        Self { desk: Arc::clone(desk), letters: broker.dead_letters(), redriven, round: Mutex::new(()) }
    }

    /// Goes round and round. To be aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            ticks.tick().await;
            self.round();
        }
    }

    /// Sees to all dead letters that there are.
    pub(crate) fn round(&self) {
        let _alone = self.round.lock();
        let wanted = DeadLetterFilter::all().target(&self.redriven).limit(AT_ONCE);
        for letter in self.letters.read(&wanted) {
            self.redrive(&letter);
        }
        for letter in self.letters.take(&DeadLetterFilter::all()) {
            self.desk.ended(letter.envelope.message(), letter.reason.outcome());
        }
        if self.letters.dropped() > 0 {
            self.desk.findings.add(Kind::Lost, || format!("{} dead letters were let go", self.letters.dropped()));
        }
    }

    /// Sends one again, under its id. If it is refused, it is still there.
    fn redrive(&self, letter: &DeadLetter<Job>) {
        let redriven = self.letters.redrive(&DeadLetterFilter::all().message(letter.envelope.id()));
        if !redriven.refused.is_empty() {
            return;
        }
        let job = letter.envelope.message();
        if redriven.sent + redriven.waiting != 1 {
            let text = || format!("{}/{} was one dead letter, and {redriven} again", job.load, job.number);
            self.desk.findings.add(Kind::Lost, text);
        }
        self.desk.ended(job, letter.reason.outcome());
        self.desk.book(job.load).note(job.number, |entry| entry.lives += 1);
    }
}
