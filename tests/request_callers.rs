//! A caller that goes away takes its request along: the entry is freed, and a message not begun is never handled.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::pin::{Pin, pin};

use common::{
    Broker, Job, Wakes, Worker, assert_at_rest, assert_balanced, inbox, named, numbers_of, poll_counted, poll_once,
    settle, take_letters,
};
use switchboard::actor::ActorHandle;
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::dead_letters::DeadLetterReason;
use switchboard::metrics::Outcome;

/// The number of the request that is dropped.
const ASKED: u64 = 9;

/// An actor in the way of a request: held by one message, with one more in its mailbox of one place.
struct Obstacles {
    broker: Broker,
    desk: ActorAddress,
    worker: Worker,
    actor: ActorHandle<Job>,
}

impl Obstacles {
    async fn new() -> Self {
        let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
        let actor = worker.spawn_held(&broker, &desk, 1).await;
        broker.send(&desk, Job::Hold(1)).await.unwrap();
        Self { broker, desk, worker, actor }
    }

    /// One more step of everything but the caller.
    async fn step(&self) {
        self.worker.gate.let_go(1);
        settle().await;
    }

    /// The request has gone: nothing of it is left, and if it had not begun it never will.
    async fn assert_gone(self, dropped_after: usize) {
        let begun = self.worker.log.numbers().contains(&ASKED);
        assert_eq!(self.broker.metrics().requests_in_flight, 0);
        self.worker.gate.let_all_go();
        self.actor.drain().await;
        let logged = self.worker.log.numbers().contains(&ASKED);
        assert_eq!(logged, begun, "handled after {dropped_after} polls");
        assert_balanced(&self.broker.metrics().total);
        assert_eq!(self.broker.metrics().blocked_senders, 0);
    }
}

/// Polls the request up to `polls` times, with a step of the others after each; whether it ended before that.
async fn poll_times<F: Future>(mut request: Pin<&mut F>, polls: usize, obstacles: &Obstacles) -> bool {
    for _ in 0..polls {
        if poll_once(request.as_mut()).is_ready() {
            return true;
        }
        obstacles.step().await;
    }
    false
}

