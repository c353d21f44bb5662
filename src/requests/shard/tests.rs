use std::sync::Arc;

use super::*;
use crate::address::ActorId;

type Ends = Result<u64, Ended>;

fn open(shard: &mut Shard<u64>, target: Epoch, deadline: Option<u64>) -> RequestKey {
    if !shard.has_free_slot() {
        assert!(shard.add_place());
    }
    shard.open(target, deadline.map(Deadline::from_nanos), Waker::noop().clone()).unwrap()
}

fn actor() -> ActorKey {
    ActorKey { id: ActorId::next(), epoch: Epoch::next() }
}

fn take(shard: &mut Shard<u64>, key: RequestKey) -> Option<Ends> {
    shard.take(key, Waker::noop())
}

/// The result that nobody took.
fn close(shard: &mut Shard<u64>, key: RequestKey) -> Option<Ends> {
    match shard.close(key) {
        Stage::Ended(result) => Some(result),
        Stage::Free | Stage::Open(_) => None,
    }
}

/// How the request ends if its deadline passes now.
fn expired(shard: &mut Shard<u64>, key: RequestKey) -> Option<Ends> {
    shard.expire(u64::MAX - 1, &mut Vec::new());
    take(shard, key)
}

fn timed_out(begun: bool) -> Option<Ends> {
    Some(Err(Ended::TimedOut { begun }))
}

#[test]
fn a_key_kept_too_long_finds_nothing_and_harms_nobody() {
    let (mut shard, target) = (Shard::new(3), Epoch::next());
    let stale = open(&mut shard, target, None);
    assert_eq!(close(&mut shard, stale), None);
    let key = open(&mut shard, target, None);
    assert_eq!(key.slot(), stale.slot());
    assert!(!shard.begin(stale));
    assert_eq!(shard.hand_over(stale, actor()), None);
    assert_eq!(shard.end(stale, Ok(1)).err(), Some(Ok(1)));
    assert_eq!(take(&mut shard, stale), None);
    assert_eq!(close(&mut shard, stale), None);
    assert_eq!(shard.in_flight(), 1);
    assert!(shard.end(key, Ok(2)).is_ok());
    assert_eq!(take(&mut shard, key), Some(Ok(2)));
}

#[test]
fn a_key_that_names_no_slot_finds_nothing() {
    let mut shard = Shard::<u64>::new(0);
    let key = RequestKey::new(0, 7, 1);
    assert!(!shard.begin(key));
    assert_eq!((close(&mut shard, key), take(&mut shard, key)), (None, None));
}

#[test]
fn generations_come_round_without_a_key_that_is_no_key() {
    let mut shard = Shard::new(0);
    let first = open(&mut shard, Epoch::next(), None);
    close(&mut shard, first);
    shard.slots[0].generation = u32::MAX;
    let last = open(&mut shard, Epoch::next(), None);
    close(&mut shard, last);
    let after = open(&mut shard, Epoch::next(), None);
    assert_eq!((last.generation(), after.generation()), (u32::MAX, 1));
    assert!(!shard.begin(last) && shard.begin(after));
}

#[test]
fn one_slot_serves_any_number_of_requests_in_turn() {
    let mut shard = Shard::new(0);
    let mut keys = std::collections::HashSet::new();
    for turn in 0..10_000 {
        let key = open(&mut shard, Epoch::next(), Some(turn));
        assert!(keys.insert(key) && shard.in_flight() == 1);
        assert!(shard.end(key, Ok(turn)).is_ok());
        assert_eq!(take(&mut shard, key), Some(Ok(turn)));
        assert_eq!(shard.in_flight(), 0);
    }
    assert_eq!((shard.slots.len(), shard.deadlines.len(), shard.free.len()), (1, 1, 1));
}

#[test]
fn a_result_that_waits_to_be_taken_is_in_flight() {
    let mut shard = Shard::new(0);
    let keys = [(); 3].map(|()| open(&mut shard, Epoch::next(), None));
    assert!(shard.end(keys[0], Ok(5)).is_ok());
    assert_eq!(shard.in_flight(), 3);
    assert_eq!(close(&mut shard, keys[0]), Some(Ok(5)));
    assert_eq!(close(&mut shard, keys[1]), None);
    assert_eq!(shard.in_flight(), 1);
}

