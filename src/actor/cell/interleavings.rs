use std::future::pending;

use super::*;
use crate::sync::{Handle, block_on, check};

/// The first of its tasks may fall asleep, and the next be there, before whoever started the first names it.
#[test]
fn the_handle_that_is_kept_is_that_of_the_latest_task() {
    check(|| {
        let (id, runtime) = (ActorId::next(), Handle::current());
        let cell = Arc::new(ActorCell::<u64>::new(id, id.into(), MailboxOptions::default(), true));
        let turn = cell.begin_task();
        let first = runtime.spawn({
            let (cell, runtime) = (Arc::clone(&cell), runtime.clone());
            async move {
                cell.begin_rest();
                let turn = cell.begin_task();
                let second = runtime.spawn(pending::<()>());
                cell.set_task(turn, second.abort_handle());
                // Handed on, not awaited here.
                [second]
            }
        });
        cell.set_task(turn, first.abort_handle());
        let [second] = block_on(first).unwrap();
        cell.abort();
        assert!(block_on(second).is_err());
    });
}

#[test]
fn a_task_that_is_named_as_its_actor_is_aborted_ends() {
    check(|| {
        let (id, runtime) = (ActorId::next(), Handle::current());
        let cell = Arc::new(ActorCell::<u64>::new(id, id.into(), MailboxOptions::default(), true));
        let aborts = crate::sync::spawn({
            let cell = Arc::clone(&cell);
            move || cell.abort()
        });
        let turn = cell.begin_task();
        let task = runtime.spawn(pending::<()>());
        cell.set_task(turn, task.abort_handle());
        assert!(block_on(task).is_err());
        aborts.join().unwrap();
    });
}
