//! A member of a group that can't be waited for is passed over.

use switchboard::address::ActorAddress;
use switchboard::broker::{Ran, RequestErrorKind, SendErrorKind};
use switchboard::mailbox::BackpressureStrategy;

use crate::common::{Gate, named, pool, settle};
use crate::script::{Script, Stage, Step, answered, refused};

/// A stage on which `a` is held, and is to ask the group after that, of which so many members wait for it by then.
async fn with_waiting_members(group: &ActorAddress, members: usize) -> (Stage, Gate) {
    let (stage, [a]) = Stage::with(["a"]).await;
    let gate = stage.hold(&a, [Step::Ask(group.clone(), Script::reply(1))]).await;
    for _ in 0..members {
        let member = stage.enter(group, 1, BackpressureStrategy::Block).await;
        stage.tell(&member.id().into(), [Step::Ask(a.clone(), Script::reply(2))]).await;
    }
    settle().await;
    (stage, gate)
}

fn groups() -> [ActorAddress; 2] {
    [pool("desks"), ActorAddress::service("desks").unwrap()]
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_wait_for_the_asker_answers() {
    for group in groups() {
        let (mut stage, gate) = with_waiting_members(&group, 3).await;
        stage.enter(&group, 1, BackpressureStrategy::Block).await;
        gate.let_go(1);
        assert_eq!(stage.next().await, answered(&named("a"), 1));
        for _ in 0..3 {
            assert_eq!(stage.next().await, answered(&group, 2));
        }
        stage.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn if_all_wait_for_the_asker_it_is_refused() {
    for group in groups() {
        let (mut stage, gate) = with_waiting_members(&group, 3).await;
        gate.let_go(1);
        assert_eq!(stage.next().await, refused([&named("a"), &group]));
        for _ in 0..3 {
            assert_eq!(stage.next().await, answered(&group, 2));
        }
        stage.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn however_many_wait_for_the_asker_the_free_one_is_found() {
    let group = pool("desks");
    let (mut stage, gate) = with_waiting_members(&group, 40).await;
    stage.enter(&group, 1, BackpressureStrategy::Block).await;
    gate.let_go(1);
    assert_eq!(stage.next().await, answered(&named("a"), 1));
    for _ in 0..40 {
        assert_eq!(stage.next().await, answered(&group, 2));
    }
    stage.close().await;
}

/// Adds a member that is held, with a full mailbox.
async fn add_full(stage: &Stage, group: &ActorAddress, strategy: BackpressureStrategy) -> Gate {
    let member = ActorAddress::from(stage.enter(group, 1, strategy).await.id());
    let gate = stage.hold(&member, []).await;
    stage.tell(&member, []).await;
    gate
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_room_at_one_that_does_not_wait_for_it() {
    let group = pool("desks");
    let (mut stage, gate) = with_waiting_members(&group, 2).await;
    let full = add_full(&stage, &group, BackpressureStrategy::Block).await;
    gate.let_go(1);
    settle().await;
    assert!(stage.nothing_has_ended());
    assert_eq!(stage.broker.metrics().blocked_senders, 1);
    full.let_go(1);
    assert_eq!(stage.next().await, answered(&named("a"), 1));
    for _ in 0..2 {
        assert_eq!(stage.next().await, answered(&group, 2));
    }
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn if_one_is_only_full_that_is_why_it_is_refused() {
    let (group, a) = (pool("desks"), named("a"));
    for turn in 0..3 {
        let (mut stage, gate) = with_waiting_members(&group, 1).await;
        let full = add_full(&stage, &group, BackpressureStrategy::Error).await;
        stage.enter(&group, 1, BackpressureStrategy::Block).await.stop();
        for _ in 0..turn {
            // Whoever's turn it is.
            stage.broker.registry().pick(&group, &Script::reply(0).into()).unwrap();
        }
        gate.let_go(1);
        let kind = RequestErrorKind::NotSent(SendErrorKind::Full);
        assert_eq!(stage.next().await, (a.clone(), Err((kind, Ran::Never))));
        assert_eq!(stage.next().await, answered(&group, 2));
        full.let_go(1);
        stage.close().await;
    }
}
