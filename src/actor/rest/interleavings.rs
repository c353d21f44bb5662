use super::*;
use crate::sync::{check_all, scope};

#[test]
fn an_actor_that_wakes_as_it_is_let_go_of_is_looked_at_by_one() {
    check_all(|| {
        let rest = Rest::new();
        assert!(rest.list());
        rest.set_dormant(true);
        let (listed_anew, stays) = scope(|scope| {
            let wakes = scope.spawn(|| {
                rest.set_dormant(false);
                rest.list()
            });
            let stays = !rest.unlist();
            (wakes.join().unwrap(), stays)
        });
        assert!(listed_anew != stays);
    });
}
