//! Who is where.

use switchboard::address::ActorAddress;

use crate::languages::Language;

/// Any reader that has room.
pub(crate) fn readers() -> ActorAddress {
    well_formed("pool:readers")
}

/// The summary.
pub(crate) fn summary() -> ActorAddress {
    well_formed("named:summary")
}

/// The tally of one language.
pub(crate) fn tally(language: &Language) -> ActorAddress {
    well_formed(&format!("named:tally.{}", language.key))
}

fn well_formed(address: &str) -> ActorAddress {
    address.parse().expect("the addresses above and the keys of languages are well formed")
}
