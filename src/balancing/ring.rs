use super::draw::{GOLDEN, mixed};
use super::{Members, key_hash};

/// Always the same member for the same key: the table behind
/// [`Strategy::ConsistentHash`](super::Strategy::ConsistentHash).
///
/// Each member stands at 64 points of a ring, which its identity alone decides, and a key belongs to the member of the
/// first point that follows it (Karger and others, *Consistent Hashing and Random Trees*, 1997). Hence:
///
/// - when one of `n` members leaves, its keys, about 1 ⁄ n of all, go to the others, and no other key moves;
/// - when one joins, it gets about that many from the others, and no other key moves;
/// - every process that knows the same identities finds the same member, in whatever order it lists them. So does every
///   version of this crate.
///
/// Shares of keys are not quite even. With `v` points for each member, a share is off by 1 ⁄ √v of itself on the average,
/// which is an eighth: of ten members, most get 9 to 11 of 100 keys, and the extremes 8 and 12. That many keys may still
/// be far from that many messages. Weights are not looked at.
///
/// The ring is cut into about as many sectors as there are points, so a lookup hardly ever passes more than a few points,
/// however many members there are. Building it takes time in proportion to their number, about a millisecond for 1,000
/// of them, and 640 to 768 bytes for each.
///
/// Rendezvous hashing (Thaler and Ravishankar, *Using Name-Based Mappings to Increase Hit Rates*, 1998) spreads keys
/// evenly and needs no table, but looks at every member for every message. Tables that spread keys evenly, such as
/// Maglev's, move some keys between members that both stay.
///
/// ```
/// use switchboard::balancing::Ring;
///
/// let ring = Ring::new([7, 8, 9]);
/// let without_8 = Ring::new([7, 9]);
/// match ring.pick("customer-4711") {
///     Some(0) => assert_eq!(without_8.pick("customer-4711"), Some(0)),
///     Some(2) => assert_eq!(without_8.pick("customer-4711"), Some(1)),
///     _ => assert!(without_8.pick("customer-4711").is_some()),
/// }
/// assert_eq!(Ring::new([]).pick("customer-4711"), None);
/// ```
#[derive(Clone, Debug)]
pub struct Ring {
    /// In order. The high half of each is where it is, the low half the place of its member.
    points: Box<[u64]>,
    /// Which point is the first of each sector, and how many points there are.
    sectors: Box<[u32]>,
    /// How far to shift a position to get its sector.
    shift: u32,
}

/// How many points of the ring each member has.
const POINTS: u64 = 64;

/// The half of a point, or of the hash of a key, that says where it is.
const POSITION: u64 = !(u32::MAX as u64);

impl Ring {
    /// The ring for members of these identities, in their order. Not for more than 2²⁶ of them.
    ///
    /// No two may have the same identity; of those that have, one gets all.
    pub fn new(identities: impl IntoIterator<Item = u64>) -> Self {
        let mut members: Vec<(u64, u32)> = identities.into_iter().zip(0..).collect();
        members.sort_unstable();
        let count = members.len() * POINTS as usize;
        let shift = u64::BITS - count.max(2).ilog2();
        let (mut points, sectors) = sorted(|| unsorted_points(&members), count, shift);
        // Until here the low half was a rank by identity, so that where two points are at one position, it is not the
        // order in the list that decides.
        for point in &mut points {
            let (_, place) = members[(*point & !POSITION) as usize];
            *point = *point & POSITION | u64::from(place);
        }
        Self { points, sectors, shift }
    }

    /// As [`new`](Self::new), for the identities of these members.
    pub fn of(members: &impl Members) -> Self {
        Self::new((0..members.len()).map(|place| members.identity(place)))
    }

    /// The place of the member for `key`. `None` if there are none.
    ///
    /// A message without a key has no place here. Pools pick for it by [`PowerOfTwo`](super::PowerOfTwo).
    #[inline]
    pub fn pick(&self, key: &str) -> Option<usize> {
        self.place(key_hash(key))
    }

    /// As [`pick`](Self::pick), for a key of this [hash](key_hash()).
    #[inline]
    pub fn place(&self, key_hash: u64) -> Option<usize> {
        let position = key_hash & POSITION;
        let sector = (key_hash >> self.shift) as usize;
        let from = &self.points[self.sectors[sector] as usize..];
        // After the last point comes the first again.
        let point = from.iter().find(|&&point| point >= position).or(self.points.first())?;
        Some((point & !POSITION) as usize)
    }
}

/// All points of these members, each with the rank of its member.
fn unsorted_points(members: &[(u64, u32)]) -> impl Iterator<Item = u64> {
    (0..).zip(members).flat_map(|(rank, &(identity, _))| {
        let seed = mixed(identity);
        (1..=POINTS).map(move |step| mixed(seed.wrapping_add(GOLDEN.wrapping_mul(step))) & POSITION | rank)
    })
}

/// The points in order, and where each sector begins: points are counted, put into their sectors and sorted there.
///
/// They are computed twice, which is quicker than to keep them.
fn sorted<P: Iterator<Item = u64>>(points: impl Fn() -> P, count: usize, shift: u32) -> (Box<[u64]>, Box<[u32]>) {
    let sector = |point: u64| (point >> shift) as usize;
    let mut ends = vec![0; sector(u64::MAX) + 2];
    for point in points() {
        ends[sector(point)] += 1;
    }
    let mut so_far = 0;
    for end in &mut ends {
        so_far += *end;
        *end = so_far;
    }
    // Each sector is filled from its end, which thereby becomes its beginning.
    let mut sorted = vec![0; count];
    for point in points() {
        let begin = &mut ends[sector(point)];
        *begin -= 1;
        sorted[*begin as usize] = point;
    }
    for sector in ends.windows(2) {
        sorted[sector[0] as usize..sector[1] as usize].sort_unstable();
    }
    (sorted.into(), ends.into())
}

#[cfg(test)]
mod tests;
