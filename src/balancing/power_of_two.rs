use super::Members;
use super::draw::draw_place;

/// Of two different members picked at random, the one with less before it.
///
/// Two choices do nearly as well as looking at everybody: of `n` messages to `n` members, the one with the most gets
/// ln ln n ⁄ ln 2 + O(1), where one random choice gives it about ln n ⁄ ln ln n (Azar, Broder, Karlin and Upfal,
/// *Balanced Allocations*, 1994; Mitzenmacher, *The Power of Two Choices in Randomized Load Balancing*, 2001). A slow
/// member gets no more than it can do, because it loses to any other for as long as it is behind.
///
/// It is also less misled by figures that are a little old than [`LeastLoaded`](super::LeastLoaded) is, under which
/// many senders at once run to the same member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PowerOfTwo;

impl PowerOfTwo {
    /// The place of the less loaded of the two members that `random` stands for. `None` if there are none.
    #[inline]
    pub fn pick(&self, members: &impl Members, random: u64) -> Option<usize> {
        match members.len() {
            0 => None,
            1 => Some(0),
            len => {
                let (first, rest) = draw_place(random, len);
                let load = members.load(first);
                // Nobody has less than nothing before it, and of equals the first is as good as any: it is random.
                if load == 0 {
                    return Some(first);
                }
                let second = other_place(first, rest, len);
                Some(if members.load(second) < load { second } else { first })
            }
        }
    }
}

/// A place other than the first, each as likely as any other.
#[inline]
fn other_place(first: usize, random: u64, places: usize) -> usize {
    let (other, _) = draw_place(random, places - 1);
    // It is drawn from the places without the first.
    other + usize::from(other >= first)
}

#[cfg(test)]
mod tests;
