//! Programs of Savina: Imam and Sarkar, "Savina – An Actor Benchmark Suite", AGERE! 2014. Each is written once, against
//! [`System`], which each peer implements; so the rows of a table differ only in what carries the messages.

mod big;
mod bounded_buffer;
mod cases;
mod cast;
mod chameneos;
mod counting;
mod fork_join;
mod ping_pong;
mod program;
mod system;
mod thread_ring;

pub use cases::{SCENARIOS, cases};
pub use cast::{Cast, Hosted};
pub use program::Program;
pub use system::{Behaviour, Next, System};
