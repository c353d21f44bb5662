//! A soak of two seconds passes, and one of a broker that breaks its promises does not.

use std::time::Duration;

use switchboard::InMemoryMessageBroker;
use switchboard_conformance::{Fault, FaultPlan, FaultyBroker};
use switchboard_soak::{Candidate, InMemory, Job, Kind, Plan, Report, soak};

/// The broker in memory, and what is done to its messages.
#[derive(Clone)]
struct Faulty(FaultPlan);

impl Candidate for Faulty {
    type Broker = FaultyBroker<InMemoryMessageBroker<Job>>;

    async fn make(&self) -> Self::Broker {
        FaultyBroker::new(InMemory.broker(), self.0.clone())
    }

    fn in_memory<'a>(&self, broker: &'a Self::Broker) -> Option<&'a InMemoryMessageBroker<Job>> {
        Some(broker.inner())
    }
}

/// What a short soak of a broker with this fault found.
async fn with(fault: Fault, rate: f64) -> Report {
    let plan = Plan::new(Duration::from_millis(600)).rate(6_000.0);
    soak(Faulty(FaultPlan::new(7).rate(fault, rate)), plan, |_| {}).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_seconds_of_all_at_once_leave_nothing_behind() {
    let report = soak(InMemory, Plan::new(Duration::from_secs(2)).rate(4_000.0), |_| {}).await;
    assert!(report.is_passed(), "{report}");
    assert!(report.quiets().len() >= 4, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrapper_that_does_nothing_is_passed() {
    let report = with(Fault::Drop, 0.0).await;
    assert!(report.is_passed(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_broken_promise_is_found() {
    for (fault, rate, kind) in [
        (Fault::Drop, 0.01, Kind::Lost),
        (Fault::Duplicate, 0.02, Kind::Twice),
        (Fault::Reorder, 0.02, Kind::Order),
        (Fault::LoseReply, 0.02, Kind::Promise),
        (Fault::RunTwice, 1.0, Kind::Twice),
        (Fault::DenyRun, 1.0, Kind::Promise),
        (Fault::SecondOwner, 1.0, Kind::Promise),
        (Fault::EndNewerOwner, 1.0, Kind::Promise),
        (Fault::OverfillMailbox, 1.0, Kind::Promise),
        (Fault::RememberMembers, 1.0, Kind::Promise),
    ] {
        let report = with(fault, rate).await;
        assert!(report.findings().times(kind) > 0, "{fault}: {report}");
        println!("{fault}: {}", report.findings());
    }
}
