use super::{DepthSizing, PoolError};

/// How many workers a self-sizing pool should have, by how much waits before them.
///
/// It neither waits nor reads a clock, and spawns nothing: it is told at each look what there is, and says how many
/// workers there should be. [`WorkerPool`](super::WorkerPool) does the rest.
///
/// It grows at once, by as many as bring the messages for each worker down to the high mark, but at most to twice as many
/// workers. It shrinks by one worker at a look, when at so many looks in a row there were fewer messages for each than the
/// low mark. So under a load that does not change it comes to rest.
///
/// ```
/// use switchboard::pools::{DepthSizing, Sizing};
///
/// let marks = DepthSizing::new().high_mark(8).low_mark(2).patience(3);
/// let mut sizing = Sizing::new(2, 16, marks)?;
///
/// assert_eq!(sizing.look(2, 16), 2, "8 for each are not too many");
/// assert_eq!(sizing.look(2, 17), 3, "3 are enough for 17");
/// assert_eq!(sizing.look(3, 1_000), 6, "no more than twice as many");
/// assert_eq!(sizing.look(6, 0), 6);
/// assert_eq!(sizing.look(6, 0), 6);
/// assert_eq!(sizing.look(6, 0), 5, "little to do, three times in a row");
/// # Ok::<_, switchboard::pools::PoolError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sizing {
    min: usize,
    max: usize,
    marks: DepthSizing,
    /// At how many looks in a row there was little to do.
    low_looks: u32,
}

impl Sizing {
    /// From `min` to `max` workers, by these marks.
    ///
    /// # Errors
    ///
    /// If `min` is 0 or more than `max`, or the low mark is 0 or more than half of the high mark.
    pub fn new(min: usize, max: usize, marks: DepthSizing) -> Result<Self, PoolError> {
        if min == 0 {
            return Err(PoolError::NoWorkers);
        }
        if max < min {
            return Err(PoolError::Bounds { min, max });
        }
        Ok(Self { min, max, marks: marks.check()?, low_looks: 0 })
    }

    /// How many workers there should be, where there are `workers` with `depth` messages waiting before all of them.
    pub fn look(&mut self, workers: usize, depth: usize) -> usize {
        let is_low = self.marks.is_low(workers, depth);
        self.low_looks = if is_low { self.low_looks.saturating_add(1) } else { 0 };
        let needed = self.marks.needed(depth);
        let wanted = if needed > workers {
            needed.min(workers.max(1).saturating_mul(2))
        } else if is_low && !self.marks.is_patient(self.low_looks) {
            workers.saturating_sub(1)
        } else {
            workers
        };
        self.within(wanted)
    }

    /// The number nearest to this one that is within the bounds.
    pub fn within(&self, workers: usize) -> usize {
        workers.clamp(self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizing(min: usize, max: usize, patience: u32) -> Sizing {
        Sizing::new(min, max, DepthSizing::new().high_mark(10).low_mark(5).patience(patience)).unwrap()
    }

    #[test]
    fn it_grows_by_what_is_needed_but_at_most_doubles() {
        let mut sizing = sizing(1, 100, 3);
        let looks = [(4, 40), (4, 41), (4, 55), (4, 80), (4, 81), (4, usize::MAX), (60, usize::MAX), (0, 7)];
        assert_eq!(looks.map(|(workers, depth)| sizing.look(workers, depth)), [4, 5, 6, 8, 8, 8, 100, 1]);
    }

    #[test]
    fn it_shrinks_by_one_when_there_is_little_to_do_for_as_long_as_it_is_patient() {
        let mut sizing = sizing(2, 100, 3);
        assert_eq!([0, 0, 0, 0, 0].map(|depth| sizing.look(10, depth)), [10, 10, 9, 9, 9]);
        assert_eq!(sizing.look(3, 0), 2);
        assert_eq!(sizing.look(2, 0), 2, "no fewer than its bound");
    }

    #[test]
    fn one_look_with_enough_to_do_makes_it_patient_again() {
        let mut sizing = sizing(1, 100, 3);
        assert_eq!([0, 49, 50, 0, 49, 0].map(|depth| sizing.look(10, depth)), [10, 10, 10, 10, 10, 9]);
    }

    #[test]
    fn what_it_can_not_go_by_is_refused() {
        let marks = DepthSizing::new();
        assert_eq!(Sizing::new(0, 4, marks).unwrap_err(), PoolError::NoWorkers);
        assert_eq!(Sizing::new(5, 4, marks).unwrap_err(), PoolError::Bounds { min: 5, max: 4 });
        for (low, high) in [(0, 8), (5, 8), (1, 1), (1, 0)] {
            let marks = marks.low_mark(low).high_mark(high);
            assert_eq!(Sizing::new(1, 4, marks).unwrap_err(), PoolError::Marks { low, high });
        }
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds_whatever_there_is(
            (min, max) in (1_usize..50).prop_flat_map(|min| (Just(min), min..100)),
            (low, more) in (1_usize..50, 0_usize..50),
            patience in 0_u32..10,
            looks in prop::collection::vec((any::<usize>(), any::<usize>()), 1..50),
        ) {
            let marks = DepthSizing::new().low_mark(low).high_mark(2 * low + more).patience(patience);
            let mut sizing = Sizing::new(min, max, marks).unwrap();
            for (workers, depth) in looks {
                prop_assert!((min..=max).contains(&sizing.look(workers, depth)));
            }
        }

        #[test]
        fn it_comes_to_rest_under_a_load_that_does_not_change(
            (min, max) in (1_usize..50).prop_flat_map(|min| (Just(min), min..100)),
            (low, more) in (1_usize..20, 0_usize..20),
            patience in 0_u32..10,
            (first, depth) in (1_usize..100, 0_usize..3_000),
        ) {
            let marks = DepthSizing::new().low_mark(low).high_mark(2 * low + more).patience(patience);
            let mut sizing = Sizing::new(min, max, marks).unwrap();
            let mut sizes = vec![sizing.within(first)];
            for _ in 0..150 {
                sizes.push(sizing.look(*sizes.last().unwrap(), depth));
            }
            let rest = *sizes.last().unwrap();
            prop_assert!(sizes[sizes.len() - 20..].iter().all(|size| *size == rest), "{sizes:?}");
            // It goes one way only.
            let turns = sizes.windows(2).map(|pair| pair[1].cmp(&pair[0])).filter(|order| order.is_ne());
            let mut turns: Vec<_> = turns.collect();
            turns.dedup();
            prop_assert!(turns.len() <= 1, "{sizes:?}");
        }
    }
}
