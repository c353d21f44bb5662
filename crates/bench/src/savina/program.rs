use super::System;

/// One program, for any system.
pub trait Program {
    /// How its table is called.
    const SCENARIO: &'static str;
    /// The messages of one run, without those few that set it up and end it.
    const MESSAGES: u64;

    /// Starts the actors, runs them to their end, and makes sure of what they have come to.
    fn run<S: System>() -> impl Future<Output = ()> + Send + 'static;
}
