use super::Members;
use super::draw::{GOLDEN, draw_place, mixed};

/// The member with the least before it; of several, any, each as likely as any other.
///
/// It looks at everybody each time, so a message costs as much as there are members. Many senders that see the same
/// figures run to the same member: above a dozen or two, [`PowerOfTwo`](super::PowerOfTwo) is both cheaper and steadier
/// (Mitzenmacher, *How Useful Is Old Information?*, 2000).
///
/// A member that fails at once has nothing before it. Leave it out, or it gets everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeastLoaded;

impl LeastLoaded {
    /// The place of the least loaded member, with `random` to choose between equals. `None` if there are none.
    pub fn pick(&self, members: &impl Members, random: u64) -> Option<usize> {
        let mut least = (0..members.len()).map(|place| (place, members.load(place)));
        let (mut picked, mut lowest) = least.next()?;
        let mut equals = 1;
        for (place, load) in least {
            if load < lowest {
                (picked, lowest, equals) = (place, load, 1);
            } else if load == lowest {
                // The k-th of equals takes the place of the one before with a chance of 1 in k, so that all have the
                // same (Vitter, "Random Sampling with a Reservoir", 1985). Loads are read once: they change meanwhile.
                equals += 1;
                if draw_place(chance(random, equals), equals).0 == 0 {
                    picked = place;
                }
            }
        }
        Some(picked)
    }
}

/// One of many random numbers that come of one.
fn chance(random: u64, which: usize) -> u64 {
    mixed(random.wrapping_add(GOLDEN.wrapping_mul(which as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balancing::support::{Fixed, assert_fits, shares};

    #[test]
    fn no_member_is_picked_of_none_and_the_only_one_always() {
        assert_eq!(LeastLoaded.pick(&Fixed::idle(0), 5), None);
        for random in [0, 1, u64::MAX] {
            assert_eq!(LeastLoaded.pick(&Fixed::with_loads([8]), random), Some(0));
        }
    }

    #[test]
    fn the_least_loaded_is_picked_wherever_it_is() {
        for place in 0..6 {
            let mut members = Fixed::with_loads([5, 9, 5, 7, 5, 5]);
            members.loads[place] = 4;
            for random in [0, 1, 1 << 40, u64::MAX] {
                assert_eq!(LeastLoaded.pick(&members, random), Some(place));
            }
        }
    }

    #[test]
    fn equals_share_alike_and_others_get_nothing() {
        let members = Fixed::with_loads([4, 4, 4, 2, 2, 9, 2, 3, 2, 2]);
        let shares = shares(10, 100_000, |random| LeastLoaded.pick(&members, random));
        assert_fits(&shares, &[0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn many_idle_members_share_alike() {
        let members = Fixed::idle(40);
        assert_fits(&shares(40, 40_000, |random| LeastLoaded.pick(&members, random)), &[1.0; 40]);
    }
}
