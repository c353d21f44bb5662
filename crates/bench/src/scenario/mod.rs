//! What is measured. Each scenario is a trait that a peer implements, and one function that measures any of them, so
//! that the rows of a table differ only in what carries the message.

mod among;
mod ask;
mod churn;
mod delay;
mod fan;
mod idle;
mod pace;
mod peer;
mod resolve;
mod share;
mod tell;

pub use among::measure_tells_among;
pub use ask::{Ask, measure_asks, measure_asks_within};
pub use churn::{Churn, measure_churn};
pub use delay::measure_delays;
pub use fan::{Fan, measure_fan};
pub use idle::{Footprint, Idle, measure_idle};
pub use pace::Pace;
pub use peer::{Kind, Peer};
pub use resolve::measure_resolve;
pub use share::{Count, Share, measure_sharing};
pub use tell::{Tell, measure_pairs, measure_tells, measure_tells_in_turn};
