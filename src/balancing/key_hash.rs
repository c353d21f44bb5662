use super::draw::{GOLDEN, mixed};

/// 64 bits that stand for a key: the same in every process, on every machine and in every version of this crate.
///
/// Two different keys share them no more often than chance would have it. It is not made to withstand an adversary:
/// somebody who chooses keys can make them meet in one member. He could do that under any hash, by trying keys.
///
/// The hash begins with the number of bytes. Then the end of SplitMix64, which loses nothing, takes in eight bytes at a
/// time, and what is left of them.
#[inline]
pub fn key_hash(key: &str) -> u64 {
    let (words, rest) = key.as_bytes().as_chunks::<8>();
    // One more, so that the hash of nothing is not nothing. The product puts the number where few bytes do not reach.
    let start = GOLDEN.wrapping_mul(key.len() as u64 + 1);
    let hash = words.iter().fold(start, |hash, word| mixed(hash ^ u64::from_le_bytes(*word)));
    let rest = rest.iter().fold(0, |rest, &byte| rest << 8 | u64::from(byte));
    mixed(hash ^ rest)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::balancing::support::assert_fits;

    #[test]
    fn the_hash_of_a_key_never_changes() {
        let known = ["", "a", "order-17", "customer-4711", "zürich/東京"].map(key_hash);
        // From a second implementation, in Python.
        let expected = [
            0xe220_a839_7b1d_cdaf,
            0x1342_6875_9688_c202,
            0xda8e_674d_ae0b_95e8,
            0x67e6_aaa4_e82d_c01d,
            0xdb87_064c_3c77_5eab,
        ];
        assert_eq!(known, expected);
    }

    #[test]
    fn keys_that_differ_little_differ_in_hash() {
        let letters = "abcdefghij".repeat(4);
        let prefixes = (0..=letters.len()).map(|end| letters[..end].to_owned());
        let zeros = (1..40).map(|len| "\0".repeat(len));
        let numbers = (0..100_000).flat_map(|number| [format!("{number}"), format!("customer-{number}")]);
        let keys: Vec<_> = prefixes.chain(zeros).chain(numbers).collect();
        let hashes: HashSet<_> = keys.iter().map(|key| key_hash(key)).collect();
        assert_eq!(hashes.len(), keys.len());
    }

    #[test]
    fn numbered_keys_are_spread_evenly_by_the_high_bits_and_by_the_low_ones() {
        for prefix in ["", "id-", "customer-", "a-prefix-of-more-than-sixteen-bytes-"] {
            let (mut high, mut low) = ([0; 64], [0; 64]);
            for number in 0..100_000 {
                let hash = key_hash(&format!("{prefix}{number}"));
                high[(hash >> 58) as usize] += 1;
                low[(hash & 63) as usize] += 1;
            }
            assert_fits(&high, &[1.0; 64]);
            assert_fits(&low, &[1.0; 64]);
        }
    }
}
