//! Handlers that wait for room in each other's mailboxes.

use switchboard::address::ActorAddress;
use switchboard::broker::{MessageBroker, Ran, RequestErrorKind, SendErrorKind};
use switchboard::mailbox::BackpressureStrategy;

use crate::common::{Gate, named, pool, settle};
use crate::script::{Ended, Script, Stage, Step, answered, refused, run};

fn full(sender: &ActorAddress) -> Ended {
    (sender.clone(), Err((RequestErrorKind::NotSent(SendErrorKind::Full), Ran::Never)))
}

/// A stage on which each of these is held, with a full mailbox, and does this after that.
async fn with_full<const N: usize>(actors: [(&ActorAddress, Step); N]) -> (Stage, [Gate; N]) {
    let (stage, gates) = (Stage::new(), [(); N].map(|()| Gate::new()));
    for ((address, then), gate) in actors.into_iter().zip(&gates) {
        let actor = ActorAddress::from(stage.enter(address, 1, BackpressureStrategy::Block).await.id());
        stage.tell(&actor, [Step::Wait(gate.clone()), then]).await;
        gate.arrival().await;
        stage.tell(&actor, []).await;
    }
    (stage, gates)
}

#[tokio::test(start_paused = true)]
async fn of_two_that_send_to_each_other_s_full_mailboxes_the_second_is_refused() {
    let (a, b) = (named("a"), named("b"));
    let (mut stage, [a_goes, b_goes]) =
        with_full([(&a, Step::Send(b.clone(), run([]))), (&b, Step::Send(a.clone(), run([])))]).await;
    a_goes.let_go(1);
    settle().await;
    assert!(stage.nothing_has_ended());
    b_goes.let_go(1);
    assert_eq!(stage.next().await, full(&b));
    assert_eq!(stage.next().await, answered(&a, 0));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_must_not_be_asked_by_the_one_that_is_full() {
    let (a, b) = (named("a"), named("b"));
    let (mut stage, [a_goes, b_goes]) =
        with_full([(&a, Step::Send(b.clone(), run([]))), (&b, Step::Ask(a.clone(), Script::reply(1)))]).await;
    a_goes.let_go(1);
    settle().await;
    b_goes.let_go(1);
    assert_eq!(stage.next().await, refused([&b, &a]));
    assert_eq!(stage.next().await, answered(&a, 0));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_room_at_one_that_waits_for_its_reply() {
    let (a, b) = (named("a"), named("b"));
    let (mut stage, [a_goes, b_goes]) =
        with_full([(&a, Step::Send(b.clone(), run([]))), (&b, Step::Ask(a.clone(), Script::reply(1)))]).await;
    b_goes.let_go(1);
    settle().await;
    assert!(stage.nothing_has_ended());
    a_goes.let_go(1);
    assert_eq!(stage.next().await, full(&a));
    assert_eq!(stage.next().await, answered(&b, 1));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn in_a_group_it_waits_for_room_at_the_member_that_does_not_wait_for_it() {
    let (a, group) = (named("a"), pool("desks"));
    let sends = Step::Send(group.clone(), run([]));
    let asks = Step::Ask(a.clone(), Script::reply(1));
    let (mut stage, [a_goes, waits, works]) =
        with_full([(&a, sends), (&group, asks), (&group, Step::Wait(Gate::new()))]).await;
    waits.let_go(1);
    settle().await;
    a_goes.let_go(1);
    settle().await;
    assert!(stage.nothing_has_ended());
    assert_eq!(stage.broker.metrics().blocked_senders, 2);
    drop(works);
    stage.broker.shutdown(std::time::Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_for_what_it_passes_on_must_not_be_asked_by_the_one_that_is_full() {
    let (b, c) = (named("b"), named("c"));
    let (mut stage, [c_goes]) = with_full([(&c, Step::Ask(b.clone(), Script::reply(1)))]).await;
    stage.enter(&b, 8, BackpressureStrategy::Block).await;
    let broker = stage.broker.clone();
    let (to_b, to_c) = (b.clone(), c.clone());
    let asked =
        tokio::spawn(async move { broker.request(&to_b, run([Step::Forward(to_c, Script::reply(2))])).await.is_ok() });
    settle().await;
    c_goes.let_go(1);
    assert_eq!(stage.next().await, refused([&c, &b]));
    assert!(asked.await.unwrap());
    stage.close().await;
}
