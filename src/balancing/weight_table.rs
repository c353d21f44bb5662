use super::Members;
use super::draw::{draw, draw_place};

/// Any member, as likely as its weight is large: the table behind [`Strategy::Weighted`](super::Strategy::Weighted).
///
/// A weight of 0 gets nothing, unless all weights are 0: then all members are alike. It goes by weights alone, and does
/// not see that a member has fallen behind.
///
/// A pick looks at one line of the table, however many members there are. Building it takes time in proportion to their
/// number (Vose, *A Linear Algorithm for Generating Random Numbers with a Given Distribution*, 1991), and so does its
/// memory: 16 bytes for each on a machine of 64 bits. It is computed in whole numbers, so no share is rounded off.
///
/// ```
/// use switchboard::balancing::WeightTable;
///
/// let table = WeightTable::new([1, 0, 3]);
/// assert_ne!(table.pick(17), Some(1));
/// assert_eq!(WeightTable::new([]).pick(17), None);
/// ```
#[derive(Clone, Debug)]
pub struct WeightTable {
    columns: Box<[Column]>,
    /// The sum of all weights, and the height of every column.
    total: u64,
}

/// What a member and one other have between them.
#[derive(Clone, Copy, Debug)]
struct Column {
    /// How much of the height is the member's own.
    own: u64,
    /// Whose the rest is.
    other: usize,
}

impl WeightTable {
    /// The table for members of these weights, in their order. Not for more than 2³² of them.
    pub fn new(weights: impl IntoIterator<Item = u32>) -> Self {
        let weights: Vec<u64> = weights.into_iter().map(u64::from).collect();
        let total = weights.iter().sum();
        Self { columns: columns(&weights, total), total }
    }

    /// As [`new`](Self::new), for the weights of these members.
    pub fn of(members: &impl Members) -> Self {
        Self::new((0..members.len()).map(|place| members.weight(place)))
    }

    /// The place of the member that `random` stands for. `None` if there are none.
    #[inline]
    pub fn pick(&self, random: u64) -> Option<usize> {
        let (place, rest) = draw_place(random, self.columns.len());
        let column = self.columns.get(place)?;
        let (height, _) = draw(rest, self.total);
        Some(if height < column.own { place } else { column.other })
    }
}

/// Columns of equal height, filled so that each member has its share of their area.
///
/// Areas are counted in units of a weight divided by the number of members, so that all of them are whole numbers. If
/// all weights are 0, so is the height, and each column leads to its own member.
fn columns(weights: &[u64], total: u64) -> Box<[Column]> {
    let mut columns: Vec<_> = (0..weights.len()).map(|place| Column { own: total, other: place }).collect();
    let mut areas: Vec<u64> = weights.iter().map(|weight| weight * weights.len() as u64).collect();
    let (mut short, mut full): (Vec<_>, Vec<_>) = (0..areas.len()).partition(|&place| areas[place] < total);
    // What a column is short of comes from one that has it to spare. All areas together are as large as all columns, so
    // when none is short any more, or none has more than its own, what is left is filled to the brim.
    while let (Some(low), Some(&high)) = (short.pop(), full.last()) {
        columns[low] = Column { own: areas[low], other: high };
        areas[high] -= total - areas[low];
        if areas[high] < total {
            full.pop();
            short.push(high);
        }
    }
    columns.into()
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::balancing::support::{Fixed, assert_fits, shares};

    /// The area that each member has in the table, exactly.
    fn areas(table: &WeightTable) -> Vec<u64> {
        let mut areas = vec![0; table.columns.len()];
        for (place, column) in table.columns.iter().enumerate() {
            areas[place] += column.own;
            areas[column.other] += table.total - column.own;
        }
        areas
    }

    #[test]
    fn no_member_is_picked_of_none_and_the_only_one_always() {
        assert_eq!(WeightTable::new([]).pick(5), None);
        for (weight, random) in [(0, 0), (1, 1), (7, u64::MAX)] {
            assert_eq!(WeightTable::new([weight]).pick(random), Some(0));
        }
    }

    #[test]
    fn the_table_holds_every_share_exactly() {
        let mut rng = Rng::with_seed(3);
        for members in [1, 2, 3, 10, 1000] {
            let weights: Vec<_> = (0..members).map(|_| rng.u32(..) >> rng.u32(..32)).collect();
            let expected: Vec<_> = weights.iter().map(|&weight| u64::from(weight) * members).collect();
            assert_eq!(areas(&WeightTable::new(weights)), expected);
        }
        assert_eq!(areas(&WeightTable::new([u32::MAX; 3])), [3 * u64::from(u32::MAX); 3]);
    }

    #[test]
    fn members_are_picked_in_proportion_to_their_weights() {
        for weights in [vec![1, 2, 3, 4], vec![0, 5, 0, 1, 1000], vec![7; 50], vec![u32::MAX, 1 << 30]] {
            let table = WeightTable::new(weights.iter().copied());
            let shares = shares(weights.len(), 100_000, |random| table.pick(random));
            assert_fits(&shares, &weights.into_iter().map(f64::from).collect::<Vec<_>>());
        }
    }

    #[test]
    fn members_that_all_weigh_nothing_are_alike() {
        let table = WeightTable::new([0; 6]);
        assert_fits(&shares(6, 100_000, |random| table.pick(random)), &[1.0; 6]);
    }

    #[test]
    fn it_is_built_from_the_weights_of_members() {
        let members = Fixed { weights: vec![4, 0, 1], ..Fixed::idle(3) };
        assert_eq!(areas(&WeightTable::of(&members)), areas(&WeightTable::new([4, 0, 1])));
    }
}
