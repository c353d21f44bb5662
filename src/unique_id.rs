//! The 128 bits behind every id of this crate, and their one text form.
//!
//! The high half is drawn once per process, the low half is a sequence which the owner of the id
//! kind keeps. No id therefore costs a call to the operating system.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::LazyLock;

use foldhash::SharedSeed;
use foldhash::quality::SeedableRandomState;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of the text form: two groups of 16 digits and the hyphen between them.
const TEXT_LENGTH: usize = 33;

/// Where the hyphen stands in the text form.
const HYPHEN_AT: usize = 16;

// The niche in `high` lets an optional id, as every reply envelope carries one, cost nothing extra.
const _: () = assert!(size_of::<UniqueId>() == 16);
const _: () = assert!(size_of::<Option<UniqueId>>() == 16);

/// A process part and a sequence number, ordered by the first and then the second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UniqueId {
    high: NonZeroU64,
    low: u64,
}

/// Mixes both parts into one word: half the work of hashing two, and as good, since the ids of one process differ only
/// in the low part and those of different processes in all bits of the high one.
impl Hash for UniqueId {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.high.get() ^ self.low);
    }
}

impl UniqueId {
    /// The id of this process with the given sequence number.
    #[inline]
    pub(crate) fn of_this_process(sequence: u64) -> Self {
        Self { high: process_part(), low: sequence }
    }

    /// The sequence number.
    #[inline]
    pub(crate) const fn low(self) -> u64 {
        self.low
    }

    /// The part which all ids of one process share.
    pub(crate) fn high(self) -> NonZeroU64 {
        self.high
    }
}

/// The part which sets the ids of this process apart from those of any other.
///
/// A child made by `fork` without `exec` inherits it, as it inherits all memory.
#[inline]
pub(crate) fn process_part() -> NonZeroU64 {
    static PROCESS_PART: LazyLock<NonZeroU64> = LazyLock::new(|| {
        let drawn = getrandom::u64().unwrap_or_else(|_| guess_process_part());
        NonZeroU64::new(drawn).unwrap_or(NonZeroU64::MIN)
    });
    *PROCESS_PART
}

/// Why a text is not an id.
///
/// An id is written as two groups of 16 lower-case hex digits with a hyphen between them, and in
/// no other way, so that equal ids are equal texts.
///
/// ```
/// use switchboard::message::{MessageId, ParseIdError};
///
/// let error = "12ab".parse::<MessageId>().unwrap_err();
/// assert_eq!(error, ParseIdError::Length { length: 4 });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseIdError {
    /// The text is shorter or longer than an id.
    #[error(
        "an id has {TEXT_LENGTH} bytes and this text has {length}; \
         pass two groups of 16 lower-case hex digits joined by `-`"
    )]
    Length {
        /// Bytes of the text.
        length: usize,
    },
    /// A character stands where an id cannot have it.
    #[error(
        "{found:?} at byte {at} does not belong in an id; \
         pass two groups of 16 lower-case hex digits joined by `-`"
    )]
    Character {
        /// The first character that does not fit.
        found: char,
        /// Its offset in bytes.
        at: usize,
    },
    /// The first group is all zeros, which no process has.
    #[error("the first group of the id is zero, which no process has; pass an id as it was printed")]
    ZeroProcess,
}

impl fmt::Display for UniqueId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Digit by digit takes a fifth of the time of formatting two numbers, and each subject of a server has an id in it.
        let mut text = [b'-'; TEXT_LENGTH];
        let (high, low) = text.split_at_mut(HYPHEN_AT);
        write_hex(self.high.get(), high);
        write_hex(self.low, &mut low[1..]);
        formatter.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Writes the lowest digits of a number, as many as there is room for.
fn write_hex(mut number: u64, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 0xF) as usize];
        number >>= 4;
    }
}

// The same as `Display`, so that the ids around it can derive `Debug` and still read well.
impl fmt::Debug for UniqueId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for UniqueId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        if text.len() != TEXT_LENGTH {
            return Err(ParseIdError::Length { length: text.len() });
        }
        let (mut high, mut low) = (0, 0);
        for (at, found) in text.char_indices() {
            match (at, lower_hex_digit(found)) {
                (HYPHEN_AT, None) if found == '-' => {}
                (HYPHEN_AT, _) | (_, None) => return Err(ParseIdError::Character { found, at }),
                (_, Some(digit)) => {
                    let half = if at < HYPHEN_AT { &mut high } else { &mut low };
                    *half = *half << 4 | digit;
                }
            }
        }
        let high = NonZeroU64::new(high).ok_or(ParseIdError::ZeroProcess)?;
        Ok(Self { high, low })
    }
}

impl Serialize for UniqueId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.high, self.low).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for UniqueId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return deserializer.deserialize_str(TextVisitor);
        }
        let (high, low) = Deserialize::deserialize(deserializer)?;
        Ok(Self { high, low })
    }
}

/// Parses in place, where deserialising a `String` first would allocate for every id.
struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = UniqueId;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an id as two groups of 16 lower-case hex digits joined by `-`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<UniqueId, E> {
        text.parse().map_err(E::custom)
    }
}

