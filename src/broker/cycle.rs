//! Handlers that wait for each other.
//!
//! An actor whose handler waits for a reply, or for room in a mailbox, handles nothing else, so if what it waits for
//! depends on the actor itself, it never comes. An actor's cell knows what its handler waits for ([`Wait`]): those are
//! the edges of the graph of who waits for whom. For a request, the entry in the request table says which actor it
//! waits for; one that has ended is no edge. Nor is anything that is not sent by a handler.
//!
//! # Why no circle is missed
//!
//! Whoever adds an edge, or points one at another actor, does so first, and then walks from where it leads, to see
//! whether that comes back to the actor that waits. Suppose that the edges of a circle are all there and none of their
//! walks has found it. Then each of the walks has looked at some edge of the circle before that was there. Edges are
//! written and read under locks, so whoever looked too early at an edge had its own in place before the one that wrote
//! that edge began to walk; that one looked too early at a third, and so on. The circle being finite, this comes back
//! to a walk that was over before it began. So of actors that ask each other at the same moment at least one is
//! refused; perhaps more than one.
//!
//! # Why no circle is made up
//!
//! A walk takes one lock at a time, so an edge that it has been through may be gone before it sees the next. What it
//! took for a circle it therefore looks through once more: edges that were there both times were all there in between,
//! since none that has gone comes back.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::registry::Pinned;
use super::{Hub, SendErrorKind};
use crate::actor::{ActorCell, ActorKey, Epoch, RoomWait, Wait, Waiting};
use crate::address::{ActorAddress, ActorId};
use crate::message::{Message, MessageEnvelope};

/// An actor that a walk has come to.
struct Step<'a, M> {
    cell: &'a ActorCell<M>,
    /// Which earlier step led to it, and what for.
    from: Option<(usize, Wait)>,
}

/// That one actor waits for the next.
struct Link<'a, M> {
    cell: &'a ActorCell<M>,
    wait: Wait,
    target: Epoch,
}

impl<M: Message> Hub<M> {
    /// The circle that is closed by the handler of `asker` waiting for `target`, which it does already: the actors of
    /// which each waits for the next, from `asker` on.
    pub(super) fn cycle(&self, asker: ActorKey, target: &ActorCell<M>) -> Option<Vec<ActorAddress>> {
        if target.epoch == asker.epoch {
            return Some(vec![target.address.clone()]);
        }
        // Most actors that are waited for wait for nobody.
        if target.waits.is_empty() {
            return None;
        }
        self.cycle_through(asker, target)
    }

    /// Whether the sender of `envelope` may wait for room in the mailbox of `at`. Not if its handler would then wait
    /// for itself.
    pub(super) fn may_wait_for_room(&self, at: &ActorCell<M>, envelope: &MessageEnvelope<M>) -> bool {
        let sender = envelope.sending_handler().and_then(|sender| self.registry.actor(sender));
        sender.is_none_or(|sender| self.cycle(sender.key(), at).is_none())
    }

    /// Says that the sender of `envelope` waits for room in the mailbox of `at`, if that is a handler, for as long as
    /// what is returned is kept. Refuses if it would wait for itself.
    pub(super) fn wait_for_room(
        &self,
        at: &ActorCell<M>,
        envelope: &MessageEnvelope<M>,
    ) -> Result<Option<Waiting<M>>, SendErrorKind> {
        let Some(sender) = envelope.sending_handler().and_then(|sender| self.registry.actor(sender)) else {
            return Ok(None);
        };
        let key = sender.key();
        let waiting =
            Waiting::begin(sender, Wait::Room(RoomWait { message: envelope.id(), at: at.key(), in_line: false }));
        match self.cycle(key, at) {
            Some(_) => Err(SendErrorKind::Full),
            None => Ok(Some(waiting)),
        }
    }

    #[inline(never)]
    fn cycle_through(&self, asker: ActorKey, target: &ActorCell<M>) -> Option<Vec<ActorAddress>> {
        let actors = self.registry.actors();
        let first = actors.get(&asker.id).filter(|cell| cell.epoch == asker.epoch)?;
        // Goes round again only if somebody has got what it was seen to wait for.
        loop {
            let path = self.walk(&actors, target, asker.epoch)?;
            if path.iter().all(|link| self.still_waits(link)) {
                let others = path.iter().map(|link| link.cell.address.clone());
                return Some(std::iter::once(first.address.clone()).chain(others).collect());
            }
        }
    }

