use switchboard::address::Name;

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

    /// Where nobody listens, so that the server answers when it has done all that came before.
    pub(crate) fn nowhere(&self) -> String {
        self.of(&["nowhere"])
    }

    /// A bucket of this namespace. Buckets have no dots in their names, so each is written as two characters, and what
    /// begins such a pair too.
    pub(crate) fn bucket(&self, what: &str) -> String {
        format!("{}-{what}", self.namespace.as_str().replace('_', "_u").replace('.', "_d"))
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
