use switchboard::address::ActorAddress;

/// An address of a soak.
pub(super) fn address(text: &str) -> ActorAddress {
    // They are written down here.
    text.parse().expect("the addresses of a soak are right")
}
