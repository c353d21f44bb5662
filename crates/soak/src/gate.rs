use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// Lets loads run, and holds them while all is to be at rest.
#[derive(Debug)]
pub(crate) struct Gate {
    phase: watch::Sender<Phase>,
    tasks: watch::Sender<Tasks>,
}

#[derive(Clone, Copy, Debug)]
struct Phase {
    state: State,
    /// How often it has been opened.
    openings: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closed,
    Over,
}

#[derive(Debug, Default)]
struct Tasks {
    all: BTreeSet<String>,
    working: BTreeSet<String>,
}

impl Gate {
    /// Open.
    pub(crate) fn new() -> Self {
        let phase = Phase { state: State::Open, openings: 0 };
        Self { phase: watch::Sender::new(phase), tasks: watch::Sender::new(Tasks::default()) }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phase.borrow().state == State::Open
    }

    /// Enters a task, which is at work.
    pub(crate) fn enter(&self, task: &str) {
        self.tasks.send_modify(|tasks| {
            tasks.all.insert(task.to_owned());
            tasks.working.insert(task.to_owned());
        });
    }

    /// Rests until the gate is opened again; `false` if the soak is over.
    pub(crate) async fn rest(&self, task: &str) -> bool {
        let mut phase = self.phase.subscribe();
        let openings = phase.borrow().openings;
        self.tasks.send_modify(|tasks| {
            tasks.working.remove(task);
        });
        // Also if it has been closed again meanwhile: whoever closed it waits for this task.
        let next = phase.wait_for(|phase| phase.state == State::Over || phase.openings != openings).await;
        next.is_ok_and(|phase| phase.state != State::Over)
    }

    /// Closes it, and waits until all tasks rest.
    ///
    /// # Errors
    ///
    /// With the tasks that are still at work when the time is up.
    pub(crate) async fn close(&self, time: Duration) -> Result<(), String> {
        self.phase.send_modify(|phase| phase.state = State::Closed);
        let mut tasks = self.tasks.subscribe();
        let resting = timeout(time, tasks.wait_for(|tasks| tasks.working.is_empty())).await.is_ok();
        if resting {
            return Ok(());
        }
        Err(self.tasks.borrow().working.iter().cloned().collect::<Vec<_>>().join(", "))
    }

    pub(crate) fn open(&self) {
        self.tasks.send_modify(|tasks| tasks.working = tasks.all.clone());
        self.phase.send_modify(|phase| *phase = Phase { state: State::Open, openings: phase.openings + 1 });
    }

    /// Lets all who rest go home.
    pub(crate) fn end(&self) {
        self.phase.send_modify(|phase| phase.state = State::Over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn whoever_closes_it_learns_who_does_not_rest() {
        let gate = Gate::new();
        gate.enter("a");
        gate.enter("b");
        let close_and_rest = async |task: &'static str| {
            tokio::select! { biased; _ = gate.rest(task) => unreachable!("it is not opened"), closed = gate.close(SECOND) => closed }
        };
        assert_eq!(close_and_rest("a").await, Err("b".into()));
        assert_eq!(close_and_rest("b").await, Ok(()));
        assert!(!gate.is_open());
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_task_that_rests_goes_on_when_it_is_opened_even_if_it_is_closed_at_once_and_goes_home_in_the_end() {
        let gate = Gate::new();
        gate.enter("a");
        let (goes_on, ()) = tokio::join!(gate.rest("a"), async {
            gate.close(SECOND).await.unwrap();
            gate.open();
            assert_eq!(gate.close(SECOND).await, Err("a".into()));
        });
        assert!(goes_on);
        let (goes_on, ()) = tokio::join!(gate.rest("a"), async { gate.end() });
        assert!(!goes_on);
    }
}
