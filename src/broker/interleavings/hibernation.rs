use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::support::Job;
use crate::actor::{ActorCell, ActorHandle, SpawnOptions, StopCause, once, spawn};
use crate::address::{ActorAddress, ActorId};
use crate::broker::offer::Target;
use crate::broker::settings::Settings;
use crate::broker::{Hub, InMemoryMessageBroker};
use crate::message::MessageEnvelope;
use crate::sync::{self, block_on, check};

/// A message whose handling never ends.
const ENDLESS: u64 = u64::MAX;

/// An actor that hibernates whenever it is looked at twice in a row with nothing done between.
struct Sleeper {
    hub: Arc<Hub<Job>>,
    actor: ActorHandle<Job>,
    cell: Arc<ActorCell<Job>>,
    begun: mpsc::UnboundedReceiver<u64>,
}

impl Sleeper {
    fn new() -> Self {
        let hibernate_after = Some(Duration::from_secs(3_600));
        let hub = Arc::new(Hub::new(Settings { hibernate_after, ..Settings::default() }));
        // The checker has no clock: the looks are made by the tests.
        assert!(hub.requests.timer.must_start());
        let (begins, begun) = mpsc::unbounded_channel();
        let handler = move |envelope: MessageEnvelope<Job>| {
            let number = envelope.into_message().0;
            let _ = begins.send(number);
            async move {
                if number == ENDLESS {
                    std::future::pending::<()>().await;
                }
                Ok::<_, Infallible>(())
            }
        };
        let address = ActorAddress::from(ActorId::next());
        let actor = spawn(&hub, InMemoryMessageBroker::new(), &address, SpawnOptions::new(), once(handler)).unwrap();
        let cell = hub.registry.actor(actor.id()).unwrap();
        Self { hub, actor, cell, begun }
    }

    /// Looks at it over and over, meanwhile.
    fn is_looked_at(&self) -> sync::JoinHandle<()> {
        let cell = Arc::clone(&self.cell);
        sync::spawn(move || (0..4).for_each(|_| _ = cell.look_after()))
    }

    fn send(&self, number: u64) {
        self.hub.try_send(&Target::Actor(&self.cell), Job(number)).unwrap();
    }

    /// Waits until it has begun with a message.
    fn begins(&mut self) -> u64 {
        block_on(self.begun.recv()).unwrap()
    }

    fn assert_gone(&self) {
        assert!(self.hub.registry.actor(self.cell.id).is_none());
        assert!(self.hub.audit().is_balanced());
    }
}

#[test]
fn whatever_comes_as_an_actor_falls_asleep_or_wakes_is_handled() {
    check(|| {
        let mut sleeper = Sleeper::new();
        let looks = sleeper.is_looked_at();
        for number in 0..3 {
            sleeper.send(number);
            assert_eq!(sleeper.begins(), number);
        }
        looks.join().unwrap();
        sleeper.actor.stop();
        assert_eq!(block_on(sleeper.actor.watch()).cause, StopCause::Stopped);
        sleeper.assert_gone();
    });
}

#[test]
fn an_actor_that_is_stopped_as_it_falls_asleep_ends() {
    check(|| {
        let sleeper = Sleeper::new();
        let looks = sleeper.is_looked_at();
        sleeper.actor.stop();
        assert_eq!(block_on(sleeper.actor.watch()).cause, StopCause::Stopped);
        looks.join().unwrap();
        sleeper.assert_gone();
    });
}

#[test]
fn an_actor_that_drains_as_it_falls_asleep_handles_what_it_has_and_ends() {
    check(|| {
        let sleeper = Sleeper::new();
        let looks = sleeper.is_looked_at();
        sleeper.send(1);
        sleeper.actor.close();
        assert_eq!(block_on(sleeper.actor.watch()).cause, StopCause::Drained);
        assert_eq!(sleeper.cell.tally.handled(), 1);
        looks.join().unwrap();
        sleeper.assert_gone();
    });
}

/// It is closed already and sleeps for as long as something is to come back to it, so nothing but the stop itself wakes it.
#[test]
fn a_drained_actor_that_is_stopped_as_it_falls_asleep_ends() {
    check(|| {
        let sleeper = Sleeper::new();
        sleeper.cell.queue.owe();
        sleeper.actor.close();
        // So it falls asleep as soon as it runs.
        sleeper.cell.look_after();
        sleeper.actor.stop();
        assert_eq!(block_on(sleeper.actor.watch()).cause, StopCause::Stopped);
        sleeper.assert_gone();
    });
}

#[test]
fn a_drained_actor_to_which_nothing_comes_back_ends_however_deep_it_sleeps() {
    check(|| {
        let sleeper = Sleeper::new();
        sleeper.cell.queue.owe();
        sleeper.actor.close();
        let looks = sleeper.is_looked_at();
        sleeper.cell.queue.forgive();
        assert_eq!(block_on(sleeper.actor.watch()).cause, StopCause::Drained);
        looks.join().unwrap();
        sleeper.assert_gone();
    });
}

/// Which it is only if the handle that is kept is that of its latest task.
#[test]
fn an_actor_that_has_slept_is_aborted_in_the_middle_of_a_message() {
    check(|| {
        let mut sleeper = Sleeper::new();
        let looks = sleeper.is_looked_at();
        sleeper.send(1);
        assert_eq!(sleeper.begins(), 1);
        sleeper.send(ENDLESS);
        assert_eq!(sleeper.begins(), ENDLESS);
        sleeper.actor.abort();
        assert_eq!(block_on(sleeper.actor.watch()).cause, StopCause::Aborted);
        looks.join().unwrap();
        sleeper.assert_gone();
    });
}
