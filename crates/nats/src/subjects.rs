use switchboard::address::{ActorAddress, Name};
use switchboard::balancing::key_hash;

use crate::NodeId;

/// Where on the server the brokers of one namespace meet.
#[derive(Clone, Debug)]
pub(crate) struct Subjects {
    namespace: Name,
}

impl Subjects {
    pub(crate) fn new(namespace: Name) -> Self {
        Self { namespace }
    }

    pub(crate) fn namespace(&self) -> &Name {
        &self.namespace
    }

    /// What the nodes are called among services, whose names have no dots.
    pub(crate) fn service(&self) -> String {
        self.namespace.as_str().replace('_', "_u").replace('.', "_d")
    }

    /// What is said to a node.
    pub(crate) fn node(&self, node: NodeId) -> String {
        self.of(&["node", &node.token()])
    }

    /// Where the server says that a node is not there, with the key of what was said to it as a last token.
    pub(crate) fn nobody(&self, node: NodeId, key: u64) -> String {
        self.of(&["nobody", &node.token(), &key.to_string()])
    }

    /// All of those of one node.
    pub(crate) fn all_nobody(&self, node: NodeId) -> String {
        self.of(&["nobody", &node.token(), "*"])
    }

    /// What other programs say to actors, with these tokens.
    pub(crate) fn inward(&self, tokens: &str) -> String {
        self.of(&["in", tokens])
    }

    /// What is said to other programs, with these tokens.
    pub(crate) fn outward(&self, tokens: &str) -> String {
        self.of(&["out", tokens])
    }

    /// Where another program answers, with the key of what was said to it as a last token.
    pub(crate) fn back(&self, node: NodeId, key: u64) -> String {
        self.of(&["back", &node.token(), &key.to_string()])
    }

    /// All of those of one node.
    pub(crate) fn all_back(&self, node: NodeId) -> String {
        self.of(&["back", &node.token(), "*"])
    }

    /// What is published on a subject, or matches a pattern.
    pub(crate) fn topic(&self, subject: &str) -> String {
        self.of(&["topic", subject])
    }

    /// What nodes say of how much their members have to do.
    pub(crate) fn loads(&self) -> String {
        self.of(&["loads"])
    }

    /// What is to be delivered at least once, with these tokens.
    pub(crate) fn work(&self, tokens: &str) -> String {
        self.of(&["work", tokens])
    }

    /// What is to be delivered at least once to this address.
    pub(crate) fn work_for(&self, to: &ActorAddress) -> String {
        let (kind, name) = parts(to);
        self.of(&["work", kind, &name])
    }

    /// Dead letters, with these tokens.
    pub(crate) fn dead(&self, tokens: &str) -> String {
        self.of(&["dead", tokens])
    }

    /// The dead letters of what waited at this subject.
    pub(crate) fn dead_of(&self, work: &str) -> String {
        self.dead(work.strip_prefix(&self.work("")).unwrap_or("unknown"))
    }

    /// The consumer of what waits for this address.
    pub(crate) fn consumer(&self, to: &ActorAddress) -> String {
        // What makes a file's name too long is told apart by its beginning and its hash.
        const MOST: usize = 120;
        let (kind, name) = parts(to);
        let name = name.replace('_', "_u").replace('.', "_d");
        if name.len() <= MOST {
            return format!("{kind}-{name}");
        }
        format!("{kind}-{}-{:016x}", &name[..MOST], key_hash(&name))
    }

    /// Where nobody listens, so that the server answers when it has done all that came before.
    pub(crate) fn nowhere(&self) -> String {
        self.of(&["nowhere"])
    }

    /// A bucket of this namespace. Buckets have no dots in their names, so each is written as two characters, and what
    /// begins such a pair too.
    pub(crate) fn bucket(&self, what: &str) -> String {
        format!("{}-{what}", self.service())
    }

    /// The subject with these tokens behind the namespace. One is made for each message, which `format!` would be slow at.
    fn of(&self, tokens: &[&str]) -> String {
        let namespace = self.namespace.as_str();
        let mut subject =
            String::with_capacity(namespace.len() + tokens.iter().map(|token| token.len() + 1).sum::<usize>());
        subject.push_str(namespace);
        for token in tokens {
            subject.push('.');
            subject.push_str(token);
        }
        subject
    }
}

/// The kind of an address, and its name or id.
fn parts(to: &ActorAddress) -> (&'static str, String) {
    let name = match to {
        ActorAddress::Id(id) => id.to_string(),
        ActorAddress::Named(name) | ActorAddress::Service(name) | ActorAddress::Pool(name) => name.to_string(),
    };
    (to.kind(), name)
}

/// The key at the end of such a subject.
pub(crate) fn key_of(subject: &str) -> Option<u64> {
    subject.rsplit('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects(namespace: &str) -> Subjects {
        Subjects::new(Name::new(namespace).unwrap())
    }

    #[test]
    fn the_buckets_of_two_namespaces_are_never_one() {
        assert_eq!(subjects("shop.eu").bucket("names"), "shop_deu-names");
        let all = ["a.b", "a_b", "a_db", "a_ub", "a-b"].map(|namespace| subjects(namespace).bucket("names"));
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn a_key_is_found_where_it_was_put() {
        let node = NodeId::next();
        let subject = subjects("a.b").nobody(node, 42);
        assert_eq!(key_of(&subject), Some(42));
        assert!(subject.starts_with(subjects("a.b").all_nobody(node).trim_end_matches('*')));
        assert_eq!(key_of("a.b"), None);
    }
}
