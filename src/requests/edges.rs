use crate::actor::ActorKey;
use crate::message::RequestKey;

/// Who waits for whom: the handler of one actor for the reply of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) asker: ActorKey,
    pub(crate) target: ActorKey,
}

/// The edges of the requests that handlers have sent, by slot.
///
/// They are apart from the slots, so that all other requests have nothing to write and nothing to clear here. An edge
/// counts only for the key that it was entered for, not for a later request in the same slot.
pub(super) struct Edges(Vec<Option<(RequestKey, Edge)>>);

impl Edges {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn enter(&mut self, key: RequestKey, edge: Edge) {
        if self.0.len() <= key.slot() {
            self.0.resize(key.slot() + 1, None);
        }
        self.0[key.slot()] = Some((key, edge));
    }

    pub(super) fn of(&mut self, key: RequestKey) -> Option<&mut Edge> {
        let (owner, edge) = self.0.get_mut(key.slot())?.as_mut()?;
        (*owner == key).then_some(edge)
    }

    pub(super) fn remove(&mut self, key: RequestKey) {
        if self.of(key).is_some() {
            self.0[key.slot()] = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Epoch;
    use crate::address::ActorId;

    fn edge() -> Edge {
        let actor = || ActorKey { id: ActorId::next(), epoch: Epoch::next() };
        Edge { asker: actor(), target: actor() }
    }

    #[test]
    fn an_edge_counts_for_its_own_request_only() {
        let (mut edges, mut edge) = (Edges::new(), edge());
        let [earlier, owner, later] = [1, 3, 5].map(|generation| RequestKey::new(0, 7, generation));
        assert_eq!(edges.of(owner), None);
        edges.enter(owner, edge);
        assert_eq!(edges.of(owner), Some(&mut edge));
        for other in [earlier, later, RequestKey::new(0, 6, 3), RequestKey::new(0, 8, 3)] {
            assert_eq!(edges.of(other), None);
            edges.remove(other);
        }
        assert_eq!(edges.of(owner), Some(&mut edge));
        edges.remove(owner);
        assert_eq!(edges.of(owner), None);
    }
}
