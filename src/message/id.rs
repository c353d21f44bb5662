//! The id of one message, made without a lock and without asking the operating system.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::metrics::SAMPLED_ONE_IN;
use crate::unique_id::{ParseIdError, UniqueId};

/// Numbers which a thread takes from the shared counter at once.
///
/// At this size a thread touches the shared cache line too seldom to notice, and the 2⁴⁸ blocks
/// outlast any number of short-lived threads.
const BLOCK: u64 = 65_536;

/// 2⁶⁴ divided by the golden ratio, and odd: its multiples are spread over all numbers of 64 bits.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// What mixes such a multiple, in SplitMix64.
const MIX: u64 = 0xBF58_476D_1CE4_E5B9;

/// Bits that are zero for one number in [`SAMPLED_ONE_IN`].
const SAMPLE_BITS: u32 = SAMPLED_ONE_IN.trailing_zeros();

const _: () = assert!(SAMPLED_ONE_IN.is_power_of_two());
const _: () = assert!(size_of::<Option<MessageId>>() == 16);

/// Tells a message apart from every other, also from those of other processes.
///
/// An id is a random part, drawn once per process, and a sequence number. It is unique but no
/// secret: whoever sees one id can guess others.
///
/// The text form is two groups of 16 lower-case hex digits. Formats that are not human readable
/// carry the id as a pair of `u64`.
///
/// ```
/// use switchboard::message::MessageId;
///
/// let id = MessageId::next();
/// let read: MessageId = id.to_string().parse()?;
/// assert_eq!(read, id);
/// # Ok::<(), switchboard::message::ParseIdError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(UniqueId);

impl MessageId {
    /// Makes an id that no other message has.
    ///
    /// Ids made on one thread ascend. The order between ids of different threads is total, so that
    /// they can be sorted, but says nothing about which was made first.
    ///
    /// ```
    /// use switchboard::message::MessageId;
    ///
    /// let (first, second) = (MessageId::next(), MessageId::next());
    /// assert!(first < second);
    /// ```
    #[inline]
    #[must_use]
    pub fn next() -> Self {
        Self(UniqueId::of_this_process(next_sequence()))
    }

    /// Whether [timings](crate::metrics::Timings) are taken of the message with this id: true for one in
    /// [`SAMPLED_ONE_IN`], and always the same for one id, wherever it is asked.
    ///
    /// The choice is as if by lot, so it follows no rhythm that a sender may have. It is the number that SplitMix64
    /// (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014) draws in the place of the id's
    /// sequence number, mixed once instead of twice, which is enough for the few bits that decide.
    #[inline]
    pub const fn is_sampled(self) -> bool {
        let drawn = self.0.low().wrapping_mul(GOLDEN);
        (drawn ^ (drawn >> 30)).wrapping_mul(MIX) >> (u64::BITS - SAMPLE_BITS) == 0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for MessageId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        text.parse().map(Self)
    }
}

#[inline]
fn next_sequence() -> u64 {
    thread_local! {
        // A multiple of `BLOCK` means that the block is used up, or that none was taken yet.
        static NEXT: Cell<u64> = const { Cell::new(0) };
    }
    NEXT.try_with(|next| {
        let sequence = match next.get() {
            used_up if used_up.is_multiple_of(BLOCK) => take_block(),
            within => within,
        };
        next.set(sequence + 1);
        sequence
    })
    // A destructor of another thread local may send a message after `NEXT` is gone. It gets the
    // first number of a block of its own: wasteful, but later blocks stay aligned.
    .unwrap_or_else(|_| take_block())
}

/// The first number of a block which belongs to the caller alone.
fn take_block() -> u64 {
    static BLOCKS: AtomicU64 = AtomicU64::new(0);
    // Relaxed, as a block only has to be taken once: no other memory is published with it.
    BLOCKS.fetch_add(BLOCK, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::HashSet;
    use std::sync::mpsc;
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_are_distinct_and_ascend_on_each_thread() {
        const THREADS: usize = 8;
        const IDS: usize = 100_000;
        let threads: Vec<_> =
            (0..THREADS).map(|_| thread::spawn(|| (0..IDS).map(|_| MessageId::next()).collect::<Vec<_>>())).collect();
        let mut all = HashSet::new();
        for thread in threads {
            let ids = thread.join().unwrap();
            assert!(ids.is_sorted_by(|earlier, later| earlier < later));
            all.extend(ids);
        }
        assert_eq!(all.len(), THREADS * IDS);
    }

    #[test]
    fn ids_can_be_made_while_thread_locals_are_destroyed() {
        struct SendsAtExit(mpsc::Sender<MessageId>);

        impl Drop for SendsAtExit {
            fn drop(&mut self) {
                self.0.send(MessageId::next()).unwrap();
            }
        }

        thread_local! {
            static AT_EXIT: RefCell<Option<SendsAtExit>> = const { RefCell::new(None) };
        }
        let (sender, receiver) = mpsc::channel();
        let before = thread::spawn(move || {
            AT_EXIT.set(Some(SendsAtExit(sender)));
            MessageId::next()
        });
        let before = before.join().unwrap();
        assert!(receiver.recv().unwrap() > before);
    }

    fn numbered(sequence: u64) -> MessageId {
        MessageId(UniqueId::of_this_process(sequence))
    }

    /// Asserts that about one in so many of the ids is sampled: no further off than five standard deviations of a lot.
    #[track_caller]
    fn assert_sampled(ids: impl ExactSizeIterator<Item = u64>) {
        let part = 1.0 / f64::from(SAMPLED_ONE_IN);
        let number = ids.len() as f64;
        let sampled = ids.filter(|sequence| numbered(*sequence).is_sampled()).count() as f64;
        let deviation = (number * part * (1.0 - part)).sqrt();
        assert!((sampled - number * part).abs() < 5.0 * deviation, "{sampled} of {number}");
    }

    #[test]
    fn one_id_in_so_many_is_sampled() {
        for start in [0, 1, BLOCK - 1, 1 << 20, 1 << 40] {
            assert_sampled((0..200_000_u32).map(|number| start + u64::from(number)));
        }
    }

    /// Among them Fibonacci numbers, of which the golden ratio alone would make a rhythm.
    #[test]
    fn whoever_sends_to_receivers_in_turn_has_each_of_them_sampled_alike() {
        for receivers in [2, 3, 5, 8, 34, 55, 64, 89, 100, 128, 610, 1_000, 4_181, 46_368, BLOCK] {
            for receiver in (0..receivers).step_by(1 + receivers as usize / 20) {
                assert_sampled((0..10_000_u32).map(|round| u64::from(round) * receivers + receiver));
            }
        }
    }

    #[test]
    fn debug_names_the_type() {
        let id = MessageId::next();
        assert_eq!(format!("{id:?}"), format!("MessageId({id})"));
    }

    #[test]
    fn json_is_the_text() {
        let id = MessageId::next();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<MessageId>(&json).unwrap(), id);
    }

    proptest! {
        #[test]
        fn every_id_survives_its_text(text in "[1-9a-f][0-9a-f]{15}-[0-9a-f]{16}") {
            let id: MessageId = text.parse().unwrap();
            prop_assert_eq!(id.to_string(), text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            prop_assert!(text.parse::<MessageId>().is_err());
        }
    }
}
