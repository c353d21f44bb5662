use std::task::Waker;

use super::Ended;
use super::edges::{Edge, Edges};
use crate::actor::{ActorKey, Epoch};
use crate::message::{Deadline, RequestKey};

/// One part of the table: slots that are used again, each with a generation that tells its requests apart.
pub(super) struct Shard<M> {
    number: usize,
    slots: Vec<Slot<M>>,
    /// Deadlines by slot, apart from the slots, so that looking for the next one reads little memory. `u64::MAX` is
    /// none.
    deadlines: Vec<u64>,
    edges: Edges,
    free: Vec<u32>,
    /// Slots that are not used because their places are in other parts now.
    lent: Vec<u32>,
}

struct Slot<M> {
    generation: u32,
    stage: Stage<M>,
}

pub(super) enum Stage<M> {
    Free,
    Open(Open),
    Ended(Result<M, Ended>),
}

pub(super) struct Open {
    /// The actor whose mailbox the message is in or about to go into.
    target: Epoch,
    /// Whether the message still waits for room there.
    waits: bool,
    /// Whether the target has begun with it.
    begun: bool,
    /// Whether any handler has, this or one that passed it on.
    ran: bool,
    /// How often one has, so that a wait which is over is told from a later one at the same actor.
    begins: u32,
    waker: Waker,
}

const NO_DEADLINE: u64 = u64::MAX;

