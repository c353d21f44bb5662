use std::time::Duration;

use tokio::time::Instant;

/// How long as many may be logged as are allowed.
const WINDOW: Duration = Duration::from_secs(1);

/// Lets so many through in a second, and counts the rest.
///
/// A second begins with the first that is let through after the last one is over, so in any span of a second there are
/// at most twice as many.
pub(crate) struct LogThrottle {
    per_second: u32,
    since: Option<Instant>,
    admitted: u32,
    suppressed: u64,
}

/// What is to be done with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admit {
    /// Log it, and how many were not logged since the last that was.
    Log { suppressed: u64 },
    /// Don't log it.
    Suppress,
}

impl LogThrottle {
    pub(crate) const fn new(per_second: u32) -> Self {
        Self { per_second, since: None, admitted: 0, suppressed: 0 }
    }

    pub(crate) fn admit(&mut self, now: Instant) -> Admit {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= WINDOW) {
            (self.since, self.admitted) = (Some(now), 0);
        }
        if self.admitted >= self.per_second {
            self.suppressed += 1;
            return Admit::Suppress;
        }
        self.admitted += 1;
        Admit::Log { suppressed: std::mem::take(&mut self.suppressed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGGED: Admit = Admit::Log { suppressed: 0 };

    #[test]
    fn so_many_are_logged_in_a_second_and_the_next_line_says_how_many_were_not() {
        let (mut throttle, start) = (LogThrottle::new(2), Instant::now());
        let admitted = [0, 100, 200, 999].map(|millis| throttle.admit(start + Duration::from_millis(millis)));
        assert_eq!(admitted, [LOGGED, LOGGED, Admit::Suppress, Admit::Suppress]);
        let admitted = [1000, 1001, 1002].map(|millis| throttle.admit(start + Duration::from_millis(millis)));
        assert_eq!(admitted, [Admit::Log { suppressed: 2 }, LOGGED, Admit::Suppress]);
        assert_eq!(throttle.admit(start + Duration::from_secs(60)), Admit::Log { suppressed: 1 });
    }

    #[test]
    fn a_second_begins_with_the_first_line_after_the_last_second() {
        let (mut throttle, start) = (LogThrottle::new(1), Instant::now());
        let admitted = [0, 1700, 2300, 2700].map(|millis| throttle.admit(start + Duration::from_millis(millis)));
        assert_eq!(admitted, [LOGGED, LOGGED, Admit::Suppress, Admit::Log { suppressed: 1 }]);
    }

    #[test]
    fn a_time_read_before_another_and_told_after_it_begins_no_second() {
        let (mut throttle, start) = (LogThrottle::new(1), Instant::now());
        assert_eq!(throttle.admit(start + Duration::from_secs(5)), LOGGED);
        assert_eq!(throttle.admit(start), Admit::Suppress);
    }
}
