use std::collections::BTreeMap;

use parking_lot::Mutex;

/// How often calls ended in which way: requests by their ends, sends that were refused by the reason.
#[derive(Debug, Default)]
pub(crate) struct CallEnds {
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl CallEnds {
    pub(crate) fn count(&self, end: &'static str) {
        *self.counts.lock().entry(end).or_default() += 1;
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> BTreeMap<&'static str, u64> {
        self.counts.lock().clone()
    }
}