impl<M> Shard<M> {
    pub(super) const fn new(number: usize) -> Self {
        Self {
            number,
            slots: Vec::new(),
            deadlines: Vec::new(),
            edges: Edges::new(),
            free: Vec::new(),
            lent: Vec::new(),
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.slots.len() - self.free.len() - self.lent.len()
    }

    /// Whether there is a slot for a new entry.
    pub(super) fn has_free_slot(&self) -> bool {
        !self.free.is_empty()
    }

    /// A new entry; `None` if all slots are taken.
    pub(super) fn open(&mut self, target: Epoch, deadline: Option<Deadline>, waker: Waker) -> Option<RequestKey> {
        let slot = self.free.pop()? as usize;
        self.deadlines[slot] = deadline.map_or(NO_DEADLINE, Deadline::nanos);
        let open = Open { target, waits: false, begun: false, ran: false, begins: 0, waker };
        self.slots[slot].stage.replace_trivial(Stage::Open(open));
        Some(self.key(slot))
    }

    /// Takes in one more place of the whole table. False if there can be no slot for it.
    pub(super) fn add_place(&mut self) -> bool {
        let slot = match self.lent.pop() {
            Some(slot) => slot,
            None if self.slots.len() < RequestKey::MAX_SLOTS => self.grow(),
            None => return false,
        };
        self.free.push(slot);
        true
    }

    fn grow(&mut self) -> u32 {
        self.slots.push(Slot { generation: 1, stage: Stage::Free });
        self.deadlines.push(NO_DEADLINE);
        (self.slots.len() - 1) as u32
    }

    /// Gives up half of the places that are free, `most` at most.
    pub(super) fn lend_places(&mut self, most: usize) -> usize {
        let lent = self.free.len().div_ceil(2).min(most);
        let kept = self.free.len() - lent;
        self.lent.extend(self.free.drain(kept..));
        lent
    }

    /// Says that the handler begins. False if nobody waits any more.
    pub(super) fn begin(&mut self, key: RequestKey) -> bool {
        match self.find(key) {
            Some(Stage::Open(open)) => {
                (open.begun, open.ran, open.waits) = (true, true, false);
                open.begins = open.begins.wrapping_add(1);
                true
            }
            _ => false,
        }
    }

    /// Says that the message is in no mailbox and waits at none.
    pub(super) fn pauses(&mut self, key: RequestKey) {
        if let Some(Stage::Open(open)) = self.find(key) {
            open.waits = true;
        }
    }

    /// Whether somebody waits.
    pub(super) fn is_waited_for(&mut self, key: RequestKey) -> bool {
        matches!(self.find(key), Some(Stage::Open(_)))
    }

    /// Says that another actor will answer. If a handler waits, gives the edge that this has moved.
    pub(super) fn hand_over(&mut self, key: RequestKey, to: ActorKey) -> Option<Edge> {
        let Some(Stage::Open(open)) = self.find(key) else { return None };
        (open.target, open.begun, open.waits) = (to.epoch, false, false);
        let edge = self.edges.of(key)?;
        Some(std::mem::replace(edge, Edge { target: to, ..*edge }))
    }

    /// Says that it is back with `from`, which had begun with it and could not hand it over.
    pub(super) fn give_back(&mut self, key: RequestKey, from: ActorKey) {
        self.hand_over(key, from);
        self.begin(key);
    }

    /// Says that the message is in no mailbox, but waits for room in that of `target`. Gives what `hand_over` does, and what
    /// `got_in` is to be told.
    pub(super) fn waits(&mut self, key: RequestKey, target: ActorKey) -> (Option<Edge>, u32) {
        let moved = self.hand_over(key, target);
        self.pauses(key);
        let begins = if let Some(Stage::Open(open)) = self.find(key) { open.begins } else { 0 };
        (moved, begins)
    }

    /// Says that it is a handler that waits.
    pub(super) fn enter(&mut self, key: RequestKey, edge: Edge) {
        self.edges.enter(key, edge);
    }

    /// Says that the reply may come from anywhere.
    pub(super) fn detach(&mut self, key: RequestKey) {
        self.edges.remove(key);
    }

    /// The actor that a handler waits for, if it still does.
    pub(super) fn waited_for(&mut self, key: RequestKey) -> Option<ActorKey> {
        match self.find(key)? {
            Stage::Open(_) => self.edges.of(key).map(|edge| edge.target),
            Stage::Free | Stage::Ended(_) => None,
        }
    }

    /// Says that the message has got into the mailbox where it waited for room. False if that is old news: it has been begun
    /// there since, and perhaps passed on, be it to the same actor.
    pub(super) fn got_in(&mut self, key: RequestKey, begins: u32) -> bool {
        match self.find(key) {
            Some(Stage::Open(open)) if open.waits && !open.begun && open.begins == begins => {
                open.waits = false;
                true
            }
            _ => false,
        }
    }

    /// Ends the request, if somebody waits; gives the waker back, or what it was to end with.
    #[inline(always)]
    pub(super) fn end(&mut self, key: RequestKey, result: Result<M, Ended>) -> Result<Option<Waker>, Result<M, Ended>> {
        let slot = key.slot();
        match self.find(key) {
            Some(stage @ Stage::Open(_)) => {
                let waker = stage.finish(result);
                self.deadlines[slot] = NO_DEADLINE;
                Ok(waker)
            }
            _ => Err(result),
        }
    }

    /// Takes the result and frees the slot; where there is none yet, keeps the waker.
    #[inline(always)]
    pub(super) fn take(&mut self, key: RequestKey, waker: &Waker) -> Option<Result<M, Ended>> {
        let stage = self.find(key)?;
        match stage {
            Stage::Free => None,
            Stage::Open(open) => {
                open.waker.clone_from(waker);
                None
            }
            Stage::Ended(result) => {
                // The result by itself, so that it is moved once and in one piece.
                let result = std::mem::replace(result, Err(Ended::NoReply));
                stage.replace_trivial(Stage::Free);
                self.release(key.slot());
                Some(result)
            }
        }
    }

    /// Frees the slot. Gives back what was in it, to be dropped outside the lock.
    pub(super) fn close(&mut self, key: RequestKey) -> Stage<M> {
        let Some(stage) = self.find(key) else { return Stage::Free };
        let left = std::mem::replace(stage, Stage::Free);
        self.release(key.slot());
        left
    }

    #[inline(always)]
    fn release(&mut self, slot: usize) {
        self.deadlines[slot] = NO_DEADLINE;
        // By two, so that it stays odd, as keys have it.
        self.slots[slot].generation = self.slots[slot].generation.wrapping_add(2);
        self.free.push(slot as u32);
    }

    /// Ends every request whose deadline is `now` or earlier, and says when the next one is.
    pub(super) fn expire(&mut self, now: u64, wakers: &mut Vec<Waker>) -> u64 {
        let mut next = NO_DEADLINE;
        for (slot, deadline) in self.slots.iter_mut().zip(&mut self.deadlines) {
            if *deadline > now {
                next = next.min(*deadline);
            } else if matches!(slot.stage, Stage::Open(_)) {
                wakers.extend(slot.stage.finish(Err(Ended::TimedOut { begun: false })));
                *deadline = NO_DEADLINE;
            }
        }
        next
    }

    /// Ends every request whose message `actor` has in its mailbox and has not begun with.
    pub(super) fn end_unbegun(&mut self, actor: Epoch, wakers: &mut Vec<Waker>) {
        for (slot, deadline) in self.slots.iter_mut().zip(&mut self.deadlines) {
            if matches!(&slot.stage, Stage::Open(open) if open.target == actor && !open.begun && !open.waits) {
                wakers.extend(slot.stage.finish(Err(Ended::Stopped { begun: false })));
                *deadline = NO_DEADLINE;
            }
        }
    }

    /// Ends every request, because there is nobody left to answer.
    pub(super) fn end_all(&mut self, wakers: &mut Vec<Waker>) {
        for (slot, deadline) in self.slots.iter_mut().zip(&mut self.deadlines) {
            if let Stage::Open(open) = &slot.stage {
                let begun = open.begun;
                wakers.extend(slot.stage.finish(Err(Ended::Stopped { begun })));
                *deadline = NO_DEADLINE;
            }
        }
    }

    /// The wakers of all callers that wait.
    pub(super) fn wakers(&self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.slots.iter().filter_map(|slot| match &slot.stage {
            Stage::Open(open) => Some(open.waker.clone()),
            Stage::Free | Stage::Ended(_) => None,
        }));
    }

    /// Ends the request if its target has not begun with it.
    pub(super) fn end_if_unbegun(&mut self, key: RequestKey) -> Option<Waker> {
        let unbegun = matches!(self.find(key)?, Stage::Open(open) if !open.begun);
        if unbegun { self.end(key, Err(Ended::Stopped { begun: false })).ok()? } else { None }
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
    /// Puts another in place of one that owns nothing.
    // Forgotten rather than dropped, since to look for what there is to drop, the new one would first be put together
    // elsewhere in memory.
    #[inline(always)]
    fn replace_trivial(&mut self, new: Self) {
        std::mem::forget(std::mem::replace(self, new));
    }

    #[inline(always)]
    fn finish(&mut self, result: Result<M, Ended>) -> Option<Waker> {
        let Self::Open(Open { ran, .. }) = *self else { return None };
        let result = if ran { result.map_err(Ended::after_begun) } else { result };
        match std::mem::replace(self, Self::Ended(result)) {
            Self::Open(open) => Some(open.waker),
            Self::Free | Self::Ended(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