#[test]
fn what_has_ended_neither_begins_nor_moves_nor_ends_again() {
    let mut shard = Shard::new(0);
    let key = open(&mut shard, Epoch::next(), Some(1));
    assert!(shard.end(key, Ok(1)).is_ok());
    assert!(!shard.begin(key));
    assert_eq!(shard.hand_over(key, actor()), None);
    assert_eq!(shard.end(key, Ok(2)).err(), Some(Ok(2)));
    assert_eq!(shard.expire(u64::MAX - 1, &mut Vec::new()), NO_DEADLINE);
    assert_eq!(take(&mut shard, key), Some(Ok(1)));
}

#[test]
fn an_end_says_whether_any_handler_has_begun() {
    let (mut shard, target) = (Shard::new(0), Epoch::next());
    let key = open(&mut shard, target, Some(1));
    assert_eq!(expired(&mut shard, key), timed_out(false));

    let key = open(&mut shard, target, Some(1));
    assert!(shard.begin(key));
    assert_eq!(expired(&mut shard, key), timed_out(true));

    let key = open(&mut shard, target, Some(1));
    shard.hand_over(key, actor());
    assert_eq!(expired(&mut shard, key), timed_out(false));

    let key = open(&mut shard, target, Some(1));
    assert!(shard.begin(key));
    shard.hand_over(key, actor());
    assert_eq!(expired(&mut shard, key), timed_out(true));
}

#[test]
fn an_actor_that_stops_ends_what_it_has_and_has_not_begun() {
    let (mut shard, [stops, other]) = (Shard::new(0), [actor(), actor()]);
    let [waits, begun, foreign, ended, passed_on, taken_over] =
        [stops, stops, other, stops, stops, other].map(|target| open(&mut shard, target.epoch, None));
    assert!(shard.begin(begun));
    assert!(shard.end(ended, Ok(1)).is_ok());
    shard.hand_over(passed_on, other);
    assert!(shard.begin(taken_over));
    shard.hand_over(taken_over, stops);
    let mut wakers = Vec::new();
    shard.end_unbegun(stops.epoch, &mut wakers);
    assert_eq!(wakers.len(), 2);
    let stopped = |begun| Some(Err(Ended::Stopped { begun }));
    let ends = [waits, begun, foreign, ended, passed_on, taken_over].map(|key| take(&mut shard, key));
    assert_eq!(ends, [stopped(false), None, None, Some(Ok(1)), None, stopped(true)]);
}

#[test]
fn what_got_in_as_its_actor_stops_ends_unless_that_has_begun_with_it_or_nobody_waits() {
    let (mut shard, target) = (Shard::new(0), Epoch::next());
    let [waits, begun, ended] = [10, 20, 30].map(|deadline| open(&mut shard, target, Some(deadline)));
    assert!(shard.begin(begun));
    assert!(shard.end(ended, Ok(1)).is_ok());
    let woken = [waits, begun, ended].map(|key| shard.end_if_unbegun(key).is_some());
    assert_eq!(woken, [true, false, false]);
    assert_eq!(shard.expire(5, &mut Vec::new()), 20, "what has ended has no deadline any more");
    let ends = [waits, begun, ended].map(|key| take(&mut shard, key));
    assert_eq!(ends, [Some(Err(Ended::Stopped { begun: false })), None, Some(Ok(1))]);
}

#[test]
fn only_what_is_due_expires_and_the_next_deadline_is_that_of_the_rest() {
    let (mut shard, target) = (Shard::new(0), Epoch::next());
    let keys = [Some(30), Some(10), None, Some(20)].map(|deadline| open(&mut shard, target, deadline));
    let mut due = |now| {
        let mut wakers = Vec::new();
        let next = shard.expire(now, &mut wakers);
        (wakers.len(), next)
    };
    assert_eq!(due(9), (0, 10));
    assert_eq!(due(10), (1, 20));
    assert_eq!(due(10), (0, 20));
    assert_eq!(due(35), (2, NO_DEADLINE));
    let ends = keys.map(|key| take(&mut shard, key));
    assert_eq!(ends, [timed_out(false), timed_out(false), None, timed_out(false)]);
}

