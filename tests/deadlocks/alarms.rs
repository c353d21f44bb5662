//! Nobody is refused who would get an answer.

use switchboard::mailbox::BackpressureStrategy;

use crate::common::{Gate, named, settle};
use crate::script::{Script, Stage, Step, answered, refused, run};

#[tokio::test(start_paused = true)]
async fn who_has_replied_may_ask_back() {
    let (mut stage, [a, b]) = Stage::with(["a", "b"]).await;
    // At once, before the caller has so much as seen the reply.
    let to_b = run([Step::Reply(1), Step::Ask(a.clone(), Script::reply(2))]);
    stage.tell(&a, [Step::Ask(b.clone(), to_b)]).await;
    assert_eq!(stage.next().await, answered(&a, 1));
    assert_eq!(stage.next().await, answered(&b, 2));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_got_a_reply_may_be_asked_back() {
    let (mut stage, [a, b]) = Stage::with(["a", "b"]).await;
    let held = Gate::new();
    stage.tell(&a, [Step::Ask(b.clone(), Script::reply(1)), Step::Wait(held.clone())]).await;
    assert_eq!(stage.next().await, answered(&a, 1));
    stage.tell(&b, [Step::Ask(a.clone(), Script::reply(2))]).await;
    settle().await;
    assert!(stage.nothing_has_ended());
    held.let_go(1);
    assert_eq!(stage.next().await, answered(&b, 2));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_dropped_waits_for_nobody() {
    let (mut stage, [a, b]) = Stage::with(["a", "b"]).await;
    let held = Gate::new();
    let gate = stage.hold(&b, [Step::Ask(a.clone(), Script::reply(1))]).await;
    stage.tell(&a, [Step::AskAndDrop(b.clone(), Script::reply(2)), Step::Wait(held.clone())]).await;
    held.arrival().await;
    gate.let_go(1);
    settle().await;
    assert!(stage.nothing_has_ended());
    held.let_go(1);
    assert_eq!(stage.next().await, answered(&b, 1));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_refused_waits_for_nobody() {
    let (mut stage, [a, b]) = Stage::with(["a", "b"]).await;
    let (held, done) = (Gate::new(), Gate::new());
    let to_b = run([Step::Ask(a.clone(), Script::reply(1)), Step::Reply(2), Step::Wait(held.clone())]);
    stage
        .tell(&a, [Step::Ask(b.clone(), to_b), Step::Ask(b.clone(), Script::reply(3)), Step::Wait(done.clone())])
        .await;
    assert_eq!(stage.next().await, refused([&b, &a]));
    assert_eq!(stage.next().await, answered(&a, 2));
    held.let_go(1);
    assert_eq!(stage.next().await, answered(&a, 3));
    done.let_go(1);
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn two_ways_to_one_actor_are_no_circle() {
    let (mut stage, [a, b, c, d]) = Stage::with(["a", "b", "c", "d"]).await;
    let held = Gate::new();
    let by = |number| run([Step::Ask(d.clone(), Script::reply(number)), Step::Reply(number + 1)]);
    let gate = stage.hold(&d, [Step::Wait(held.clone()), Step::Ask(a.clone(), Script::reply(9))]).await;
    stage.tell(&a, [Step::AskBoth([(b.clone(), by(1)), (c.clone(), by(3))])]).await;
    settle().await;
    assert!(stage.nothing_has_ended());
    gate.let_go(1);
    held.let_go(1);
    // The one at the end of both ways must not ask the one at their beginning.
    assert_eq!(stage.next().await, refused([&d, &a, &b]));
    let mut ends = Vec::new();
    for _ in 0..4 {
        ends.push(stage.next().await);
    }
    for ended in [answered(&b, 1), answered(&c, 3), answered(&a, 2), answered(&a, 4)] {
        assert!(ends.contains(&ended), "{ends:?}");
    }
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn any_number_may_wait_for_one_that_waits_for_another() {
    let (mut stage, [a, b, c, d]) = Stage::with(["a", "b", "c", "d"]).await;
    let gate = stage.hold(&d, []).await;
    stage.tell(&c, [Step::Ask(d.clone(), Script::reply(1))]).await;
    settle().await;
    for asker in [&a, &b] {
        stage.tell(asker, [Step::Ask(c.clone(), Script::reply(2))]).await;
    }
    settle().await;
    gate.let_go(1);
    for ended in [answered(&c, 1), answered(&a, 2), answered(&b, 2)] {
        assert_eq!(stage.next().await, ended);
    }
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_has_left_the_reply_to_another_task_may_ask_back() {
    let (mut stage, [a, b]) = Stage::with(["a", "b"]).await;
    let held = Gate::new();
    let to_b = run([Step::ReplyElsewhere(held.clone(), 1), Step::Ask(a.clone(), Script::reply(2))]);
    stage.tell(&a, [Step::Ask(b.clone(), to_b)]).await;
    held.arrival().await;
    settle().await;
    assert!(stage.nothing_has_ended());
    held.let_go(1);
    assert_eq!(stage.next().await, answered(&a, 1));
    assert_eq!(stage.next().await, answered(&b, 2));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_was_let_in_waits_no_longer_though_it_has_not_gone_on_yet() {
    let (mut stage, [a]) = Stage::with(["a"]).await;
    let b = named("b");
    stage.enter(&b, 1, BackpressureStrategy::Block).await;
    let gate = stage.hold(&b, []).await;
    stage.tell(&b, [Step::Ask(a.clone(), Script::reply(1))]).await;
    stage.tell(&a, [Step::Send(b.clone(), run([]))]).await;
    settle().await;
    assert_eq!(stage.broker.metrics().blocked_senders, 1);
    // It takes the next message, which lets the sender in, and in the same turn asks it.
    gate.let_go(1);
    assert_eq!(stage.next().await, answered(&a, 0));
    assert_eq!(stage.next().await, answered(&b, 1));
    stage.close().await;
}
