use std::num::NonZeroU64;

/// Where a request waits in its broker's request table: a shard, a slot in it, and the slot's generation.
///
/// A slot is used again by later requests; its generation is what tells them apart, so that a key kept too long finds
/// nothing rather than somebody else's request. Four bytes of generation come round after 4 billion uses of one slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct RequestKey(NonZeroU64);

impl RequestKey {
    pub(crate) const MAX_SHARDS: usize = 1 << 8;
    pub(crate) const MAX_SLOTS: usize = 1 << 24;

    /// Panics nowhere: `generation` is kept odd by the table, so that no key is zero.
    pub(crate) fn new(shard: usize, slot: u32, generation: u32) -> Self {
        let packed = (shard as u64) << 56 | u64::from(slot) << 32 | u64::from(generation | 1);
        Self(NonZeroU64::new(packed).unwrap_or(NonZeroU64::MIN))
    }

    pub(crate) fn shard(self) -> usize {
        (self.0.get() >> 56) as usize
    }

    pub(crate) fn slot(self) -> usize {
        (self.0.get() >> 32) as usize & (Self::MAX_SLOTS - 1)
    }

    pub(crate) fn generation(self) -> u32 {
        self.0.get() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_its_parts() {
        for (shard, slot, generation) in [(0, 0, 1), (255, (1 << 24) - 1, u32::MAX), (7, 12_345, 99)] {
            let key = RequestKey::new(shard, slot, generation);
            assert_eq!((key.shard(), key.slot() as u32, key.generation()), (shard, slot, generation));
        }
    }
}
