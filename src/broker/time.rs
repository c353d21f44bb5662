use std::sync::{Arc, Weak};

use super::Hub;
use crate::actor::ActorCell;
use crate::hibernation::Rounds;
use crate::message::{Deadline, Message};
use crate::timer::Timer;

impl<M: Message> Hub<M> {
    /// Starts the task that keeps the time, unless it runs.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    #[inline]
    pub(crate) fn keep_time(self: &Arc<Self>) {
        if self.requests.timer.must_start() {
            self.start_time_keeper();
        }
    }

    #[cold]
    fn start_time_keeper(self: &Arc<Self>) {
        let timer = Arc::clone(&self.requests.timer);
        tokio::spawn(TimeKeeper { timer, hub: Arc::downgrade(self) }.run());
    }

    /// Does what is due.
    fn look(self: &Arc<Self>) {
        self.requests.timer.look(|| {
            let next = Deadline::earlier(self.requests.expire(), self.deliver_due());
            Deadline::earlier(next, self.rounds.as_ref().and_then(Rounds::look))
        });
    }

    /// Has the actor, whose task begins, hibernate when it has been idle for a while, if that is how the broker was made.
    #[inline]
    pub(crate) fn note_awake(self: &Arc<Self>, cell: &Arc<ActorCell<M>>) {
        if let Some(rounds) = &self.rounds {
            rounds.include(cell);
            self.keep_time();
        }
    }

    /// Starts the tasks of all who hibernate.
    fn wake_dormant(&self) {
        if self.rounds.is_some() {
            let dormant = self.actors().into_iter().filter(|cell| cell.rest.is_dormant());
            dormant.for_each(|cell| cell.queue.wake_receiver());
        }
    }
}

/// The task that ends requests at their deadlines and delivers what is due, for as long as there is a hub that has not
/// been shut down.
struct TimeKeeper<M: Message> {
    timer: Arc<Timer>,
    hub: Weak<Hub<M>>,
}

impl<M: Message> TimeKeeper<M> {
    async fn run(self) {
        loop {
            self.timer.wait().await;
            match self.hub.upgrade() {
                Some(hub) if !hub.has_closed() => hub.look(),
                _ => return,
            }
            // There may be more that is due: others have their turn in between.
            tokio::task::yield_now().await;
        }
    }
}

impl<M: Message> Drop for TimeKeeper<M> {
    /// If its runtime goes before the hub, requests that wait in other runtimes must start another.
    fn drop(&mut self) {
        self.timer.ended();
        if let Some(hub) = self.hub.upgrade() {
            hub.requests.wake_all();
            // No runtime knows of them. Those of this one end now, as all its tasks do; others fall asleep again.
            hub.wake_dormant();
            hub.note_progress();
        }
    }
}
