//! A request that is passed on waits for the one that it is passed on to.

use switchboard::broker::Ran;
use switchboard::mailbox::BackpressureStrategy;
use switchboard::metrics::Outcome;

use crate::common::{Gate, named, pool, settle};
use crate::script::{Script, Stage, Step, answered, refused, run, would_deadlock};

#[tokio::test(start_paused = true)]
async fn who_has_passed_a_request_on_may_ask_back_and_who_got_it_may_not() {
    let (mut stage, [a, b, c]) = Stage::with(["a", "b", "c"]).await;
    let held = Gate::new();
    let to_c = run([Step::Wait(held.clone()), Step::Ask(a.clone(), Script::reply(1)), Step::Reply(2)]);
    let to_b = run([Step::Forward(c.clone(), to_c), Step::Ask(a.clone(), Script::reply(3))]);
    stage.tell(&a, [Step::Ask(b.clone(), to_b)]).await;
    held.arrival().await;
    settle().await;
    assert!(stage.nothing_has_ended());
    held.let_go(1);
    assert_eq!(stage.next().await, refused([&c, &a]));
    assert_eq!(stage.next().await, answered(&a, 2));
    assert_eq!(stage.next().await, answered(&b, 3));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn passing_on_to_one_that_waits_for_the_caller_ends_the_request_and_nobody_begins_with_it() {
    let (mut stage, [a, b, c]) = Stage::with(["a", "b", "c"]).await;
    let held = Gate::new();
    let to_b = run([Step::Wait(held.clone()), Step::Forward(c.clone(), Script::reply(1))]);
    stage.tell(&a, [Step::Ask(b.clone(), to_b)]).await;
    held.arrival().await;
    stage.tell(&c, [Step::Ask(a.clone(), Script::reply(2))]).await;
    settle().await;
    assert!(stage.nothing_has_ended());
    held.let_go(1);
    assert_eq!(stage.next().await, would_deadlock([&a, &c], Ran::Maybe));
    assert_eq!(stage.next().await, answered(&c, 2));
    settle().await;
    let total = stage.broker.metrics().total;
    assert_eq!((total.outcomes[Outcome::Cancelled], total.outcomes[Outcome::Failed]), (1, 0));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn passing_on_to_the_caller_itself_ends_the_request() {
    let (mut stage, [a, b]) = Stage::with(["a", "b"]).await;
    stage.tell(&a, [Step::Ask(b.clone(), run([Step::Forward(a.clone(), Script::reply(1))]))]).await;
    assert_eq!(stage.next().await, would_deadlock([&a], Ran::Maybe));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn it_is_passed_on_to_the_member_of_a_group_that_does_not_wait_for_the_caller() {
    let (mut stage, [a, b]) = Stage::with(["a", "b"]).await;
    let group = pool("desks");
    for _ in 0..2 {
        stage.enter(&group, 8, BackpressureStrategy::Block).await;
    }
    let held = Gate::new();
    let to_b = run([Step::Wait(held.clone()), Step::Forward(group.clone(), Script::reply(1))]);
    stage.tell(&a, [Step::Ask(b.clone(), to_b)]).await;
    held.arrival().await;
    // The first member waits for the caller, then the second's turn passes, so that the first's comes again.
    stage.tell(&group, [Step::Ask(a.clone(), Script::reply(2))]).await;
    stage.tell(&group, []).await;
    settle().await;
    held.let_go(1);
    assert_eq!(stage.next().await, answered(&a, 1));
    assert_eq!(stage.next().await, answered(&group, 2));
    stage.close().await;
}

/// A stage on which `a` asks `b`, which tries in vain to pass that on to `c`, as `c` is full, and goes on with `then`.
async fn with_a_full_third(then: Step) -> (Stage, Gate) {
    let (stage, [a, b]) = Stage::with(["a", "b"]).await;
    let c = named("c");
    stage.enter(&c, 1, BackpressureStrategy::Error).await;
    let gate = stage.hold(&c, [Step::Ask(a.clone(), Script::reply(1))]).await;
    stage.tell(&c, []).await;
    let to_b = run([Step::Forward(c.clone(), Script::reply(2)), then, Step::Reply(3)]);
    stage.tell(&a, [Step::Ask(b.clone(), to_b)]).await;
    settle().await;
    (stage, gate)
}

#[tokio::test(start_paused = true)]
async fn who_could_not_pass_it_on_must_not_ask_back() {
    let [a, b, c] = ["a", "b", "c"].map(named);
    let (mut stage, gate) = with_a_full_third(Step::Ask(a.clone(), Script::reply(4))).await;
    assert_eq!(stage.next().await, refused([&b, &a]));
    assert_eq!(stage.next().await, answered(&a, 3));
    gate.let_go(1);
    assert_eq!(stage.next().await, answered(&c, 1));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_did_not_take_it_may_ask_the_caller() {
    let [a, c] = ["a", "c"].map(named);
    let held = Gate::new();
    let (mut stage, gate) = with_a_full_third(Step::Wait(held.clone())).await;
    gate.let_go(1);
    settle().await;
    assert!(stage.nothing_has_ended());
    held.let_go(1);
    assert_eq!(stage.next().await, answered(&a, 3));
    assert_eq!(stage.next().await, answered(&c, 1));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_comes_back_to_one_that_asks_the_caller_by_now_ends() {
    let (mut stage, [a, b]) = Stage::with(["a", "b"]).await;
    let c = named("c");
    let full = stage.enter(&c, 1, BackpressureStrategy::Block).await;
    let gate = stage.hold(&c, []).await;
    stage.tell(&c, []).await;
    let both = [(c.clone(), Script::reply(1)), (a.clone(), Script::reply(2))];
    stage.tell(&a, [Step::Ask(b.clone(), run([Step::ForwardAndAsk(both)]))]).await;
    settle().await;
    assert!(stage.nothing_has_ended());
    full.stop();
    assert_eq!(stage.next().await, would_deadlock([&a, &b], Ran::Maybe));
    assert_eq!(stage.next().await, answered(&b, 2));
    gate.let_go(1);
    stage.close().await;
}
