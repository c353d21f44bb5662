//! How a program comes to its end: everything is let go, and then everything must have ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::draw::millis;
use crate::ledger::Ledger;
use crate::program::{By, Ending, Program};
use crate::verify;
use crate::world::{World, yield_now};

/// Longer than anything here takes, on a clock that is paused.
const LONG: Duration = Duration::from_secs(1_000_000);

impl World {
    pub(crate) async fn end(&mut self, program: &Program) {
        self.desk.ledger().say(|| format!("=== {:?}", program.ending));
        self.reached.count("shut down in the middle", u64::from(self.desk.ledger().shut.is_some()));
        self.desk.gate.add_permits(1_000_000);
        match program.ending {
            Ending::ShutDown(time) => self.end_by_shutdown(time, program.seed.is_multiple_of(2)).await,
            Ending::Rest => self.come_to_rest().await,
            Ending::Drain => {
                while !self.handles.is_empty() {
                    self.drain(0);
                }
                (0..self.inboxes.len()).for_each(|which| self.close_inbox(which));
                self.come_to_rest().await;
            }
        }
        self.let_go().await;
        self.verify();
    }

    /// Shuts down, and meanwhile is done with what is received by hand, or is not.
    async fn end_by_shutdown(&mut self, time: u64, works: bool) {
        self.shut_down(time);
        for _ in 0..4 {
            if works {
                self.receive_all().await;
            }
            tokio::time::sleep(millis(1 + time / 4)).await;
            self.look();
        }
        self.join().await;
    }

    /// Waits until everything has been handled, or has ended in another way.
    async fn come_to_rest(&mut self) {
        self.recurring.iter().for_each(|(_, recurring)| recurring.cancel());
        for round in 0..60_u32 {
            self.receive_all().await;
            tokio::time::sleep(millis(10 << round.min(14))).await;
            self.look();
            let all_gone = self.clients.iter().all(JoinHandle::is_finished);
            if all_gone && self.desk.broker.audit().is_at_rest() {
                break;
            }
        }
        self.join().await;
        let audit = self.desk.broker.audit();
        if !audit.is_at_rest() {
            self.desk.ledger().problem(format!("it does not come to rest: {audit}"));
        }
    }

    async fn receive_all(&mut self) {
        for which in 0..self.inboxes.len() {
            let mut before = usize::MAX;
            while before != self.held.len() {
                before = self.held.len();
                self.receive(which, 1).await;
            }
        }
        while let Some(held) = self.held.pop() {
            self.finish(held, By::Drop).await;
        }
    }

    /// Waits for all senders, callers and others.
    async fn join(&mut self) {
        for client in self.clients.drain(..) {
            let problem = match tokio::time::timeout(LONG, client).await {
                Ok(Err(error)) if error.is_panic() => "a client panicked",
                Err(_) => "a client waits for ever",
                Ok(_) => continue,
            };
            self.desk.ledger().problem(problem.into());
        }
    }

    /// Lets everything go that is left.
    async fn let_go(&mut self) {
        self.join().await;
        while let Some(held) = self.held.pop() {
            self.finish(held, By::Drop).await;
        }
        self.look();
        while let Some(inbox) = self.inboxes.pop() {
            self.drop_inbox(inbox);
        }
        self.look();
        self.shut_down(0);
        self.join().await;
        // Those who use a token may still sleep.
        tokio::time::sleep(LONG).await;
        yield_now(4).await;
        self.look();
    }

    /// What must hold when all has ended.
    fn verify(&mut self) {
        let desk = Arc::clone(&self.desk);
        let (audit, metrics) = (desk.broker.audit(), desk.broker.metrics());
        let mut ledger = desk.ledger();
        let ledger: &mut Ledger = &mut ledger;
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        if !audit.is_at_rest()
            || metrics.requests_in_flight + metrics.blocked_senders + metrics.dead_letters + tasks > 0
        {
            ledger.problem(format!("there is something left: {tasks} tasks, {audit}, {metrics:?}"));
        }
        if !metrics.actors.is_empty() || !desk.broker.registry().is_empty() {
            ledger.problem(format!("there are still actors: {:?}", metrics.actors));
        }
        if metrics.dead_letters_dropped > 0 {
            ledger.problem("dead letters were let go".into());
        }
        if ledger.is_endless {
            return;
        }
        for (number, recurring) in &self.recurring {
            verify::recurring(ledger, *number, recurring.sent());
        }
        verify::entries(ledger);
        verify::order(ledger);
        verify::counts(ledger, &audit, &metrics);
        verify::note_reached(ledger, &metrics, &mut self.reached);
    }
}
