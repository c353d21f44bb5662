use std::collections::VecDeque;

use super::queue::shrink;
use crate::message::{MessageEnvelope, MessagePriority};

type Line<M> = VecDeque<MessageEnvelope<M>>;

const NORMAL: usize = MessagePriority::Normal.index();

/// How often a level that holds messages may be passed over before it is served.
const PATIENCE: u8 = 16;

/// The four priority levels of one mailbox, first-in first-out inside each.
///
/// Most mailboxes only ever see normal messages, so the other three levels are not there until they are needed. The
/// front of the normal level may be in the receiver's hands: `pick` is given it as `in_hand`.
pub(super) struct Levels<M> {
    normal: Line<M>,
    others: Option<Box<Others<M>>>,
}

struct Others<M> {
    /// By level; the place of the normal level stays empty.
    lines: [Line<M>; 4],
    passed_over: [u8; 4],
}

impl<M> Levels<M> {
    pub(super) const fn new() -> Self {
        Self { normal: VecDeque::new(), others: None }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, envelope: MessageEnvelope<M>) {
        match envelope.priority() {
            MessagePriority::Normal => self.normal.push_back(envelope),
            level => self.push_other(level, envelope.relocated()),
        }
    }

    #[inline(never)]
    fn push_other(&mut self, level: MessagePriority, envelope: MessageEnvelope<M>) {
        self.others.get_or_insert_with(Others::new).lines[level.index()].push_back(envelope);
    }

    /// How many normal messages there are, for those who know that there are no others.
    #[inline(always)]
    pub(super) fn normal_len(&self) -> usize {
        self.normal.len()
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.normal.len() + self.others.as_ref().map_or(0, |others| others.len())
    }

    /// Whether any message waits on a level other than normal.
    #[inline]
    pub(super) fn is_mixed(&self) -> bool {
        self.others.as_ref().is_some_and(|others| others.len() > 0)
    }

    /// Room for how many messages has been allocated.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        let others = self.others.as_ref().map_or(0, |others| others.lines.iter().map(VecDeque::capacity).sum());
        self.normal.capacity() + others
    }

    pub(super) fn normal(&mut self) -> &mut Line<M> {
        &mut self.normal
    }

    /// Takes the message that is next by level and age.
    pub(super) fn pick(&mut self, in_hand: &mut Line<M>) -> Option<MessageEnvelope<M>> {
        let level = self.next_level(in_hand.len() + self.normal.len())?;
        match &mut self.others {
            Some(others) if level != NORMAL => others.lines[level].pop_front(),
            _ => in_hand.pop_front().or_else(|| self.normal.pop_front()),
        }
    }

    fn next_level(&mut self, normal: usize) -> Option<usize> {
        match &mut self.others {
            Some(others) => others.next_level(normal),
            None => (normal > 0).then_some(NORMAL),
        }
    }

    /// Says that a normal message is served while there are no others.
    pub(super) fn normal_was_served(&mut self) {
        if let Some(others) = &mut self.others {
            others.passed_over = [0; 4];
        }
    }

    /// Gives back some of the memory of empty lines.
    pub(super) fn shrink(&mut self) {
        shrink(&mut self.normal);
        if let Some(others) = &mut self.others {
            others.lines.iter_mut().for_each(shrink);
        }
    }

    /// Gives up the memory of what is empty, to be freed without a lock.
    pub(super) fn take_buffers(&mut self) -> impl Sized + use<M> {
        debug_assert_eq!(self.len(), 0, "only what holds nothing rests");
        std::mem::replace(self, Self::new())
    }

    /// Makes room for a message of `level`: takes out the oldest of the least urgent level, if that is no more urgent
    /// than `level`.
    pub(super) fn evict_for(&mut self, level: MessagePriority) -> Option<MessageEnvelope<M>> {
        MessagePriority::ALL[..=level.index()].iter().find_map(|lower| match lower {
            MessagePriority::Normal => self.normal.pop_front(),
            lower => self.others.as_mut()?.lines[lower.index()].pop_front(),
        })
    }

    /// Takes everything, the most urgent first.
    pub(super) fn drain(&mut self) -> Vec<MessageEnvelope<M>> {
        let mut all = Vec::with_capacity(self.len());
        let mut others = self.others.take();
        for level in (0..MessagePriority::ALL.len()).rev() {
            match &mut others {
                _ if level == NORMAL => all.extend(self.normal.drain(..)),
                Some(others) => all.extend(others.lines[level].drain(..)),
                None => {}
            }
        }
        all
    }
}