fn lower_hex_digit(found: char) -> Option<u64> {
    let digit = found.to_digit(16).map(u64::from)?;
    (!found.is_ascii_uppercase()).then_some(digit)
}

/// A stand-in for the random draw on a system that refuses one.
///
/// Ids need to differ, not to be secret, so a program without a random source should still run.
/// The hasher of the standard library is no help: it asks the same source and panics when refused.
/// The seed of `foldhash` mixes the clock with randomised addresses; the process number is added
/// for systems which do not randomise them.
fn guess_process_part() -> u64 {
    let hasher = SeedableRandomState::with_seed(0, SharedSeed::global_random());
    hasher.hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::value::{Error as ValueError, SeqDeserializer};
    use serde::forward_to_deserialize_any;

    use super::*;

    /// A format which is not human readable and holds one pair of numbers.
    struct Compact([u64; 2]);

    impl<'de> Deserializer<'de> for Compact {
        type Error = ValueError;

        fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            visitor.visit_seq(SeqDeserializer::new(self.0.into_iter()))
        }

        fn is_human_readable(&self) -> bool {
            false
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
            ignored_any
        }
    }

    fn id(high: u64, low: u64) -> UniqueId {
        let high = NonZeroU64::new(high).unwrap();
        UniqueId { high, low }
    }

    #[test]
    fn text_form_is_padded_lower_case_hex() {
        assert_eq!(id(0xAB, 0x12).to_string(), "00000000000000ab-0000000000000012");
    }

    #[test]
    fn refuses_other_spellings_of_the_same_number() {
        let upper = "00000000000000AB-0000000000000012".parse::<UniqueId>();
        assert_eq!(upper, Err(ParseIdError::Character { found: 'A', at: 14 }));
        let signed = "+0000000000000ab-0000000000000012".parse::<UniqueId>();
        assert_eq!(signed, Err(ParseIdError::Character { found: '+', at: 0 }));
        let short = "ab-12".parse::<UniqueId>();
        assert_eq!(short, Err(ParseIdError::Length { length: 5 }));
    }

    #[test]
    fn refuses_a_misplaced_hyphen_and_a_character_across_it() {
        let moved = "000000000000000-ab0000000000000012".parse::<UniqueId>();
        assert_eq!(moved, Err(ParseIdError::Length { length: 34 }));
        let moved = "000000000000000-b0000000000000012".parse::<UniqueId>();
        assert_eq!(moved, Err(ParseIdError::Character { found: '-', at: 15 }));
        let digit = "000000000000000b00000000000000012".parse::<UniqueId>();
        assert_eq!(digit, Err(ParseIdError::Character { found: '0', at: 16 }));
        let wide = "000000000000000é0000000000000012".parse::<UniqueId>();
        assert_eq!(wide, Err(ParseIdError::Character { found: 'é', at: 15 }));
    }

    #[test]
    fn refuses_a_zero_process_in_both_forms() {
        let text = "0000000000000000-0000000000000012";
        assert_eq!(text.parse::<UniqueId>(), Err(ParseIdError::ZeroProcess));
        assert!(serde_json::from_str::<UniqueId>(&format!("\"{text}\"")).is_err());
        assert!(UniqueId::deserialize(Compact([0, 12])).is_err());
    }

    #[test]
    fn compact_form_is_a_pair_of_numbers() {
        assert_eq!(UniqueId::deserialize(Compact([7, 12])), Ok(id(7, 12)));
    }

    #[test]
    fn errors_print_foreign_characters_escaped() {
        let error = "00000000\u{1b}0000000-0000000000000012".parse::<UniqueId>();
        let text = error.unwrap_err().to_string();
        assert!(text.starts_with(r"'\u{1b}' at byte 8"), "{text}");
    }

    #[test]
    fn process_part_stays_the_same() {
        assert_eq!(process_part(), process_part());
        assert_eq!(UniqueId::of_this_process(3).high(), process_part());
    }

    #[test]
    fn a_guessed_process_part_is_not_constant_zero() {
        assert_ne!(guess_process_part(), 0);
    }

    proptest! {
        #[test]
        fn every_id_survives_text_and_json(high in 1..=u64::MAX, low: u64) {
            let id = id(high, low);
            prop_assert_eq!(id.to_string().len(), TEXT_LENGTH);
            prop_assert_eq!(id.to_string().parse(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<UniqueId>(&json).unwrap(), id);
        }

        #[test]
        fn order_of_texts_is_order_of_ids(a: (u64, u64), b: (u64, u64)) {
            let (a, b) = (id(a.0.max(1), a.1), id(b.0.max(1), b.1));
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: String) {
            prop_assert!(text.parse::<UniqueId>().is_err());
        }

        #[test]
        fn what_parses_prints_as_it_was(text in "[0-9a-fA-F]{16}[-0_]([0-9a-f]{16}|[0-9é]{15})") {
            if let Ok(id) = text.parse::<UniqueId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
