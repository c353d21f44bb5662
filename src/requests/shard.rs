use std::task::Waker;

use super::Ended;
use crate::actor::Epoch;
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
    Open(Open),
    Ended(Result<M, Ended>),
}

struct Open {
    /// The actor whose mailbox the message is in or about to go into.
    target: Epoch,
    /// Whether the message still waits for room there.
    waits: bool,
    /// Whether the target has begun with it.
    begun: bool,
    /// Whether any handler has, this or one that passed it on.
    ran: bool,
    waker: Waker,
}

const NO_DEADLINE: u64 = u64::MAX;

impl<M> Shard<M> {
    pub(super) const fn new(number: usize) -> Self {
        Self { number, slots: Vec::new(), deadlines: Vec::new(), free: Vec::new() }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// A new entry; `None` if all slots are taken.
    pub(super) fn open(&mut self, target: Epoch, deadline: Option<Deadline>, waker: Waker) -> Option<RequestKey> {
        let slot = match self.free.pop() {
            Some(slot) => slot as usize,
            None => self.grow()?,
        };
        self.deadlines[slot] = deadline.map_or(NO_DEADLINE, Deadline::nanos);
        self.slots[slot].stage = Stage::Open(Open { target, waits: false, begun: false, ran: false, waker });
        Some(self.key(slot))
    }

    fn grow(&mut self) -> Option<usize> {
        let slot = self.slots.len();
        if slot >= RequestKey::MAX_SLOTS {
            return None;
        }
        self.slots.push(Slot { generation: 1, stage: Stage::Free });
        self.deadlines.push(NO_DEADLINE);
        Some(slot)
    }

    /// Says that the handler begins. False if nobody waits any more.
    pub(super) fn begin(&mut self, key: RequestKey) -> bool {
        match self.find(key) {
            Some(Stage::Open(open)) => {
                (open.begun, open.ran) = (true, true);
                true
            }
            _ => false,
        }
    }

    /// Whether somebody waits.
    pub(super) fn is_waited_for(&mut self, key: RequestKey) -> bool {
        matches!(self.find(key), Some(Stage::Open(_)))
    }

    /// Says that another actor will answer. False if nobody waits any more.
    pub(super) fn hand_over(&mut self, key: RequestKey, to: Epoch) -> bool {
        match self.find(key) {
            Some(Stage::Open(open)) => {
                (open.target, open.begun, open.waits) = (to, false, false);
                true
            }
            _ => false,
        }
    }

    /// Says that the message is in no mailbox, but waits for room in one.
    pub(super) fn waits(&mut self, key: RequestKey) {
        if let Some(Stage::Open(open)) = self.find(key) {
            open.waits = true;
        }
    }

    /// Says that the message has got into the mailbox of `target`, of all that it may have been offered to.
    pub(super) fn got_in(&mut self, key: RequestKey, target: Epoch) {
        if let Some(Stage::Open(open)) = self.find(key) {
            (open.target, open.waits) = (target, false);
        }
    }

    /// Ends the request, if somebody waits; gives the waker back, or what it was to end with.
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
    pub(super) fn take(&mut self, key: RequestKey, waker: &Waker) -> Option<Result<M, Ended>> {
        match self.find(key)? {
            Stage::Open(open) => open.waker.clone_from(waker),
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
            Stage::Free | Stage::Open(_) => None,
        }
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
        let stage = self.find(key)?;
        let unbegun = matches!(stage, Stage::Open(open) if !open.begun);
        unbegun.then(|| stage.finish(Err(Ended::Stopped { begun: false })))?
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
        let Self::Open(open) = std::mem::replace(self, Self::Free) else { return None };
        *self = Self::Ended(if open.ran { result.map_err(Ended::after_begun) } else { result });
        Some(open.waker)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    type Ends = Result<u64, Ended>;

    fn open(shard: &mut Shard<u64>, target: Epoch, deadline: Option<u64>) -> RequestKey {
        shard.open(target, deadline.map(Deadline::from_nanos), Waker::noop().clone()).unwrap()
    }

    fn take(shard: &mut Shard<u64>, key: RequestKey) -> Option<Ends> {
        shard.take(key, Waker::noop())
    }

    /// How the request ends if its deadline passes now.
    fn expired(shard: &mut Shard<u64>, key: RequestKey) -> Option<Ends> {
        shard.expire(u64::MAX - 1, &mut Vec::new());
        take(shard, key)
    }

    fn timed_out(begun: bool) -> Option<Ends> {
        Some(Err(Ended::TimedOut { begun }))
    }

    #[test]
    fn a_key_kept_too_long_finds_nothing_and_harms_nobody() {
        let (mut shard, target) = (Shard::new(3), Epoch::next());
        let stale = open(&mut shard, target, None);
        assert_eq!(shard.close(stale), None);
        let key = open(&mut shard, target, None);
        assert_eq!(key.slot(), stale.slot());
        assert!(!shard.begin(stale));
        assert!(!shard.hand_over(stale, Epoch::next()));
        assert_eq!(shard.end(stale, Ok(1)).err(), Some(Ok(1)));
        assert_eq!(take(&mut shard, stale), None);
        assert_eq!(shard.close(stale), None);
        assert_eq!(shard.in_flight(), 1);
        assert!(shard.end(key, Ok(2)).is_ok());
        assert_eq!(take(&mut shard, key), Some(Ok(2)));
    }

    #[test]
    fn a_key_that_names_no_slot_finds_nothing() {
        let mut shard = Shard::<u64>::new(0);
        let key = RequestKey::new(0, 7, 1);
        assert!(!shard.begin(key));
        assert_eq!((shard.close(key), take(&mut shard, key)), (None, None));
    }

    #[test]
    fn generations_come_round_without_a_key_that_is_no_key() {
        let mut shard = Shard::new(0);
        let first = open(&mut shard, Epoch::next(), None);
        shard.close(first);
        shard.slots[0].generation = u32::MAX;
        let last = open(&mut shard, Epoch::next(), None);
        shard.close(last);
        let after = open(&mut shard, Epoch::next(), None);
        assert_eq!((last.generation(), after.generation()), (u32::MAX, 1));
        assert!(!shard.begin(last) && shard.begin(after));
    }

    #[test]
    fn one_slot_serves_any_number_of_requests_in_turn() {
        let mut shard = Shard::new(0);
        let mut keys = std::collections::HashSet::new();
        for turn in 0..10_000 {
            let key = open(&mut shard, Epoch::next(), Some(turn));
            assert!(keys.insert(key) && shard.in_flight() == 1);
            assert!(shard.end(key, Ok(turn)).is_ok());
            assert_eq!(take(&mut shard, key), Some(Ok(turn)));
            assert_eq!(shard.in_flight(), 0);
        }
        assert_eq!((shard.slots.len(), shard.deadlines.len(), shard.free.len()), (1, 1, 1));
    }

    #[test]
    fn a_result_that_waits_to_be_taken_is_in_flight() {
        let mut shard = Shard::new(0);
        let keys = [(); 3].map(|()| open(&mut shard, Epoch::next(), None));
        assert!(shard.end(keys[0], Ok(5)).is_ok());
        assert_eq!(shard.in_flight(), 3);
        assert_eq!(shard.close(keys[0]), Some(Ok(5)));
        assert_eq!(shard.close(keys[1]), None);
        assert_eq!(shard.in_flight(), 1);
    }

    #[test]
    fn what_has_ended_neither_begins_nor_moves_nor_ends_again() {
        let mut shard = Shard::new(0);
        let key = open(&mut shard, Epoch::next(), Some(1));
        assert!(shard.end(key, Ok(1)).is_ok());
        assert!(!shard.begin(key));
        assert!(!shard.hand_over(key, Epoch::next()));
        assert_eq!(shard.end(key, Ok(2)).err(), Some(Ok(2)));
        assert_eq!(shard.expire(u64::MAX - 1, &mut Vec::new()), NO_DEADLINE);
        assert_eq!(take(&mut shard, key), Some(Ok(1)));
    }

    #[test]
    fn an_end_says_whether_any_handler_has_begun() {
        let (mut shard, target) = (Shard::new(0), Epoch::next());
        let key = open(&mut shard, target, Some(1));
        assert_eq!(expired(&mut shard, key), timed_out(false));

        let key = open(&mut shard, target, Some(1));
        assert!(shard.begin(key));
        assert_eq!(expired(&mut shard, key), timed_out(true));

        let key = open(&mut shard, target, Some(1));
        assert!(shard.hand_over(key, Epoch::next()));
        assert_eq!(expired(&mut shard, key), timed_out(false));

        let key = open(&mut shard, target, Some(1));
        assert!(shard.begin(key) && shard.hand_over(key, Epoch::next()));
        assert_eq!(expired(&mut shard, key), timed_out(true));
    }

    #[test]
    fn an_actor_that_stops_ends_what_it_has_and_has_not_begun() {
        let (mut shard, stops, other) = (Shard::new(0), Epoch::next(), Epoch::next());
        let [waits, begun, foreign, ended, passed_on, taken_over] =
            [stops, stops, other, stops, stops, other].map(|target| open(&mut shard, target, None));
        assert!(shard.begin(begun));
        assert!(shard.end(ended, Ok(1)).is_ok());
        assert!(shard.hand_over(passed_on, other));
        assert!(shard.begin(taken_over) && shard.hand_over(taken_over, stops));
        let mut wakers = Vec::new();
        shard.end_unbegun(stops, &mut wakers);
        assert_eq!(wakers.len(), 2);
        let stopped = |begun| Some(Err(Ended::Stopped { begun }));
        let ends = [waits, begun, foreign, ended, passed_on, taken_over].map(|key| take(&mut shard, key));
        assert_eq!(ends, [stopped(false), None, None, Some(Ok(1)), None, stopped(true)]);
    }

    #[test]
    fn only_what_is_due_expires_and_the_next_deadline_is_that_of_the_rest() {
        let (mut shard, target) = (Shard::new(0), Epoch::next());
        let keys = [Some(30), Some(10), None, Some(20)].map(|deadline| open(&mut shard, target, deadline));
        let mut due = |now| {
            let mut wakers = Vec::new();
            let next = shard.expire(now, &mut wakers);
            (wakers.len(), next)
        };
        assert_eq!(due(9), (0, 10));
        assert_eq!(due(10), (1, 20));
        assert_eq!(due(10), (0, 20));
        assert_eq!(due(35), (2, NO_DEADLINE));
        let ends = keys.map(|key| take(&mut shard, key));
        assert_eq!(ends, [timed_out(false), timed_out(false), None, timed_out(false)]);
    }

    #[test]
    fn what_was_answered_or_given_up_has_no_deadline_any_more() {
        let (mut shard, target) = (Shard::new(0), Epoch::next());
        let [answered, given_up] = [10, 20].map(|deadline| open(&mut shard, target, Some(deadline)));
        assert!(shard.end(answered, Ok(1)).is_ok());
        shard.close(given_up);
        assert_eq!(shard.expire(5, &mut Vec::new()), NO_DEADLINE);
        open(&mut shard, target, None);
        assert_eq!(shard.expire(50, &mut Vec::new()), NO_DEADLINE);
        assert_eq!(shard.in_flight(), 2);
    }

    #[test]
    fn the_latest_waker_is_the_one_that_is_woken() {
        struct Never;

        impl std::task::Wake for Never {
            fn wake(self: Arc<Self>) {}
        }

        let mut shard = Shard::new(0);
        let key = open(&mut shard, Epoch::next(), None);
        let (older, latest) = (Waker::from(Arc::new(Never)), Waker::from(Arc::new(Never)));
        assert_eq!(shard.take(key, &older), None);
        assert_eq!(shard.take(key, &latest), None);
        let woken = shard.end(key, Ok(1)).unwrap().unwrap();
        assert!(woken.will_wake(&latest) && !woken.will_wake(&older));
    }
}
