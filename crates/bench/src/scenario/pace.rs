use std::time::{Duration, Instant};

/// How long one round of one row goes on.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    pub round: Duration,
}

impl Pace {
    /// Runs laps of `lap` pieces of work until the round is over, after one that does not count. Gives nanoseconds per
    /// piece.
    pub async fn laps(self, lap: u64, mut run: impl AsyncFnMut()) -> f64 {
        run().await;
        let started = Instant::now();
        let mut pieces = 0;
        loop {
            run().await;
            pieces += lap;
            let elapsed = started.elapsed();
            if elapsed >= self.round {
                return elapsed.as_nanos() as f64 / pieces as f64;
            }
        }
    }
}
