use std::time::Duration;

use tokio::time::Instant;

use super::HealthPolicy;

/// How a member of a group stands after its latest failures. Pure: it is told the time.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// How often it has failed in a row, while it is not set aside.
    failures: u32,
    aside: Option<Aside>,
    times_aside: u64,
}

#[derive(Debug)]
struct Aside {
    hold: Duration,
    /// When a trial is due; `None` if that is later than a clock can say.
    until: Option<Instant>,
    /// Whether a message has been made its trial since it was last set aside.
    on_trial: bool,
}

impl Standing {
    /// It has failed once more. True if that has set it aside just now.
    pub(super) fn failed(&mut self, now: Instant, policy: &HealthPolicy) -> bool {
        match &mut self.aside {
            Some(aside) if aside.on_trial => *aside = Aside::begin(now, policy.next_hold(aside.hold)),
            // It was sent before, and tells no more than was known.
            Some(_) => {}
            None => {
                self.failures = self.failures.saturating_add(1);
                if policy.failures_in_a_row().is_some_and(|limit| self.failures >= limit) {
                    self.aside = Some(Aside::begin(now, policy.first_hold()));
                    self.times_aside += 1;
                    return true;
                }
            }
        }
        false
    }

    /// It has handled a message: nothing is held against it any more.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.aside = None;
    }

    pub(super) fn is_aside(&self) -> bool {
        self.aside.is_some()
    }

    /// How often it has been set aside. Staying so after a trial has failed is not once more.
    pub(super) fn times_aside(&self) -> u64 {
        self.times_aside
    }

    /// Whether a message may go to it: it is not set aside, or a trial is due.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.aside.as_ref().is_none_or(|aside| aside.is_due(now))
    }

    /// As [`is_open`](Self::is_open), where the message is going to it and so is the trial, if one was due. The next is
    /// due after another hold, should this one never be answered.
    pub(super) fn claim(&mut self, now: Instant) -> bool {
        match &mut self.aside {
            Some(aside) if aside.is_due(now) => {
                *aside = Aside { on_trial: true, ..Aside::begin(now, aside.hold) };
                true
            }
            Some(_) => false,
            None => true,
        }
    }
}

impl Aside {
    fn begin(now: Instant, hold: Duration) -> Self {
        Self { hold, until: now.checked_add(hold), on_trial: false }
    }

    fn is_due(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const POLICY: HealthPolicy = HealthPolicy::failures(3).hold(SECOND).longest_hold(Duration::from_secs(3));

    /// One that has just been set aside, and when.
    fn set_aside() -> (Standing, Instant) {
        let (mut standing, now) = (Standing::default(), Instant::now());
        let news = [(); 3].map(|()| standing.failed(now, &POLICY));
        assert_eq!(news, [false, false, true]);
        (standing, now)
    }

    #[test]
    fn only_failures_in_a_row_set_it_aside() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        for _ in 0..10 {
            assert!(!standing.failed(now, &POLICY) && !standing.failed(now, &POLICY));
            assert!(!standing.is_aside() && standing.claim(now));
            standing.succeeded();
        }
        assert_eq!((standing.times_aside(), set_aside().0.times_aside()), (0, 1));
    }

    #[test]
    fn a_policy_of_never_sets_nobody_aside() {
        let mut standing = Standing::default();
        assert!((0..1_000).all(|_| !standing.failed(Instant::now(), &HealthPolicy::never())));
        assert!(!standing.is_aside());
    }

    #[test]
    fn there_is_one_trial_for_each_hold_even_if_none_is_answered() {
        let (mut standing, begin) = set_aside();
        for holds in 1..5 {
            let due = begin + holds * SECOND;
            let early = due - Duration::from_nanos(1);
            assert!(!standing.is_open(early) && !standing.claim(early));
            assert!(standing.is_open(due) && standing.claim(due));
            assert!(!standing.is_open(due) && !standing.claim(due));
        }
    }

    #[test]
    fn each_failed_trial_doubles_the_hold_up_to_the_longest() {
        let (mut standing, mut now) = set_aside();
        for hold in [1, 2, 3, 3].map(Duration::from_secs) {
            assert!(!standing.claim(now + hold - Duration::from_nanos(1)));
            now += hold;
            assert!(standing.claim(now));
            assert!(!standing.failed(now, &POLICY));
        }
        assert_eq!(standing.times_aside(), 1);
    }

    #[test]
    fn what_was_sent_before_it_was_set_aside_doubles_nothing() {
        let (mut standing, begin) = set_aside();
        (0..100).for_each(|_| assert!(!standing.failed(begin + SECOND / 2, &POLICY)));
        assert!(standing.claim(begin + SECOND));
        // The trial fails, and more that was sent before.
        (0..100).for_each(|_| assert!(!standing.failed(begin + SECOND, &POLICY)));
        assert!(!standing.is_open(begin + 2 * SECOND));
        assert!(standing.is_open(begin + 3 * SECOND));
    }

    #[test]
    fn a_success_lets_it_in_at_once_and_it_begins_afresh() {
        let (mut standing, begin) = set_aside();
        assert!(standing.claim(begin + SECOND));
        standing.failed(begin + SECOND, &POLICY);
        standing.succeeded();
        assert!(standing.is_open(begin) && !standing.is_aside());
        let news = [(); 3].map(|()| standing.failed(begin, &POLICY));
        assert_eq!(news, [false, false, true]);
        assert!(standing.is_open(begin + SECOND), "the first hold again");
        assert_eq!(standing.times_aside(), 2);
    }

    #[test]
    fn a_hold_beyond_all_clocks_never_ends_by_itself() {
        let (mut standing, now) = (Standing::default(), Instant::now());
        let policy = HealthPolicy::failures(1).hold(Duration::MAX).longest_hold(Duration::MAX);
        assert!(standing.failed(now, &policy));
        assert!(!standing.claim(now + 1_000_000 * SECOND));
    }
}
