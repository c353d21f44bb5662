//! Circles of requests, and of requests that wait for room.

use std::time::Duration;

use switchboard::broker::{MessageBroker, Ran, RequestErrorKind};
use switchboard::mailbox::BackpressureStrategy;
use switchboard::message::Message;
use tokio::time::Instant;

use crate::common::{Gate, named, settle};
use crate::script::{Script, Stage, Step, answered, refused, run};

#[tokio::test(start_paused = true)]
async fn of_two_that_ask_each_other_the_second_is_refused_and_the_first_gets_its_answer() {
    let (mut stage, [a, b]) = Stage::with(["a", "b"]).await;
    let start = Instant::now();
    let gate = stage.hold(&b, [Step::Ask(a.clone(), Script::reply(1))]).await;
    stage.tell(&a, [Step::Ask(b.clone(), Script::reply(2))]).await;
    settle().await;
    gate.let_go(1);
    assert_eq!(stage.next().await, refused([&b, &a]));
    assert_eq!(stage.next().await, answered(&a, 2));
    assert!(start.elapsed().is_zero());
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_refused_one_goes_on_and_answers_who_asked_it() {
    let (mut stage, [a, b]) = Stage::with(["a", "b"]).await;
    let to_b = run([Step::Ask(a.clone(), Script::reply(1)), Step::Reply(2)]);
    stage.tell(&a, [Step::Ask(b.clone(), to_b)]).await;
    assert_eq!(stage.next().await, refused([&b, &a]));
    assert_eq!(stage.next().await, answered(&a, 2));
    stage.tell(&b, [Step::Ask(a.clone(), Script::reply(3))]).await;
    assert_eq!(stage.next().await, answered(&b, 3));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_circle_through_others_is_named_in_the_order_of_who_waits_for_whom() {
    let (mut stage, [a, b, c]) = Stage::with(["a", "b", "c"]).await;
    let to_c = run([Step::Ask(a.clone(), Script::reply(1)), Step::Reply(2)]);
    let to_b = run([Step::Ask(c.clone(), to_c), Step::Reply(3)]);
    let start = Instant::now();
    stage.tell(&a, [Step::Ask(b.clone(), to_b)]).await;
    assert_eq!(stage.next().await, refused([&c, &a, &b]));
    assert_eq!(stage.next().await, answered(&b, 2));
    assert_eq!(stage.next().await, answered(&a, 3));
    assert!(start.elapsed().is_zero());
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_circle_may_have_an_actor_that_has_not_begun_with_the_request() {
    let (mut stage, [a, b, c]) = Stage::with(["a", "b", "c"]).await;
    let gate = stage.hold(&c, [Step::Ask(a.clone(), Script::reply(1))]).await;
    stage.tell(&a, [Step::Ask(b.clone(), run([Step::Ask(c.clone(), Script::reply(2)), Step::Reply(3)]))]).await;
    settle().await;
    gate.let_go(1);
    assert_eq!(stage.next().await, refused([&c, &a, &b]));
    assert_eq!(stage.next().await, answered(&b, 2));
    assert_eq!(stage.next().await, answered(&a, 3));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_room_is_part_of_a_circle_too() {
    let (mut stage, [a]) = Stage::with(["a"]).await;
    let b = named("b");
    stage.enter(&b, 1, BackpressureStrategy::Block).await;
    let gate = stage.hold(&b, [Step::Ask(a.clone(), Script::reply(1))]).await;
    stage.tell(&b, []).await;
    stage.tell(&a, [Step::Ask(b.clone(), Script::reply(2))]).await;
    settle().await;
    assert_eq!(stage.broker.metrics().blocked_senders, 1);
    gate.let_go(1);
    assert_eq!(stage.next().await, refused([&b, &a]));
    assert_eq!(stage.next().await, answered(&a, 2));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_room_at_an_actor_that_waits_for_it() {
    let (mut stage, [a]) = Stage::with(["a"]).await;
    let b = named("b");
    stage.enter(&b, 1, BackpressureStrategy::Block).await;
    let gate = stage.hold(&a, [Step::Ask(b.clone(), Script::reply(1))]).await;
    stage.tell(&b, [Step::Ask(a.clone(), Script::reply(2))]).await;
    settle().await;
    stage.tell(&b, []).await;
    gate.let_go(1);
    assert_eq!(stage.next().await, refused([&a, &b]));
    assert_eq!(stage.next().await, answered(&b, 2));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_circle_is_found_behind_an_actor_that_waits_for_several() {
    let (mut stage, [a, b, c]) = Stage::with(["a", "b", "c"]).await;
    let held = Gate::new();
    let to_b = run([Step::Wait(held.clone()), Step::Reply(1)]);
    let to_c = run([Step::Ask(a.clone(), Script::reply(2)), Step::Reply(3)]);
    stage.tell(&a, [Step::AskBoth([(b.clone(), to_b), (c.clone(), to_c)])]).await;
    assert_eq!(stage.next().await, refused([&c, &a]));
    assert_eq!(stage.next().await, answered(&a, 3));
    // It waits for one of the two only.
    stage.tell(&c, [Step::Ask(a.clone(), Script::reply(4))]).await;
    settle().await;
    assert!(stage.nothing_has_ended());
    held.let_go(1);
    assert_eq!(stage.next().await, answered(&a, 1));
    assert_eq!(stage.next().await, answered(&c, 4));
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn the_text_of_the_error_shows_the_circle() {
    let (stage, [a, b]) = Stage::with(["a", "b"]).await;
    let to_b = run([Step::Ask(a.clone(), Script::reply(1)), Step::Reply(2)]);
    let kind = RequestErrorKind::WouldDeadlock { cycle: vec![b.clone(), a.clone()] };
    assert!(kind.to_string().contains("`named:b` → `named:a` → `named:b`"), "{kind}");
    // Nobody waits in a circle who asks from outside.
    assert!(stage.broker.request(&a, run([Step::Ask(b, to_b), Step::Reply(3)])).await.is_ok());
    stage.close().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_asked_through_a_context_ends_at_its_deadline() {
    let (mut stage, [a, b]) = Stage::with(["a", "b"]).await;
    let to_b = run([Step::AskByBroker(a.clone(), Script::reply(1)), Step::Reply(2)]);
    let timeout = Duration::from_secs(1);
    let start = Instant::now();
    let asks = run([Step::Ask(b.clone(), to_b)]);
    stage.broker.send(&a, asks.within(timeout)).await.unwrap();
    assert_eq!(stage.next().await, (a.clone(), Err((RequestErrorKind::TimedOut, Ran::Maybe))));
    assert!(start.elapsed() >= timeout);
    assert_eq!(stage.next().await, answered(&b, 1));
    stage.close().await;
}
