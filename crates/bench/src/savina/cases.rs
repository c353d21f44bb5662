use super::big::Big;
use super::bounded_buffer::BoundedBuffer;
use super::chameneos::Chameneos;
use super::counting::Counting;
use super::fork_join::ForkJoin;
use super::ping_pong::PingPong;
use super::thread_ring::ThreadRing;
use super::{Program, System};
use crate::case::{Case, RUNTIME};
use crate::peers;
use crate::scenario::{Pace, Peer};

/// The programs in the order of the tables.
pub const SCENARIOS: [&str; 7] = [
    PingPong::SCENARIO,
    Counting::SCENARIO,
    ThreadRing::SCENARIO,
    ForkJoin::SCENARIO,
    Big::SCENARIO,
    Chameneos::SCENARIO,
    BoundedBuffer::SCENARIO,
];

/// All rows of all programs.
///
/// xtra has none for the one that counts, which fails its check there: where more than two messages wait, the mailbox of
/// 0.6.0 does not keep their order (a binary heap of priorities, which are all equal), so the question comes before most
/// of the numbers. The other programs need no order among so many.
pub fn cases() -> Vec<Case> {
    let mut cases = [
        programs::<peers::switchboard::Savina>(),
        programs::<peers::kameo::Savina>(),
        programs::<peers::ractor::Savina>(),
        programs::<peers::actix::Savina>(),
        programs::<peers::xtra::Savina>(),
        programs::<peers::mpsc::Savina>(),
    ]
    .concat();
    cases.retain(|case| (case.peer, case.scenario) != (peers::xtra::Savina::NAME, Counting::SCENARIO));
    cases
}

fn programs<S: System>() -> [Case; 7] {
    [
        case::<S, PingPong>(),
        case::<S, Counting>(),
        case::<S, ThreadRing>(),
        case::<S, ForkJoin>(),
        case::<S, Big>(),
        case::<S, Chameneos>(),
        case::<S, BoundedBuffer>(),
    ]
}

fn case<S: System, P: Program>() -> Case {
    Case::new::<S>(P::SCENARIO, |pace| RUNTIME.block_on(measure::<S, P>(pace)))
}

/// Nanoseconds per message. Each lap is one run, in a task, so that what sends from outside is on the runtime too.
async fn measure<S: System, P: Program>(pace: Pace) -> f64 {
    pace.laps(P::MESSAGES, async || tokio::spawn(P::run::<S>()).await.expect("the program ends well")).await
}
