//! Names which actors, services and pools go by.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use foldhash::fast::RandomState;
use papaya::Equivalent;
use serde::{Deserialize, Serialize, Serializer};

use super::NameError;

/// A checked name: tokens of ASCII letters, digits, `_` and `-`, with a dot between them.
///
/// It has 1 to [255](Name::MAX_LENGTH) bytes. Upper and lower case differ. A clone shares the
/// text, and a map keyed by names can be asked with a `&str`.
///
/// ```
/// use switchboard::address::{Name, NameError};
///
/// let name = Name::new("billing.eu-1")?;
/// assert_eq!(name.as_str(), "billing.eu-1");
/// assert_eq!(
///     Name::new("billing eu"),
///     Err(NameError::Character { found: ' ', at: 7 }),
/// );
/// # Ok::<(), NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(Arc<Text>);

/// The text, and its hash, so that looking a name up does not take computing it each time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Text {
    text: Box<str>,
    hash: u64,
}

impl Name {
    /// The most bytes a name can have.
    pub const MAX_LENGTH: usize = 255;

    /// Checks the text and copies it.
    ///
    /// # Errors
    ///
    /// The first thing in the text that a name cannot have.
    pub fn new(text: impl AsRef<str>) -> Result<Self, NameError> {
        let text = text.as_ref();
        check(text)?;
        Ok(Self(Arc::new(Text { text: text.into(), hash: hash_of(text) })))
    }

    /// The whole text, dots included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The parts between the dots, of which there is at least one and none is empty.
    ///
    /// ```
    /// use switchboard::address::Name;
    ///
    /// let name = Name::new("billing.eu")?;
    /// assert!(name.tokens().eq(["billing", "eu"]));
    /// # Ok::<(), switchboard::address::NameError>(())
    /// ```
    #[must_use]
    pub fn tokens(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.0.text.split('.')
    }
}

/// A look-up of a name in a map with keys of type [`ByName`].
#[derive(Clone, Copy)]
pub(crate) struct ByNameRef<'a>(pub(crate) &'a Name);

/// A name as the key of a map, by the hash that it knows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ByName(pub(crate) Name);

impl ByNameRef<'_> {
    pub(crate) fn to_key(self) -> ByName {
        ByName(self.0.clone())
    }
}

impl Hash for ByName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        ByNameRef(&self.0).hash(state);
    }
}

impl Hash for ByNameRef<'_> {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.0.hash);
    }
}

impl Equivalent<ByName> for ByNameRef<'_> {
    #[inline]
    fn equivalent(&self, key: &ByName) -> bool {
        *self.0 == key.0
    }
}

/// Seeded by chance, so that nobody can choose names that collide.
fn hash_of(text: &str) -> u64 {
    static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::default);
    STATE.hash_one(text)
}

impl Hash for Name {
    /// As the text, by which a map may be asked.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), formatter)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), formatter)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Name {
    type Error = NameError;

    fn try_from(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

// Sound for maps because the derived `Eq`, `Ord` and `Hash` of an `Arc<str>` are those of `str`.
impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > Name::MAX_LENGTH {
        return Err(NameError::TooLong { length: text.len() });
    }
    let mut token_start = 0;
    for (at, found) in text.char_indices() {
        match found {
            '.' if at == token_start => return Err(NameError::EmptyToken { at }),
            '.' => token_start = at + 1,
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => {}
            _ => return Err(NameError::Character { found, at }),
        }
    }
    if token_start == text.len() {
        return Err(NameError::EmptyToken { at: token_start });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn length_is_between_1_and_255_bytes() {
        assert_eq!(Name::new(""), Err(NameError::Empty));
        assert!(Name::new("a").is_ok());
        assert!(Name::new("a".repeat(255)).is_ok());
        let too_long = Name::new("a".repeat(256));
        assert_eq!(too_long, Err(NameError::TooLong { length: 256 }));
    }

    #[test]
    fn empty_tokens_are_found_where_they_begin() {
        let cases = [(".", 0), (".a", 0), ("a.", 2), ("a..b", 2), ("a.b.", 4)];
        for (text, at) in cases {
            assert_eq!(Name::new(text), Err(NameError::EmptyToken { at }), "{text}");
        }
    }

    #[test]
    fn characters_are_found_at_their_byte() {
        let cases = [("a b", ' ', 1), ("é", 'é', 0), ("a.b\n", '\n', 3), ("a:b", ':', 1)];
        for (text, found, at) in cases {
            let error = NameError::Character { found, at };
            assert_eq!(Name::new(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn maps_can_be_asked_with_a_str() {
        let name = Name::new("a.b").unwrap();
        assert_eq!(HashMap::from([(name.clone(), 1)]).get("a.b"), Some(&1));
        assert_eq!(BTreeMap::from([(name, 1)]).get("a.b"), Some(&1));
    }

    #[test]
    fn a_clone_shares_the_text() {
        let name = Name::new("counter").unwrap();
        assert!(Arc::ptr_eq(&name.0, &name.clone().0));
    }

    #[test]
    fn prints_like_a_str() {
        let name = Name::new("counter").unwrap();
        assert_eq!(format!("{name:>9}|{name:?}"), "  counter|\"counter\"");
    }

    #[test]
    fn deserialising_checks() {
        assert!(serde_json::from_str::<Name>("\"a b\"").is_err());
        assert!(serde_json::from_str::<Name>("7").is_err());
    }

    proptest! {
        #[test]
        fn accepts_what_obeys_the_rule_and_nothing_else(
            text in "[a-zA-Z0-9_-]{1,90}([.][a-zA-Z0-9_-]{0,90}){0,3}[ é:]{0,1}"
        ) {
            prop_assert_eq!(Name::new(&text).is_ok(), obeys_the_rule(&text));
        }

        #[test]
        fn no_text_makes_the_check_panic(text: String) {
            prop_assert_eq!(Name::new(&text).is_ok(), obeys_the_rule(&text));
        }

        #[test]
        fn every_name_survives_text_and_json(
            text in "[a-zA-Z0-9_-]{1,40}([.][a-zA-Z0-9_-]{1,40}){0,4}"
        ) {
            let name = Name::new(&text).unwrap();
            prop_assert_eq!(name.to_string(), text.as_str());
            prop_assert_eq!(name.to_string().parse(), Ok(name.clone()));
            let json = serde_json::to_string(&name).unwrap();
            prop_assert_eq!(serde_json::from_str::<Name>(&json).unwrap(), name);
        }
    }

    fn obeys_the_rule(text: &str) -> bool {
        let is_token = |token: &[u8]| {
            !token.is_empty() && token.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
        };
        (1..=255).contains(&text.len()) && text.as_bytes().split(|&byte| byte == b'.').all(is_token)
    }
}
