use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use switchboard::message::MessageId;
use tokio::time::Instant;

use crate::loads::Load;

/// The calls that are under way, each with the time that it is allowed.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    open: Mutex<HashMap<u64, Open>>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Open {
    what: &'static str,
    load: Load,
    number: u64,
    message: MessageId,
    since: Instant,
    allowed: Duration,
    is_told: bool,
}

/// A call that is under way until this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct OpenCall<'a> {
    calls: &'a Calls,
    key: u64,
}

/// How much longer than it is allowed a call may take on a machine that is shared with others.
pub(crate) const GRACE: Duration = Duration::from_secs(3);

impl Calls {
    pub(crate) fn open(
        &self,
        what: &'static str,
        (load, number, message): (Load, u64, MessageId),
        allowed: Duration,
    ) -> OpenCall<'_> {
        // Relaxed: only the numbers must differ.
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let call = Open { what, load, number, message, since: Instant::now(), allowed, is_told: false };
        self.open.lock().insert(key, call);
        OpenCall { calls: self, key }
    }

    pub(crate) fn len(&self) -> usize {
        self.open.lock().len()
    }

    /// Those that take longer than they may, each told once.
    pub(crate) fn stuck(&self) -> Vec<String> {
        let mut open = self.open.lock();
        let late = open.values_mut().filter(|call| !call.is_told && call.since.elapsed() > call.allowed + GRACE);
        late.map(|call| {
            call.is_told = true;
            let Open { what, load, number, message, since, allowed, .. } = call;
            format!("{what} of {load}/{number} (message {message}) for {:.1?}, allowed {allowed:.1?}", since.elapsed())
        })
        .collect()
    }

    /// Gives back memory, when no call is under way.
    pub(crate) fn shrink(&self) {
        self.open.lock().shrink_to_fit();
    }
}

impl Drop for OpenCall<'_> {
    fn drop(&mut self) {
        self.calls.open.lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn a_call_is_stuck_when_its_time_and_the_grace_are_up_and_is_told_once() {
        let calls = Calls::default();
        let second = Duration::from_secs(1);
        let quick = calls.open("a send", (Load::Tells, 1, MessageId::next()), second);
        let slow = calls.open("a request", (Load::Asks, 2, MessageId::next()), second);
        drop(quick);
        tokio::time::advance(second + GRACE).await;
        assert!(calls.stuck().is_empty());
        tokio::time::advance(second).await;
        let stuck = calls.stuck();
        assert!(stuck.len() == 1 && stuck[0].starts_with("a request of asks/2 (message "), "{stuck:?}");
        assert!(calls.stuck().is_empty());
        drop(slow);
        assert_eq!(calls.len(), 0);
    }
}
