use super::support::{broker, desk, register, try_send};
use crate::dead_letters::DeadLetterFilter;
use crate::sync::{check, scope};

#[test]
fn what_is_redriven_to_an_actor_that_ends_stays_a_dead_letter_or_is_one_again() {
    check(|| {
        let broker = broker();
        let former = register(&broker, &desk(), 1);
        assert_eq!(try_send(&broker, &desk(), 0..1), [0]);
        drop(former);
        // Has no room, so that it would stand in line.
        let next = register(&broker, &desk(), 1);
        assert_eq!(try_send(&broker, &desk(), 1..2), [1]);
        let redriven = scope(|scope| {
            let redrives = scope.spawn(|| broker.dead_letters().redrive(&DeadLetterFilter::all()));
            drop(next);
            redrives.join().unwrap()
        });
        assert_eq!(broker.metrics().dead_letters, 2);
        let audit = broker.audit();
        assert!(audit.is_balanced() && audit.is_at_rest(), "{audit}");
        assert_eq!(audit.accepted as usize, 2 + redriven.sent);
    });
}
