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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::actor::{ActorHandle, SpawnOptions, StopCause, once, spawn};
    use crate::address::{ActorAddress, ActorId};
    use crate::broker::InMemoryMessageBroker;
    use crate::broker::offer::Target;
    use crate::broker::settings::Settings;
    use crate::message::MessageEnvelope;

    #[derive(Debug)]
    struct Note;

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    /// Looks at one actor over and over, so that it falls asleep as often as it can.
    struct Looks {
        on: Arc<AtomicBool>,
        asleep: Arc<AtomicU64>,
        thread: std::thread::JoinHandle<()>,
    }

    impl Looks {
        fn at(cell: Arc<ActorCell<Note>>) -> Self {
            let (on, asleep) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
            let (go_on, count) = (Arc::clone(&on), Arc::clone(&asleep));
            let thread = std::thread::spawn(move || {
                while go_on.load(Ordering::Relaxed) {
                    cell.look_after();
                    count.fetch_add(u64::from(cell.rest.is_dormant()), Ordering::Relaxed);
                }
            });
            Self { on, asleep, thread }
        }

        /// How often it was found asleep.
        fn end(self) -> u64 {
            self.on.store(false, Ordering::Relaxed);
            self.thread.join().unwrap();
            self.asleep.load(Ordering::Relaxed)
        }
    }

    fn hub() -> Arc<Hub<Note>> {
        Arc::new(Hub::new(Settings { hibernate_after: Some(Duration::from_secs(3_600)), ..Settings::default() }))
    }

    fn actor(hub: &Arc<Hub<Note>>) -> (ActorHandle<Note>, Arc<ActorCell<Note>>) {
        let address = ActorAddress::from(ActorId::next());
        let handler = |_: MessageEnvelope<Note>| async { Ok::<_, Infallible>(()) };
        let actor = spawn(hub, InMemoryMessageBroker::new(), &address, SpawnOptions::new(), once(handler)).unwrap();
        let cell = hub.registry.actor(actor.id()).unwrap();
        (actor, cell)
    }

    async fn soon<F: Future>(future: F) -> F::Output {
        tokio::time::timeout(Duration::from_secs(20), future).await.expect("somebody is woken")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whatever_comes_while_an_actor_falls_asleep_is_handled() {
        let hub = hub();
        let (_actor, cell) = actor(&hub);
        let looks = Looks::at(Arc::clone(&cell));
        for number in 1..=20_000 {
            hub.try_send(&Target::Actor(&cell), Note).unwrap();
            soon(async {
                while cell.tally.handled() < number {
                    tokio::task::yield_now().await;
                }
            })
            .await;
        }
        assert!(looks.end() > 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_actor_that_is_stopped_while_it_falls_asleep_ends() {
        let hub = hub();
        for turn in 0..2_000_u32 {
            let (actor, cell) = actor(&hub);
            let looks = Looks::at(Arc::clone(&cell));
            for _ in 0..turn % 16 {
                tokio::task::yield_now().await;
            }
            actor.stop();
            assert_eq!(soon(actor.join()).await, StopCause::Stopped);
            looks.end();
        }
    }
}