    /// The shortest way from `first` to `last` along what handlers wait for. Comes to each actor once at most.
    fn walk<'a>(
        &self,
        actors: &'a Pinned<'_, ActorId, M>,
        first: &'a ActorCell<M>,
        last: Epoch,
    ) -> Option<Vec<Link<'a, M>>> {
        let mut steps = vec![Step { cell: first, from: None }];
        let mut seen: HashSet<Epoch, RandomState> = HashSet::from_iter([first.epoch]);
        let mut at = 0;
        while let Some(&Step { cell, .. }) = steps.get(at) {
            for wait in cell.waits.list() {
                let Some(target) = self.target_of(wait) else { continue };
                if target.epoch == last {
                    return Some(way_back(&steps, at, Link { cell, wait, target: last }));
                }
                let found = actors.get(&target.id).filter(|cell| cell.epoch == target.epoch);
                if let Some(cell) = found
                    && seen.insert(target.epoch)
                {
                    steps.push(Step { cell, from: Some((at, wait)) });
                }
            }
            at += 1;
        }
        None
    }

    /// The actor that the handler which waits like this waits for, if it still does.
    fn target_of(&self, wait: Wait) -> Option<ActorKey> {
        match wait {
            Wait::Reply(key) => self.requests.waited_for(key),
            Wait::Room(room) if room.in_line => {
                let actors = self.registry.actors();
                let at = actors.get(&room.at.id).filter(|cell| cell.epoch == room.at.epoch)?;
                // If it has been let in, it goes on as soon as it has its turn.
                at.queue.is_in_line(room.message).then_some(room.at)
            }
            Wait::Room(room) => Some(room.at),
        }
    }

    fn still_waits(&self, link: &Link<'_, M>) -> bool {
        link.cell.waits.contains(link.wait) && self.target_of(link.wait).map(|actor| actor.epoch) == Some(link.target)
    }
}

