//! Watches that programs come to their ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Ends the process when a program does not come to its end: one that never lets go of its thread can't be ended by
/// anything less, and it must be known which it is.
pub(crate) struct Watch(Arc<Watched>);

#[derive(Default)]
struct Watched {
    seed: AtomicU64,
    runs: AtomicU64,
}

/// Longer than any program takes, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

impl Watch {
    pub(crate) fn start() -> Self {
        let watched = Arc::<Watched>::default();
        let weak = Arc::downgrade(&watched);
        thread::spawn(move || {
            let mut before = 0;
            loop {
                thread::sleep(PATIENCE);
                let Some(watched) = weak.upgrade() else { return };
                let runs = watched.runs.load(Ordering::Relaxed);
                if runs == before {
                    let seed = watched.seed.load(Ordering::Relaxed);
                    eprintln!("the program with the seed {seed}, or a part of it, does not come to its end");
                    std::process::exit(1);
                }
                before = runs;
            }
        });
        Self(watched)
    }

    /// A program begins.
    pub(crate) fn begins(&self, seed: u64) {
        self.0.seed.store(seed, Ordering::Relaxed);
        self.0.runs.fetch_add(1, Ordering::Relaxed);
    }
}
