use switchboard::address::ActorAddress;

/// Whether an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Tell,
    Ask,
}

impl Verb {
    pub(super) const fn token(self) -> &'static str {
        match self {
            Self::Tell => "tell",
            Self::Ask => "ask",
        }
    }
}

/// What stands behind the namespace and the direction: the verb, the kind of address, and the tokens of the name.
pub(super) fn write(verb: Verb, to: &ActorAddress) -> String {
    // No name has a colon.
    format!("{}.{}", verb.token(), to.to_string().replacen(':', ".", 1))
}

/// Reads that. `None` for what is no verb or no address.
pub(super) fn read(tokens: &str) -> Option<(Verb, ActorAddress)> {
    let (verb, address) = tokens.split_once('.')?;
    let verb = [Verb::Tell, Verb::Ask].into_iter().find(|known| known.token() == verb)?;
    let (kind, name) = address.split_once('.')?;
    Some((verb, format!("{kind}:{name}").parse().ok()?))
}

#[cfg(test)]
mod tests {
    use switchboard::address::ActorId;

    use super::*;

    #[test]
    fn every_address_has_a_place_of_its_own() {
        let addresses = [
            ActorAddress::named("desk").unwrap(),
            ActorAddress::named("tell.ask.named").unwrap(),
            ActorAddress::service("billing.eu").unwrap(),
            ActorAddress::pool("readers").unwrap(),
            ActorId::next().into(),
        ];
        for verb in [Verb::Tell, Verb::Ask] {
            for address in &addresses {
                assert_eq!(read(&write(verb, address)), Some((verb, address.clone())));
            }
        }
    }

    #[test]
    fn what_is_no_place_is_not_read() {
        for text in ["", "tell", "tell.named", "sing.named.desk", "tell.node.desk", "tell.id.desk", "tell.named.a b"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