#[test]
fn what_was_answered_or_given_up_has_no_deadline_any_more() {
    let (mut shard, target) = (Shard::new(0), Epoch::next());
    let [answered, given_up] = [10, 20].map(|deadline| open(&mut shard, target, Some(deadline)));
    assert!(shard.end(answered, Ok(1)).is_ok());
    close(&mut shard, given_up);
    assert_eq!(shard.expire(5, &mut Vec::new()), NO_DEADLINE);
    open(&mut shard, target, None);
    assert_eq!(shard.expire(50, &mut Vec::new()), NO_DEADLINE);
    assert_eq!(shard.in_flight(), 2);
}

#[test]
fn the_latest_waker_is_the_one_that_is_woken() {
    struct Never;

    impl std::task::Wake for Never {
        fn wake(self: Arc<Self>) {}
    }

    let mut shard = Shard::new(0);
    let key = open(&mut shard, Epoch::next(), None);
    let (older, latest) = (Waker::from(Arc::new(Never)), Waker::from(Arc::new(Never)));
    assert_eq!(shard.take(key, &older), None);
    assert_eq!(shard.take(key, &latest), None);
    let woken = shard.end(key, Ok(1)).unwrap().unwrap();
    assert!(woken.will_wake(&latest) && !woken.will_wake(&older));
}

/// A request that the handler of the first actor waits for, of the second.
fn asked(shard: &mut Shard<u64>, asker: ActorKey, target: ActorKey) -> RequestKey {
    let key = open(shard, target.epoch, None);
    shard.enter(key, Edge { asker, target });
    key
}

#[test]
fn a_handler_waits_for_whoever_is_to_answer_until_the_request_has_ended() {
    let (mut shard, [asker, first, second]) = (Shard::new(0), [actor(), actor(), actor()]);
    let key = asked(&mut shard, asker, first);
    assert_eq!(shard.waited_for(key), Some(first));
    assert_eq!(shard.hand_over(key, second), Some(Edge { asker, target: first }));
    assert_eq!(shard.waited_for(key), Some(second));
    shard.waits(key, first);
    assert_eq!(shard.waited_for(key), Some(first));
    assert!(shard.end(key, Ok(1)).is_ok());
    assert_eq!(shard.waited_for(key), None);
    close(&mut shard, key);
    let next = open(&mut shard, first.epoch, None);
    assert_eq!((shard.waited_for(key), shard.waited_for(next)), (None, None));
    assert_eq!(shard.hand_over(next, second), None);
}

#[test]
fn a_request_that_is_given_back_waits_for_the_one_that_has_begun_with_it() {
    let (mut shard, [asker, first, second]) = (Shard::new(0), [actor(), actor(), actor()]);
    let key = asked(&mut shard, asker, first);
    assert!(shard.begin(key));
    shard.hand_over(key, second);
    shard.give_back(key, first);
    assert_eq!(shard.waited_for(key), Some(first));
    shard.end_unbegun(first.epoch, &mut Vec::new());
    shard.end_unbegun(second.epoch, &mut Vec::new());
    assert_eq!(take(&mut shard, key), None);
}

#[test]
fn what_anybody_may_answer_waits_for_nobody_in_particular() {
    let (mut shard, target) = (Shard::new(0), actor());
    let [key, other] = [(); 2].map(|()| asked(&mut shard, actor(), target));
    shard.detach(key);
    assert_eq!((shard.waited_for(key), shard.waited_for(other)), (None, Some(target)));
    assert_eq!(shard.hand_over(key, actor()), None);
    assert_eq!(take(&mut shard, key), None);
}

/// Whoever asked learns late that the message got in, when a handler has begun with it and passes it on to itself.
#[test]
fn a_wait_for_room_that_is_over_is_not_taken_for_a_later_one_at_the_same_actor() {
    let (mut shard, target) = (Shard::new(0), actor());
    let key = open(&mut shard, target.epoch, None);
    let (_, wait) = shard.waits(key, target);
    assert!(shard.got_in(key, wait));
    assert!(!shard.got_in(key, wait), "once");
    let (_, wait) = shard.waits(key, target);
    assert!(shard.begin(key));
    shard.hand_over(key, target);
    shard.pauses(key);
    assert!(!shard.got_in(key, wait));
    let (_, later) = shard.waits(key, target);
    assert!(!shard.got_in(key, wait) && shard.got_in(key, later));
}