/// The links from the first step to `last`, which leaves from the step `at`.
fn way_back<'a, M>(steps: &[Step<'a, M>], mut at: usize, last: Link<'a, M>) -> Vec<Link<'a, M>> {
    let mut links = vec![last];
    while let Some((from, wait)) = steps[at].from {
        links.push(Link { cell: steps[from].cell, wait, target: steps[at].cell.epoch });
        at = from;
    }
    links.reverse();
    links
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Barrier};
    use std::task::Waker;
    use std::thread;

    use super::*;
    use crate::broker::settings::Settings;
    use crate::message::{MessageId, RequestKey};
    use crate::requests::{Edge, Ended, Pending};

    #[derive(Debug)]
    struct Note;

    impl Message for Note {
        const MESSAGE_TYPE: &'static str = "note";
    }

    type Cell = Arc<ActorCell<Note>>;

    fn named(name: &str) -> ActorAddress {
        ActorAddress::named(name).unwrap()
    }

    fn hub<const N: usize>(names: [&str; N]) -> (Hub<Note>, [Cell; N]) {
        let hub = Hub::new(Settings::default());
        let cells = names.map(|name| hub.register(&named(name), None, true).unwrap());
        (hub, cells)
    }

    fn waits<'a>(hub: &'a Hub<Note>, asker: &Cell, target: &Cell) -> (Pending<'a, Note>, Waiting<Note>) {
        let pending = hub.requests.open(target.epoch, None, Waker::noop().clone()).unwrap();
        hub.requests.enter(pending.key(), Edge { asker: asker.key(), target: target.key() });
        let waiting = Waiting::begin(Arc::clone(asker), Wait::Reply(pending.key()));
        (pending, waiting)
    }

    /// The circle that there would be if the first waited for the second.
    fn cycle(hub: &Hub<Note>, asker: &Cell, target: &Cell) -> Option<Vec<ActorAddress>> {
        hub.cycle(asker.key(), target)
    }

    #[test]
    fn a_circle_is_the_shortest_there_is_and_starts_with_the_one_that_asks() {
        let (hub, [a, b, c, d]) = hub(["a", "b", "c", "d"]);
        assert_eq!(cycle(&hub, &a, &a), Some(vec![named("a")]));
        let _long = [waits(&hub, &b, &c), waits(&hub, &c, &d), waits(&hub, &d, &a)];
        assert_eq!(cycle(&hub, &a, &b), Some(["a", "b", "c", "d"].map(named).into()));
        let _short = waits(&hub, &b, &d);
        assert_eq!(cycle(&hub, &a, &b), Some(["a", "b", "d"].map(named).into()));
        assert_eq!(cycle(&hub, &b, &a), None);
    }

    #[test]
    fn a_walk_ends_though_it_comes_into_a_circle_without_the_one_that_asks() {
        let (hub, [a, b, c, d]) = hub(["a", "b", "c", "d"]);
        let _waits = [waits(&hub, &b, &c), waits(&hub, &c, &d), waits(&hub, &d, &b), waits(&hub, &d, &d)];
        assert_eq!(cycle(&hub, &a, &b), None);
    }

    #[test]
    fn a_request_that_has_ended_and_one_that_is_gone_are_no_edges() {
        let (hub, [a, b, c]) = hub(["a", "b", "c"]);
        let (pending, _waiting) = waits(&hub, &b, &a);
        assert!(cycle(&hub, &a, &b).is_some());
        hub.requests.hand_over(pending.key(), c.key());
        assert_eq!(cycle(&hub, &a, &b), None);
        hub.requests.hand_over(pending.key(), a.key());
        hub.requests.end(pending.key(), Ended::NoReply);
        assert_eq!(cycle(&hub, &a, &b), None);
        drop(waits(&hub, &b, &a));
        assert_eq!(cycle(&hub, &a, &b), None);
    }

    #[test]
    fn a_later_actor_with_the_same_id_is_another() {
        let hub = Hub::<Note>::new(Settings::default());
        let (a, b) = (ActorId::next().into(), ActorId::next().into());
        let [a, old] = [&a, &b].map(|address| hub.register(address, None, true).unwrap());
        let _waiting = waits(&hub, &a, &old);
        hub.close(&old);
        let new = hub.register(&b, None, true).unwrap();
        assert!(cycle(&hub, &old, &a).is_none(), "it has left the registry");
        assert_eq!(cycle(&hub, &new, &a), None);
    }

    #[test]
    fn what_was_seen_at_different_times_is_no_circle() {
        let (hub, [a, b, c]) = hub(["a", "b", "c"]);
        let (first, _waits_for_reply) = waits(&hub, &b, &c);
        let _second = waits(&hub, &c, &a);
        let actors = hub.registry.actors();
        let path = hub.walk(&actors, &b, a.epoch).unwrap();
        let still = || path.iter().map(|link| hub.still_waits(link)).collect::<Vec<_>>();
        assert_eq!(still(), [true, true]);
        hub.requests.hand_over(first.key(), a.key());
        assert_eq!(still(), [false, true]);
        hub.requests.hand_over(first.key(), c.key());
        hub.requests.reply(first.key(), Note);
        assert_eq!(still(), [false, true]);
    }

    #[test]
    fn waits_that_are_never_there_at_once_are_never_a_circle() {
        let (hub, [a, b, c]) = hub(["a", "b", "c"]);
        // So that a walk is long under way from the first wait to the second.
        let others = [(); 8].map(|()| hub.register(&ActorAddress::pool("others").unwrap(), None, true).unwrap());
        let _waits_for_others = others.each_ref().map(|other| waits(&hub, &b, other));
        let (began, done) = (Barrier::new(2), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                began.wait();
                for _ in 0..10_000 {
                    for (asker, target) in [(&b, &c), (&c, &a)] {
                        let _held = waits(&hub, asker, target);
                        (0..200).for_each(|_| std::hint::spin_loop());
                    }
                }
                done.store(true, Ordering::Relaxed);
            });
            began.wait();
            while !done.load(Ordering::Relaxed) {
                assert_eq!(cycle(&hub, &a, &b), None);
            }
        });
    }

    #[test]
    fn a_wait_for_room_ends_when_the_message_has_left_the_line() {
        let (hub, [a, b]) = hub(["a", "b"]);
        let room = RoomWait { message: MessageId::next(), at: a.key(), in_line: false };
        let mut waiting = Waiting::begin(Arc::clone(&b), Wait::Room(room));
        assert!(cycle(&hub, &a, &b).is_some());
        waiting.stands_in_line();
        assert_eq!(cycle(&hub, &a, &b), None);
    }

    #[test]
    fn nobody_begins_to_wait_for_room_at_one_that_waits_for_it_by_now() {
        let (hub, [a, b]) = hub(["a", "b"]);
        let mut envelope = MessageEnvelope::new(Note);
        assert!(matches!(hub.wait_for_room(&b, &envelope), Ok(None)), "no handler sends it");
        envelope.set_sending_handler(a.id);
        assert!(matches!(hub.wait_for_room(&b, &envelope), Ok(Some(_))));
        let _waiting = waits(&hub, &b, &a);
        assert_eq!(hub.wait_for_room(&b, &envelope).err(), Some(SendErrorKind::Full));
        assert!(a.waits.is_empty() && !hub.may_wait_for_room(&b, &envelope));
    }

    #[test]
    fn a_key_of_another_broker_leads_nowhere() {
        let (hub, [a, b]) = hub(["a", "b"]);
        let _waiting = Waiting::begin(Arc::clone(&b), Wait::Reply(RequestKey::new(0, 5, 7)));
        assert_eq!(cycle(&hub, &a, &b), None);
    }
}
