use std::task::Waker;

use super::Ended;
use crate::address::ActorId;
use crate::message::{Deadline, RequestKey};

/// One part of the table: slots that are used again, each with a generation that tells its requests apart.
pub(super) struct Shard<M> {
    number: usize,
    slots: Vec<Slot<M>>,
    /// Deadlines by slot, apart from the slots, so that looking for the next one reads little memory. `u64::MAX` is
    /// none.
    deadlines: Vec<u64>,
    free: Vec<u32>,
}

struct Slot<M> {
    generation: u32,
    stage: Stage<M>,
}

enum Stage<M> {
    Free,
    Open {
        target: ActorId,
        begun: bool,
        waker: Option<Waker>,
    },
    Ended(Result<M, Ended>),
}

const NO_DEADLINE: u64 = u64::MAX;

impl<M> Shard<M> {
    pub(super) const fn new(number: usize) -> Self {
        Self {
            number,
            slots: Vec::new(),
            deadlines: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// A new entry; `None` if all slots are taken.
    pub(super) fn open(
        &mut self,
        target: ActorId,
        deadline: Option<Deadline>,
    ) -> Option<RequestKey> {
        let slot = match self.free.pop() {
            Some(slot) => slot as usize,
            None => self.grow()?,
        };
        self.deadlines[slot] = deadline.map_or(NO_DEADLINE, Deadline::nanos);
        self.slots[slot].stage = Stage::Open {
            target,
            begun: false,
            waker: None,
        };
        Some(self.key(slot))
    }

    fn grow(&mut self) -> Option<usize> {
        let slot = self.slots.len();
        if slot >= RequestKey::MAX_SLOTS {
            return None;
        }
        self.slots.push(Slot {
            generation: 1,
            stage: Stage::Free,
        });
        self.deadlines.push(NO_DEADLINE);
        Some(slot)
    }

    /// Says that the handler begins. False if nobody waits any more.
    pub(super) fn begin(&mut self, key: RequestKey) -> bool {
        match self.find(key) {
            Some(Stage::Open { begun, .. }) => {
                *begun = true;
                true
            }
            _ => false,
        }
    }

    /// Says that another actor will answer. False if nobody waits any more.
    pub(super) fn hand_over(&mut self, key: RequestKey, to: ActorId) -> bool {
        match self.find(key) {
            Some(Stage::Open { target, begun, .. }) => {
                (*target, *begun) = (to, false);
                true
            }
            _ => false,
        }
    }

    /// Ends the request, if somebody waits; gives the waker back, or what it was to end with.
    pub(super) fn end(
        &mut self,
        key: RequestKey,
        result: Result<M, Ended>,
    ) -> Result<Option<Waker>, Result<M, Ended>> {
        let slot = key.slot();
        match self.find(key) {
            Some(stage @ Stage::Open { .. }) => {
                let waker = stage.finish(result);
                self.deadlines[slot] = NO_DEADLINE;
                Ok(waker)
            }
            _ => Err(result),
        }
    }

    /// Takes the result and frees the slot; where there is none yet, keeps the waker.
    pub(super) fn take(&mut self, key: RequestKey, waker: &Waker) -> Option<Result<M, Ended>> {
        match self.find(key)? {
            Stage::Open {
                waker: Some(known), ..
            } => known.clone_from(waker),
            Stage::Open { waker: none, .. } => *none = Some(waker.clone()),
            Stage::Free | Stage::Ended(_) => return self.close(key),
        }
        None
    }

    /// Frees the slot. Gives back a result that nobody took, to be dropped outside the lock.
    pub(super) fn close(&mut self, key: RequestKey) -> Option<Result<M, Ended>> {
        let stage = std::mem::replace(self.find(key)?, Stage::Free);
        let slot = key.slot();
        self.deadlines[slot] = NO_DEADLINE;
        // By two, so that it stays odd, as keys have it.
        self.slots[slot].generation = self.slots[slot].generation.wrapping_add(2);
        self.free.push(slot as u32);
        match stage {
            Stage::Ended(result) => Some(result),
            Stage::Free | Stage::Open { .. } => None,
        }
    }

    /// Ends every request whose deadline is `now` or earlier, and says when the next one is.
    pub(super) fn expire(&mut self, now: u64, wakers: &mut Vec<Waker>) -> u64 {
        let mut next = NO_DEADLINE;
        for (slot, deadline) in self.slots.iter_mut().zip(&mut self.deadlines) {
            if *deadline > now {
                next = next.min(*deadline);
            } else if let Stage::Open { begun, .. } = slot.stage {
                wakers.extend(slot.stage.finish(Err(Ended::TimedOut { begun })));
                *deadline = NO_DEADLINE;
            }
        }
        next
    }

    /// Ends every request that waits for `actor` and that it has not begun.
    pub(super) fn end_unbegun(&mut self, actor: ActorId, wakers: &mut Vec<Waker>) {
        for (slot, deadline) in self.slots.iter_mut().zip(&mut self.deadlines) {
            if matches!(slot.stage, Stage::Open { target, begun: false, .. } if target == actor) {
                wakers.extend(slot.stage.finish(Err(Ended::Stopped { begun: false })));
                *deadline = NO_DEADLINE;
            }
        }
    }

    fn key(&self, slot: usize) -> RequestKey {
        RequestKey::new(self.number, slot as u32, self.slots[slot].generation)
    }

    fn find(&mut self, key: RequestKey) -> Option<&mut Stage<M>> {
        let slot = self.slots.get_mut(key.slot())?;
        (slot.generation == key.generation()).then_some(&mut slot.stage)
    }
}

impl<M> Stage<M> {
    fn finish(&mut self, result: Result<M, Ended>) -> Option<Waker> {
        match std::mem::replace(self, Self::Ended(result)) {
            Self::Open { waker, .. } => waker,
            Self::Free | Self::Ended(_) => None,
        }
    }
}
