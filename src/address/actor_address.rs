//! The one value which says where a message goes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use super::{ActorId, AddressError, Name, NameError};
use crate::outside::{WORD, beginning};

// A copy travels with every message.
const _: () = assert!(size_of::<ActorAddress>() == 24);

/// Where a message can be sent.
///
/// The text form is the [kind](ActorAddress::kind), a colon, and the id or name. It is also the
/// serialised form.
///
/// ```
/// use switchboard::address::{ActorAddress, AddressError};
///
/// let address = ActorAddress::service("billing.eu")?;
/// assert_eq!(address.to_string(), "service:billing.eu");
/// assert_eq!("service:billing.eu".parse::<ActorAddress>()?, address);
/// # Ok::<(), AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum ActorAddress {
    /// One actor by its id, which is never given to another.
    Id(ActorId),
    /// The one actor that holds this name at the time of sending.
    Named(Name),
    /// Any one of the actors that offer this service.
    Service(Name),
    /// Any one of the workers of this pool.
    Pool(Name),
}

impl ActorAddress {
    /// The actor of this name.
    ///
    /// For a [`Name`] that is already checked, [`ActorAddress::Named`] shares its text.
    ///
    /// # Errors
    ///
    /// If the text is not a [`Name`].
    pub fn named(name: impl AsRef<str>) -> Result<Self, NameError> {
        Name::new(name).map(Self::Named)
    }

    /// The service of this name.
    ///
    /// For a [`Name`] that is already checked, [`ActorAddress::Service`] shares its text.
    ///
    /// # Errors
    ///
    /// If the text is not a [`Name`].
    pub fn service(name: impl AsRef<str>) -> Result<Self, NameError> {
        Name::new(name).map(Self::Service)
    }

    /// The pool of this name.
    ///
    /// For a [`Name`] that is already checked, [`ActorAddress::Pool`] shares its text.
    ///
    /// # Errors
    ///
    /// If the text is not a [`Name`].
    pub fn pool(name: impl AsRef<str>) -> Result<Self, NameError> {
        Name::new(name).map(Self::Pool)
    }

    /// The word before the colon: `id`, `named`, `service` or `pool`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::Named(_) => "named",
            Self::Service(_) => "service",
            Self::Pool(_) => "pool",
        }
    }

    /// Whether several actors can stand behind this address, as for a service or a pool.
    #[must_use]
    pub const fn is_group(&self) -> bool {
        matches!(self, Self::Service(_) | Self::Pool(_))
    }
}

impl From<ActorId> for ActorAddress {
    fn from(id: ActorId) -> Self {
        Self::Id(id)
    }
}

impl fmt::Display for ActorAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Self::Id(id) => write!(formatter, "{kind}:{id}"),
            Self::Named(name) | Self::Service(name) | Self::Pool(name) => {
                write!(formatter, "{kind}:{name}")
            }
        }
    }
}

impl FromStr for ActorAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (kind, rest) = text.split_once(':').ok_or(AddressError::MissingKind)?;
        match kind {
            "id" => Ok(Self::Id(rest.parse()?)),
            "named" => Ok(Self::named(rest)?),
            "service" => Ok(Self::service(rest)?),
            "pool" => Ok(Self::pool(rest)?),
            // One more than is shown, to show that it goes on.
            unknown => Err(AddressError::UnknownKind { kind: beginning(unknown, WORD + 1).to_owned() }),
        }
    }
}

impl TryFrom<&str> for ActorAddress {
    type Error = AddressError;

    fn try_from(text: &str) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl TryFrom<String> for ActorAddress {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl Serialize for ActorAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::unique_id::ParseIdError;

    #[test]
    fn each_kind_prints_its_word() {
        let id: ActorId = "00000000000000ab-0000000000000012".parse().unwrap();
        let cases = [
            (id.into(), "id:00000000000000ab-0000000000000012", false),
            (ActorAddress::named("counter").unwrap(), "named:counter", false),
            (ActorAddress::service("billing.eu").unwrap(), "service:billing.eu", true),
            (ActorAddress::pool("readers").unwrap(), "pool:readers", true),
        ];
        for (address, text, is_group) in cases {
            assert_eq!(address.to_string(), text);
            assert_eq!(ActorAddress::try_from(text), Ok(address.clone()));
            assert!(text.starts_with(address.kind()));
            assert_eq!(address.is_group(), is_group);
        }
    }

    #[test]
    fn each_mistake_has_its_error() {
        let unknown = |kind: &str| AddressError::UnknownKind { kind: kind.into() };
        let cases = [
            ("", AddressError::MissingKind),
            ("counter", AddressError::MissingKind),
            (":counter", unknown("")),
            ("Named:counter", unknown("Named")),
            ("named:", NameError::Empty.into()),
            ("pool:a:b", NameError::Character { found: ':', at: 1 }.into()),
            ("id:7", ParseIdError::Length { length: 1 }.into()),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<ActorAddress>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn deserialising_checks() {
        assert!(serde_json::from_str::<ActorAddress>("\"counter\"").is_err());
        assert!(serde_json::from_str::<ActorAddress>("{\"Named\":\"counter\"}").is_err());
    }

    proptest! {
        #[test]
        fn every_address_survives_text_and_json(
            text in "id:[1-9a-f][0-9a-f]{15}-[0-9a-f]{16}|\
                (named|service|pool):[a-zA-Z0-9_-]{1,40}([.][a-z]{1,9}){0,4}"
        ) {
            let address: ActorAddress = text.parse().unwrap();
            prop_assert_eq!(address.to_string(), text);
            let json = serde_json::to_string(&address).unwrap();
            prop_assert_eq!(serde_json::from_str::<ActorAddress>(&json).unwrap(), address);
        }

        #[test]
        fn no_text_makes_the_parser_or_its_error_panic(
            text in "((id|named|service|pool|[\\PC\\n\\x1b]{0,40}):)?\\PC{0,40}[\\r\\n]?"
        ) {
            match text.parse::<ActorAddress>() {
                Ok(address) => prop_assert_eq!(address.to_string(), text),
                Err(error) => prop_assert!(!error.to_string().chars().any(char::is_control)),
            }
        }
    }
}
