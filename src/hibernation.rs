//! Hibernation: an actor that has been idle for a while gives up its task.
//!
//! A task has room for whatever its actor may come to wait for in the middle of a message, which is most of what an
//! idle actor costs. A hibernating one keeps its handler and its mailbox, and the next message, or whatever else
//! would wake it, starts another task. The name is Erlang's (`erlang:hibernate/3`).
//!
//! Nothing is noted when an actor falls idle, which may be after each message. Instead [`Rounds`] looks at the actors
//! that have tasks every so often: one that has handled nothing since the last look, and has nothing to do, is woken to
//! find that it may rest.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::actor::ActorCell;
use crate::message::Deadline;
use crate::sync::Mutex;
use crate::timer::Timer;

/// The looks at the actors of one broker.
pub(crate) struct Rounds<M> {
    every: Duration,
    timer: Arc<Timer>,
    awake: Mutex<Awake<M>>,
}

/// The actors that have tasks, and some that no longer do.
struct Awake<M> {
    actors: Vec<Weak<ActorCell<M>>>,
    next_look: Option<Deadline>,
}

/// As finely as the timer wakes.
const SHORTEST: Duration = Duration::from_millis(1);

impl<M> Rounds<M> {
    pub(crate) fn new(every: Duration, timer: Arc<Timer>) -> Self {
        let awake = Mutex::new(Awake { actors: Vec::new(), next_look: None });
        Self { every: every.max(SHORTEST), timer, awake }
    }

    /// Looks at the actor from now on, until it hibernates.
    pub(crate) fn include(&self, cell: &Arc<ActorCell<M>>) {
        if !cell.rest.list() {
            return;
        }
        let mut awake = self.awake.lock();
        // Those who have gone, before the list grows: the next look may be long off, and they still take memory.
        if awake.actors.len() == awake.actors.capacity() {
            awake.actors.retain(|actor| actor.strong_count() > 0);
        }
        awake.actors.push(Arc::downgrade(cell));
        let next = *awake.next_look.get_or_insert_with(|| Deadline::after(self.every));
        drop(awake);
        self.timer.wake_by(next);
    }

    /// Looks, if it is time, and says when it is time again.
    pub(crate) fn look(&self) -> Option<Deadline> {
        let mut awake = self.awake.lock();
        match awake.next_look {
            Some(next) if next.has_passed() => {}
            later => return later,
        }
        // Without the lock, since looking takes other locks and wakes tasks.
        let mut actors = std::mem::take(&mut awake.actors);
        drop(awake);
        actors.retain(|actor| actor.upgrade().is_some_and(|cell| cell.look_after()));
        let mut awake = self.awake.lock();
        awake.actors.append(&mut actors);
        awake.next_look = (!awake.actors.is_empty()).then(|| Deadline::after(self.every));
        awake.next_look
    }
}
