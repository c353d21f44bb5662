use fastrand::Rng;

use super::*;
use crate::balancing::support::{Fixed, assert_fits, shares};
use crate::balancing::{LeastLoaded, Random};

#[test]
fn no_member_is_picked_of_none_and_the_only_one_always() {
    assert_eq!(PowerOfTwo.pick(&Fixed::idle(0), 5), None);
    for random in [0, 1, u64::MAX] {
        assert_eq!(PowerOfTwo.pick(&Fixed::idle(1), random), Some(0));
    }
}

#[test]
fn every_pair_of_two_different_places_is_as_likely_as_any_other() {
    const PLACES: usize = 5;
    let pairs = shares(PLACES * PLACES, 200_000, |random| {
        let (first, rest) = draw_place(random, PLACES);
        let second = other_place(first, rest, PLACES);
        Some(first * PLACES + second)
    });
    let expected: Vec<_> = (0..PLACES * PLACES).map(|pair| f64::from(pair / PLACES != pair % PLACES)).collect();
    assert_fits(&pairs, &expected);
}

#[test]
fn members_with_equal_loads_share_alike() {
    for len in [2, 3, 7, 100] {
        let members = Fixed::idle(len);
        let shares = shares(len, 100_000, |random| PowerOfTwo.pick(&members, random));
        assert_fits(&shares, &vec![1.0; len]);
    }
}

#[test]
fn each_is_picked_as_often_as_it_is_in_a_pair_with_a_fuller_one() {
    // Of n members in order of load, the one at place k wins 2 (n - 1 - k) of the n (n - 1) ordered pairs.
    let members = Fixed::with_loads([0, 1, 2, 3, 4]);
    let shares = shares(5, 100_000, |random| PowerOfTwo.pick(&members, random));
    assert_fits(&shares, &[8.0, 6.0, 4.0, 2.0, 0.0]);
}

/// The most that any of `bins` has after so many balls have been thrown, each where `pick` says.
fn most(bins: usize, balls: usize, pick: impl Fn(&Fixed, u64) -> Option<usize>) -> usize {
    let mut rng = Rng::with_seed(11);
    let mut members = Fixed::idle(bins);
    for _ in 0..balls {
        let place = pick(&members, rng.u64(..)).unwrap();
        members.loads[place] += 1;
    }
    members.loads.into_iter().max().unwrap()
}

#[test]
fn two_choices_leave_the_fullest_with_a_double_logarithm() {
    const BINS: usize = 1 << 14;
    let one = most(BINS, BINS, |members, random| Random.pick(members, random));
    let two = most(BINS, BINS, |members, random| PowerOfTwo.pick(members, random));
    let n = BINS as f64;
    // ln ln n / ln 2 + O(1) is 3.3 + O(1), and ln n / ln ln n is 4.3 times (1 + o(1)).
    assert!((two as f64) <= n.ln().ln() / 2f64.ln() + 1.0, "{two}");
    assert!((one as f64) > n.ln() / n.ln().ln(), "{one}");
    assert!(one >= two + 2, "{one} {two}");
}

#[test]
fn the_lead_of_the_fullest_does_not_grow_with_the_number_of_messages() {
    // Berenbrink, Czumaj, Steger and Vöcking, "Balanced Allocations: The Heavily Loaded Case", 2000: however many
    // balls, the lead is ln ln n / ln 2 + O(1). With one choice it grows with the root of the balls for each bin.
    const BINS: usize = 1000;
    for each in [10, 200] {
        let lead = |balls: usize| balls - each;
        let two = lead(most(BINS, BINS * each, |members, random| PowerOfTwo.pick(members, random)));
        let one = lead(most(BINS, BINS * each, |members, random| Random.pick(members, random)));
        assert!(two <= 4, "{two}");
        assert!((one as f64) > 2.0 * (each as f64).sqrt(), "{one}");
    }
}

/// Ten members, the last ten times slower than the others, at three quarters of what they can do together.
struct SlowMember {
    /// What the slow one got, of all.
    share: f64,
    longest_queue: usize,
}

fn with_a_slow_member(pick: impl Fn(&Fixed, u64) -> Option<usize>) -> SlowMember {
    const TICKS: usize = 20_000;
    const ARRIVALS: usize = 7;
    let mut rng = Rng::with_seed(5);
    let mut members = Fixed::idle(10);
    let mut slow = SlowMember { share: 0.0, longest_queue: 0 };
    for tick in 0..TICKS {
        for _ in 0..ARRIVALS {
            let place = pick(&members, rng.u64(..)).unwrap();
            members.loads[place] += 1;
            slow.share += f64::from(place == 9) / (TICKS * ARRIVALS) as f64;
        }
        slow.longest_queue = slow.longest_queue.max(members.loads[9]);
        for (place, load) in members.loads.iter_mut().enumerate() {
            let is_done = place < 9 || tick % 10 == 0;
            *load = load.saturating_sub(usize::from(is_done));
        }
    }
    slow
}

#[test]
fn a_slow_member_gets_what_it_can_do_and_its_queue_stays_short() {
    // It does 0.1 messages for each tick, of 7.
    let rate = 0.1 / 7.0;
    let two = with_a_slow_member(|members, random| PowerOfTwo.pick(members, random));
    assert!((0.8 * rate..=1.05 * rate).contains(&two.share), "{} {rate}", two.share);
    assert!(two.longest_queue < 12, "{}", two.longest_queue);

    let least = with_a_slow_member(|members, random| LeastLoaded.pick(members, random));
    assert!(least.share <= 1.05 * rate && least.longest_queue < 12);

    // One that nobody looks at gets a tenth of all, and is never done with it.
    let one = with_a_slow_member(|members, random| Random.pick(members, random));
    assert!(one.share > 0.09 && one.longest_queue > 10_000);
}
