use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::sync::Notify;

use super::{Pace, Tell};
use crate::delays::Delays;
use crate::lap::Lap;
use crate::work::{Sum, Work};

/// How often the sender sends what is due. A thread that sleeps does not wake much more precisely.
const TICK: Duration = Duration::from_millis(1);
/// Messages that are due at each tick: 20,000 a second, far from what any peer can carry.
const PER_TICK: u64 = 20;
/// Ticks that do not count, before those that do.
const WARM_UP: u64 = 20;

/// Nanoseconds from the time that a message is due to the begin of its handling, for each message of one round.
///
/// The schedule is fixed and waits for nobody: what is due while the sender or the receiver is held up counts from when it
/// was due, not from when it was sent at last.
pub async fn measure_delays<T: Tell>(pace: Pace) -> Histogram<u64> {
    let ticks = u64::try_from(pace.round.as_millis()).expect("a round is short").max(1);
    let delays = Delays::from_now();
    let way = T::start(Sum::new(u64::MAX, &Lap::of(1)).noting(&delays)).await;
    keep_to_schedule(&way, &delays, WARM_UP).await;
    delays.forget();
    keep_to_schedule(&way, &delays, ticks).await;
    way.end().await;
    delays.noted()
}

/// Sends for so many ticks, and waits until all is received.
async fn keep_to_schedule<T: Tell>(way: &T, delays: &Arc<Delays>, ticks: u64) {
    let first = delays.now() + nanoseconds(TICK);
    let tick = Arc::new(Notify::new());
    let clock = start_clock(Arc::clone(&tick), delays.instant(first), ticks);
    let sender = tokio::spawn(send_when_due(way.clone(), Arc::clone(delays), tick, first, ticks));
    sender.await.expect("the sender ends well");
    clock.join().expect("the clock does not fail");
    while delays.noted().len() < ticks * PER_TICK {
        tokio::time::sleep(TICK).await;
    }
    assert_eq!(delays.noted().len(), ticks * PER_TICK, "every message is received once");
}

/// A thread that calls at each tick. The runtime's own timer would be late by up to a millisecond.
fn start_clock(tick: Arc<Notify>, first: Instant, ticks: u64) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut next = first;
        for _ in 0..ticks {
            thread::sleep(next.saturating_duration_since(Instant::now()));
            tick.notify_one();
            next += TICK;
        }
    })
}

/// Sends each tick's messages as soon as they are due and the clock has called, or at once if they are due already.
async fn send_when_due<T: Tell>(way: T, delays: Arc<Delays>, tick: Arc<Notify>, first: u64, ticks: u64) {
    for number in 0..ticks {
        let due = first + number * nanoseconds(TICK);
        while delays.now() < due {
            tick.notified().await;
        }
        for _ in 0..PER_TICK {
            way.tell(Work::due(due)).await;
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).expect("a tick is short")
}
