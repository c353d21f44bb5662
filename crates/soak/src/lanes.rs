use std::collections::HashMap;

use parking_lot::Mutex;
use switchboard::address::ActorId;

use crate::job::Step;

/// How far each lane has come: which message was begun last, by each receiver, or by all of them together.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    last: Mutex<HashMap<(u64, Option<ActorId>), Last>>,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    number: u64,
    with: ActorId,
    is_open: bool,
}

impl Lanes {
    /// A receiver begins with a step.
    ///
    /// # Errors
    ///
    /// What is wrong with that, in words.
    pub(crate) fn begin(&self, step: Step, receiver: ActorId, attempt: u32) -> Result<(), String> {
        let now = Last { number: step.number, with: receiver, is_open: true };
        let before = self.last.lock().insert(place(step, receiver), now);
        let Some(before) = before else { return Ok(()) };
        if before.is_open {
            return Err(format!("{} of lane {:x} is still with {}", before.number, step.lane, before.with));
        }
        if before.number < step.number || before.number == step.number && attempt > 1 {
            return Ok(());
        }
        Err(format!("{} of lane {:x} was begun before {}", before.number, step.lane, step.number))
    }

    /// It is done with it.
    pub(crate) fn end(&self, step: Step, receiver: ActorId) {
        if let Some(last) = self.last.lock().get_mut(&place(step, receiver)) {
            last.is_open = false;
        }
    }

    /// Forgets all, when nothing is on its way.
    pub(crate) fn clear(&self) {
        drop(std::mem::take(&mut *self.last.lock()));
    }
}

fn place(step: Step, receiver: ActorId) -> (u64, Option<ActorId>) {
    (step.lane, (!step.across).then_some(receiver))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: u64, across: bool) -> Step {
        Step { lane: 1, number, across }
    }

    #[test]
    fn each_receiver_goes_forward_only_and_may_leave_some_out() {
        let (lanes, [a, b]) = (Lanes::default(), [ActorId::next(), ActorId::next()]);
        for (number, receiver, is_right) in [(1, a, true), (3, a, true), (2, a, false), (1, b, true), (1, b, false)] {
            assert_eq!(lanes.begin(step(number, false), receiver, 1).is_ok(), is_right, "{number}");
            lanes.end(step(number, false), receiver);
        }
        assert!(lanes.begin(step(1, false), b, 2).is_ok(), "another attempt at it");
    }

    #[test]
    fn a_lane_across_receivers_is_with_one_at_a_time() {
        let (lanes, [a, b]) = (Lanes::default(), [ActorId::next(), ActorId::next()]);
        assert!(lanes.begin(step(1, true), a, 1).is_ok());
        assert!(lanes.begin(step(2, true), b, 1).is_err());
        lanes.end(step(2, true), b);
        assert!(lanes.begin(step(3, true), a, 1).is_ok());
        lanes.clear();
        assert!(lanes.begin(step(1, true), b, 1).is_ok());
    }
}
