//! What is measured. Each scenario is a trait that a peer implements, and one function that measures any of them, so
//! that the rows of a table differ only in what carries the message.

mod ask;
mod churn;
mod idle;
mod pace;
mod peer;
mod resolve;
mod tell;

pub use ask::{Ask, measure_asks, measure_asks_within};
pub use churn::{Churn, measure_churn};
pub use idle::{Footprint, Idle, measure_idle};
pub use pace::Pace;
pub use peer::{Kind, Peer};
pub use resolve::measure_resolve;
pub use tell::{Tell, measure_tells};