impl<M> Others<M> {
    fn new() -> Box<Self> {
        Box::new(Self { lines: [const { VecDeque::new() }; 4], passed_over: [0; 4] })
    }

    fn len(&self) -> usize {
        self.lines.iter().map(VecDeque::len).sum()
    }

    /// The most urgent level that holds messages, unless another has been passed over too often.
    fn next_level(&mut self, normal: usize) -> Option<usize> {
        let holds = [0, 1, 2, 3].map(|level| if level == NORMAL { normal > 0 } else { !self.lines[level].is_empty() });
        let overdue = (0..4).find(|&level| holds[level] && self.passed_over[level] >= PATIENCE);
        let chosen = overdue.or_else(|| (0..4).rev().find(|&level| holds[level]))?;
        for (passed_over, waits) in self.passed_over.iter_mut().zip(holds) {
            *passed_over = if waits { passed_over.saturating_add(1) } else { 0 };
        }
        self.passed_over[chosen] = 0;
        Some(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    #[derive(Debug)]
    struct Note(u32);

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    fn note(number: u32, level: MessagePriority) -> MessageEnvelope<Note> {
        MessageEnvelope::new(Note(number)).with_priority(level)
    }

    fn pick(levels: &mut Levels<Note>) -> Option<u32> {
        levels.pick(&mut VecDeque::new()).map(|envelope| envelope.message().0)
    }

    #[test]
    fn urgent_first_and_in_order_inside_a_level() {
        let mut levels = Levels::new();
        for (number, level) in (0..8).zip(MessagePriority::ALL.into_iter().cycle()) {
            levels.push(note(number, level));
        }
        let order: Vec<_> = std::iter::from_fn(|| pick(&mut levels)).collect();
        assert_eq!(order, [3, 7, 2, 6, 1, 5, 0, 4]);
    }

    #[test]
    fn a_level_waits_for_no_more_than_eighteen_others() {
        let mut levels = Levels::new();
        let mut waited = [0_u32; 4];
        for level in MessagePriority::ALL {
            levels.push(note(level.index() as u32, level));
        }
        for _ in 0..10_000 {
            let served = pick(&mut levels).unwrap() as usize;
            levels.push(note(served as u32, MessagePriority::ALL[served]));
            waited.iter_mut().for_each(|turns| *turns += 1);
            waited[served] = 0;
            assert!(waited.iter().all(|turns| *turns <= 18), "{waited:?}");
        }
    }

    #[test]
    fn a_mailbox_of_normal_messages_has_no_other_levels() {
        let mut levels = Levels::new();
        levels.push(note(1, MessagePriority::Normal));
        assert!(levels.others.is_none() && !levels.is_mixed());
        levels.push(note(2, MessagePriority::Low));
        assert!(levels.is_mixed());
        assert_eq!(levels.len(), 2);
    }

    #[test]
    fn what_is_in_hand_comes_before_the_rest_of_its_level() {
        let mut levels = Levels::new();
        levels.push(note(2, MessagePriority::Normal));
        levels.push(note(3, MessagePriority::Critical));
        let mut in_hand = VecDeque::from([note(1, MessagePriority::Normal)]);
        let order: Vec<_> = std::iter::from_fn(|| levels.pick(&mut in_hand)).map(|e| e.message().0).collect();
        assert_eq!(order, [3, 1, 2]);
    }

    #[test]
    fn evicts_the_oldest_of_the_least_urgent_level_but_nothing_more_urgent() {
        let mut levels = Levels::new();
        levels.push(note(1, MessagePriority::High));
        levels.push(note(2, MessagePriority::Normal));
        levels.push(note(3, MessagePriority::Normal));
        let mut evict = |level| levels.evict_for(level).map(|envelope| envelope.message().0);
        assert_eq!(evict(MessagePriority::Low), None);
        assert_eq!(evict(MessagePriority::Critical), Some(2));
        assert_eq!(evict(MessagePriority::Normal), Some(3));
        assert_eq!(evict(MessagePriority::Normal), None);
        assert_eq!(evict(MessagePriority::High), Some(1));
    }

    #[test]
    fn drains_everything_the_most_urgent_first() {
        let mut levels = Levels::new();
        for (number, level) in (0..4).zip(MessagePriority::ALL) {
            levels.push(note(number, level));
        }
        let drained: Vec<_> = levels.drain().into_iter().map(|envelope| envelope.message().0).collect();
        assert_eq!(drained, [3, 2, 1, 0]);
        assert_eq!(levels.len(), 0);
    }
}