#[tokio::test(start_paused = true)]
async fn a_request_can_be_dropped_after_any_number_of_polls() {
    let mut begun_when_dropped = Vec::new();
    for polls in 0.. {
        let obstacles = Obstacles::new().await;
        let ended = {
            let request = obstacles.broker.request(&obstacles.desk, Job::Hold(ASKED));
            poll_times(pin!(request), polls, &obstacles).await
        };
        begun_when_dropped.push(obstacles.worker.log.numbers().contains(&ASKED));
        obstacles.assert_gone(polls).await;
        if ended {
            break;
        }
    }
    // Waiting for room, in the mailbox, in the handler, answered: all were there.
    assert!(begun_when_dropped.len() > 4, "{begun_when_dropped:?}");
    assert!(begun_when_dropped.is_sorted(), "{begun_when_dropped:?}");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_while_its_message_waits_for_room_leaves_the_line() {
    let obstacles = Obstacles::new().await;
    let broker = obstacles.broker.clone();
    {
        let mut request = pin!(broker.request(&obstacles.desk, Job::Hold(ASKED)));
        assert!(poll_once(request.as_mut()).is_pending());
        assert_eq!(broker.metrics().blocked_senders, 1);
        assert_eq!(broker.metrics().requests_in_flight, 1);
    }
    assert_eq!(broker.metrics().blocked_senders, 0);
    obstacles.assert_gone(1).await;
    let total = broker.metrics().total;
    assert_eq!(total.accepted, 2, "it never came in");
    assert!(take_letters(&broker).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_while_its_message_waits_in_the_mailbox_cancels_it() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let actor = worker.spawn_held(&broker, &desk, 8).await;
    {
        let mut request = pin!(broker.request(&desk, Job::Note(ASKED)));
        assert!(poll_once(request.as_mut()).is_pending());
    }
    worker.gate.let_all_go();
    actor.drain().await;
    assert_eq!(worker.log.numbers(), [0]);
    let letters = take_letters(&broker);
    assert_eq!(numbers_of(&letters, DeadLetterReason::Cancelled), [ASKED]);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1), (Outcome::Cancelled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_between_being_let_in_and_hearing_of_it_cancels_too() {
    let obstacles = Obstacles::new().await;
    {
        let request = obstacles.broker.request(&obstacles.desk, Job::Hold(ASKED));
        let (mut request, wakes) = (pin!(request), Wakes::new());
        assert!(poll_counted(request.as_mut(), &wakes).is_pending());
        obstacles.step().await;
        assert_eq!(wakes.count(), 1, "there is room now, and it is not looked at");
    }
    let broker = obstacles.broker.clone();
    obstacles.assert_gone(1).await;
    assert_eq!(broker.metrics().total.outcomes[Outcome::Cancelled], 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_while_its_message_is_handled_makes_the_reply_late() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let actor = worker.spawn(&broker, &desk, 8).await;
    {
        let mut request = pin!(broker.request(&desk, Job::Hold(ASKED)));
        assert!(poll_once(request.as_mut()).is_pending());
        worker.gate.arrival().await;
    }
    assert_eq!(broker.metrics().requests_in_flight, 0);
    worker.gate.let_all_go();
    actor.drain().await;
    assert_eq!(broker.metrics().late_replies, 1);
    assert_at_rest(&broker.metrics().total, &[(Outcome::Handled, 1)]);
}

#[tokio::test(start_paused = true)]
async fn code_that_receives_by_hand_is_not_given_a_request_whose_caller_has_gone() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    {
        let mut request = pin!(broker.request(&desk, Job::Echo(ASKED)));
        assert!(poll_once(request.as_mut()).is_pending());
    }
    broker.send(&desk, Job::Echo(1)).await.unwrap();
    assert_eq!(inbox.recv().await.unwrap().into_message(), Job::Echo(1));
    assert!(inbox.try_recv().is_none());
    let letters = take_letters(&broker);
    assert_eq!(numbers_of(&letters, DeadLetterReason::Cancelled), [ASKED]);
}

#[tokio::test(start_paused = true)]
async fn a_freed_entry_is_used_again_and_an_old_reply_never_reaches_the_new_caller() {
    let (broker, desk) = (Broker::new(), named("desk"));
    let mut inbox = inbox(&broker, &desk, 8).await;
    let old = {
        let mut request = pin!(broker.request(&desk, Job::Echo(1)));
        assert!(poll_once(request.as_mut()).is_pending());
        inbox.recv().await.unwrap()
    };
    let mut request = pin!(broker.request(&desk, Job::Echo(2)));
    assert!(poll_once(request.as_mut()).is_pending());
    old.reply(Job::Answer(1)).await.unwrap();
    assert!(poll_once(request.as_mut()).is_pending());
    assert_eq!(broker.metrics().late_replies, 1);

    inbox.recv().await.unwrap().reply(Job::Answer(2)).await.unwrap();
    assert_eq!(request.await.unwrap(), Job::Answer(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_go_at_any_moment_leave_no_entry_and_no_imbalance() {
    let (broker, desk, worker) = (Broker::new(), named("desk"), Worker::new());
    let actor = worker.spawn(&broker, &desk, 4).await;
    let callers: Vec<_> = (0..4)
        .map(|caller| {
            let (broker, desk) = (broker.clone(), desk.clone());
            tokio::spawn(async move {
                for round in 0..500 {
                    let mut request = pin!(broker.request(&desk, Job::Echo(round)));
                    for _ in 0..(round + caller) % 5 {
                        if poll_once(request.as_mut()).is_ready() {
                            break;
                        }
                        tokio::task::yield_now().await;
                    }
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    actor.drain().await;
    let metrics = broker.metrics();
    assert_eq!(metrics.requests_in_flight, 0);
    assert_balanced(&metrics.total);
}
