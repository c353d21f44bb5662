use std::ops::RangeInclusive;
use std::time::Duration;

use switchboard::address::ActorAddress;

use super::Fault;

/// How often which fault strikes, and what decides when: the seed.
#[derive(Clone, Debug)]
#[must_use]
pub struct FaultPlan {
    seed: u64,
    rates: [f64; Fault::ALL.len()],
    delays: RangeInclusive<Duration>,
    held_for: Duration,
    window: Duration,
    groups: Vec<Vec<ActorAddress>>,
}

impl FaultPlan {
    /// A plan in which nothing strikes: delays, where there are some, are of 1 to 50 ms, a message is held back for 20 ms
    /// at most, and whether a group is cut off is decided anew every 100 ms.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            rates: [0.0; Fault::ALL.len()],
            delays: Duration::from_millis(1)..=Duration::from_millis(50),
            held_for: Duration::from_millis(20),
            window: Duration::from_millis(100),
            groups: Vec::new(),
        }
    }

    /// Sets how often a fault strikes where it can: 0 is never, 1 always.
    pub fn rate(mut self, fault: Fault, rate: f64) -> Self {
        self.rates[fault.index()] = rate;
        self
    }

    /// Sets how long delays are, to the millisecond.
    pub fn delays(mut self, delays: RangeInclusive<Duration>) -> Self {
        self.delays = delays;
        self
    }

    /// Sets how long a message is held back at most, where none follows it to the same address.
    pub fn held_for(mut self, time: Duration) -> Self {
        self.held_for = time;
        self
    }

    /// Adds a group of addresses that [`Fault::Partition`] cuts off from all others. Actors that have an id alone are in
    /// the group of the address that they were made at.
    pub fn group(mut self, addresses: impl IntoIterator<Item = ActorAddress>) -> Self {
        self.groups.push(addresses.into_iter().collect());
        self
    }

    /// Sets for how long a group stays cut off, or does not, before that is decided anew. Less than a millisecond counts
    /// as one.
    pub fn partition_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn rate_of(&self, fault: Fault) -> f64 {
        self.rates[fault.index()]
    }

    pub(super) fn longest_hold(&self) -> Duration {
        self.held_for
    }

    pub(super) fn draw_delay(&self, rng: &mut fastrand::Rng) -> Duration {
        let (from, to) = (self.delays.start().as_millis() as u64, self.delays.end().as_millis() as u64);
        Duration::from_millis(rng.u64(from..=to.max(from)))
    }

    /// The number of the group that an address is in.
    pub(super) fn group_of(&self, address: &ActorAddress) -> Option<usize> {
        self.groups.iter().position(|group| group.contains(address))
    }

    /// Whether a group is cut off, that much time after the beginning. It depends on nothing else, so that what was sent
    /// before does not change it.
    pub(super) fn is_cut_off(&self, group: usize, at: Duration) -> bool {
        let window = at.as_millis() / self.window.as_millis().max(1);
        let mut rng = fastrand::Rng::with_seed(self.seed ^ (window as u64) << 16 ^ (group as u64) << 1 ^ 1);
        rng.f64() < self.rate_of(Fault::Partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[test]
    fn a_group_is_cut_off_for_whole_windows_as_often_as_the_rate_says() {
        let plan = FaultPlan::new(3).rate(Fault::Partition, 0.3).partition_window(Duration::from_millis(10));
        let windows: Vec<bool> = (0..1_000).map(|window| plan.is_cut_off(0, MILLISECOND * window * 10)).collect();
        let cut_off = windows.iter().filter(|cut_off| **cut_off).count();
        assert!((250..350).contains(&cut_off), "{cut_off}");
        assert_eq!(plan.is_cut_off(0, MILLISECOND * 19), windows[1]);
        assert!((0..1_000).any(|window| plan.is_cut_off(1, MILLISECOND * window * 10) != windows[window as usize]));
    }

    #[test]
    fn delays_are_within_their_bounds() {
        let plan = FaultPlan::new(3).delays(MILLISECOND * 5..=MILLISECOND * 7);
        let mut rng = fastrand::Rng::with_seed(plan.seed());
        let mut delays: Vec<_> = (0..100).map(|_| plan.draw_delay(&mut rng)).collect();
        delays.sort_unstable();
        delays.dedup();
        assert_eq!(delays, [5, 6, 7].map(|times| MILLISECOND * times));
    }
}
