use super::*;
use crate::sync::{Mutex, check, check_all, scope};

#[test]
fn a_deadline_that_comes_during_a_look_is_seen_by_it_or_is_the_next() {
    check(|| {
        let (timer, shard) = (Timer::new(), Mutex::new(None));
        let far = Deadline::from_nanos(u64::MAX / 2);
        timer.wake_by(Deadline::PASSED);
        scope(|scope| {
            scope.spawn(|| timer.look(|| *shard.lock()));
            *shard.lock() = Some(far);
            timer.wake_by(far);
        });
        assert!(timer.next.load(Ordering::SeqCst) <= far.nanos());
    });
}

#[test]
fn of_those_who_find_no_task_one_starts_it() {
    check_all(|| {
        let timer = Timer::new();
        let started = scope(|scope| {
            let other = scope.spawn(|| timer.must_start());
            usize::from(timer.must_start()) + usize::from(other.join().unwrap())
        });
        assert_eq!(started, 1);
    });
}
