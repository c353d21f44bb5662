use std::sync::Arc;

use super::{Pace, Tell};
use crate::lap::Lap;
use crate::work::{Sum, Work};

/// Messages per lap, or one to each receiver where that is more.
const LAP: usize = 20_000;
/// A prime, so that steps of it visit all receivers, and never neighbours.
const STEP: usize = 7_368_787;

/// Nanoseconds per message of one task that tells `receivers` in a mixed order, each as often as any other. They live until the
/// runtime ends.
pub async fn measure_tells_among<T: Tell>(receivers: usize, pace: Pace) -> f64 {
    let each = (LAP / receivers).max(1) as u64;
    let lap = Lap::of(receivers as u64);
    let ways = T::start_many(vec![Sum::new(each, &lap); receivers]).await;
    // Mixed beforehand, so that the sender reads its own list in order.
    let mixed: Arc<[T]> = (0..receivers).map(|turn| ways[turn * STEP % receivers].clone()).collect();
    pace.laps(each * receivers as u64, async || {
        let mixed = Arc::clone(&mixed);
        let sending = tokio::spawn(async move {
            for _ in 0..each {
                for way in &*mixed {
                    way.tell(Work::ONE).await;
                }
            }
        });
        sending.await.expect("the sender ends well");
        lap.end().await;
    })
    .await
}
