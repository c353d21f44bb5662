use std::time::Duration;

/// What is measured again and again. A sample has a value of each, at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Heap,
    Resident,
    Actors,
    Names,
    Hibernating,
    PassedOver,
    Subscriptions,
    Queued,
    Deepest,
    Blocked,
    Waiting,
    Letters,
    Requests,
    Calls,
    Accepted,
    Handled,
    Median,
    OneIn100,
    OneIn1000,
    Slowest,
}

impl Measure {
    pub(crate) const ALL: [Self; 20] = [
        Self::Heap,
        Self::Resident,
        Self::Actors,
        Self::Names,
        Self::Hibernating,
        Self::PassedOver,
        Self::Subscriptions,
        Self::Queued,
        Self::Deepest,
        Self::Blocked,
        Self::Waiting,
        Self::Letters,
        Self::Requests,
        Self::Calls,
        Self::Accepted,
        Self::Handled,
        Self::Median,
        Self::OneIn100,
        Self::OneIn1000,
        Self::Slowest,
    ];

    /// What it is called in plots and as a column.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Heap => "allocated",
            Self::Resident => "resident",
            Self::Actors => "actors",
            Self::Names => "names",
            Self::Hibernating => "hibernating",
            Self::PassedOver => "passed over",
            Self::Subscriptions => "subscriptions",
            Self::Queued => "in all mailboxes",
            Self::Deepest => "in the fullest mailbox",
            Self::Blocked => "senders waiting for room",
            Self::Waiting => "scheduled and set aside",
            Self::Letters => "dead letters",
            Self::Requests => "requests in flight",
            Self::Calls => "calls under way",
            Self::Accepted => "accepted",
            Self::Handled => "handled",
            Self::Median => "median",
            Self::OneIn100 => "99 %",
            Self::OneIn1000 => "99.9 %",
            Self::Slowest => "slowest",
        }
    }
}

/// All measures at one moment. Memory in bytes, rates per second, latencies in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) at: Duration,
    values: [f64; Measure::ALL.len()],
}

impl Sample {
    /// With nothing measured.
    pub(crate) fn new(at: Duration) -> Self {
        Self { at, values: [0.0; Measure::ALL.len()] }
    }

    pub(crate) fn get(&self, measure: Measure) -> f64 {
        self.values[measure as usize]
    }

    pub(crate) fn set(&mut self, measure: Measure, value: f64) {
        self.values[measure as usize] = value;
    }

    /// A line of a table with a column for each measure.
    pub(crate) fn csv(&self) -> String {
        let values: Vec<_> = self.values.iter().map(|value| format!("{value:.0}")).collect();
        format!("{:.1},{}", self.at.as_secs_f64(), values.join(","))
    }

    /// The names of the columns.
    pub(crate) fn csv_head() -> String {
        format!("seconds,{}", Measure::ALL.map(Measure::name).join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_measure_has_a_place_and_a_column() {
        assert!(Measure::ALL.into_iter().enumerate().all(|(index, measure)| measure as usize == index));
        let mut sample = Sample::new(Duration::from_millis(1_500));
        sample.set(Measure::Slowest, 7.0);
        assert_eq!(sample.get(Measure::Slowest), 7.0);
        assert!(sample.csv().starts_with("1.5,0,") && sample.csv().ends_with(",7"));
        assert_eq!(sample.csv().split(',').count(), Sample::csv_head().split(',').count());
    }
}
