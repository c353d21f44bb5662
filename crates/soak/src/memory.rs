//! What memory is in use, as the allocator counts it and as the system does.

use std::fs;

use peak_alloc::PeakAlloc;

/// Counts what is allocated and not yet freed. What is resident besides is up to the allocator, and differs from run to run.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Bytes of a page, as Linux has them on all machines that this runs on.
const PAGE: u64 = 4096;

/// Bytes that are allocated.
pub(crate) fn heap() -> u64 {
    ALLOCATOR.current_usage() as u64
}

/// Bytes that are resident; 0 where the system does not say.
pub(crate) fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").ok().and_then(|text| text.split(' ').nth(1)?.parse().ok());
    pages.map_or(0, |pages: u64| pages * PAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_counted_and_what_is_freed_is_not() {
        const MEGABYTES: usize = 64 << 20;
        let before = heap();
        let held = vec![0_u8; MEGABYTES];
        let with = heap();
        drop(held);
        assert!(with >= before + MEGABYTES as u64 / 2 && heap() < with - MEGABYTES as u64 / 2);
    }
}
