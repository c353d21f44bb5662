use tokio::task::JoinSet;

use crate::candidate::Candidate;
use crate::loads::{
    Load, asks, copies, floods, guests, leavers, letters, polls, pools, retries, schedules, tells, topics,
};
use crate::player::Cast;

/// Starts the tasks of all loads.
pub(crate) fn start<C: Candidate>(cast: &Cast<C>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for task in 0..2 {
        tasks.spawn(tells::run(cast.player(Load::Tells, task, 0.5), task));
        tasks.spawn(asks::run(cast.player(Load::Asks, task, 0.5), task));
    }
    tasks.spawn(polls::run(cast.player(Load::Polls, 0, 1.0)));
    tasks.spawn(leavers::run(cast.player(Load::Leavers, 0, 1.0)));
    tasks.spawn(retries::run(cast.player(Load::Retries, 0, 1.0)));
    tasks.spawn(schedules::run(cast.player(Load::Schedules, 0, 1.0)));
    tasks.spawn(topics::publish(cast.player(Load::Topics, 0, 0.7)));
    for task in 1..4 {
        tasks.spawn(topics::subscribe(cast.player(Load::Topics, task, 0.1)));
    }
    for task in 0..2 {
        tasks.spawn(floods::run(cast.player(Load::Floods, task, 0.5), task));
    }
    tasks.spawn(pools::send(cast.player(Load::Pools, 0, 0.9)));
    tasks.spawn(pools::change(cast.player(Load::Pools, 1, 0.1)));
    for task in 0..4 {
        tasks.spawn(guests::run(cast.player(Load::Guests, task, 0.25), task));
    }
    tasks.spawn(letters::run(cast.player(Load::Letters, 0, 1.0)));
    tasks.spawn(copies::run(cast.player(Load::Copies, 0, 1.0)));
    tasks
}
