//! A soak of two seconds passes, and one of a broker that breaks its promises does not.

use std::time::Duration;

use switchboard::InMemoryMessageBroker;
use switchboard_conformance::{Fault, FaultPlan, FaultyBroker};
use switchboard_soak::{Candidate, InMemory, Job, Kind, Plan, Report, soak};
use tokio::sync::Mutex;

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
    let plan = Plan::new(Duration::from_millis(700)).rate(6_000.0).rest_every(Duration::from_millis(300));
    soak(Faulty(FaultPlan::new(7).rate(fault, rate)), plan, |_| {}).await
}

/// One soak at a time: what another allocates would look like growth.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_seconds_of_all_at_once_leave_nothing_behind() {
    let _alone = ALONE.lock().await;
    let report = soak(InMemory, Plan::new(Duration::from_secs(2)).rate(4_000.0), |_| {}).await;
    assert!(report.is_passed(), "{report}");
    assert!(report.quiets().len() >= 2, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrapper_that_does_nothing_is_passed() {
    let _alone = ALONE.lock().await;
    let report = with(Fault::Drop, 0.0).await;
    assert!(report.is_passed(), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_broken_promise_is_found() {
    let _alone = ALONE.lock().await;
    for (fault, rate, kind) in [
        (Fault::Drop, 0.01, Kind::Lost),
        (Fault::Duplicate, 0.02, Kind::Twice),
        (Fault::Reorder, 0.2, Kind::Order),
        (Fault::LoseReply, 0.02, Kind::Promise),
        (Fault::RunTwice, 1.0, Kind::Twice),
        (Fault::DenyRun, 1.0, Kind::Promise),
        (Fault::SecondOwner, 1.0, Kind::Promise),
        (Fault::EndNewerOwner, 1.0, Kind::Promise),
        (Fault::OverfillMailbox, 1.0, Kind::Promise),
        (Fault::RememberMembers, 1.0, Kind::Promise),
    ] {
        // How much a soak gets done in so short a time is up to the machine.
        let mut report = with(fault, rate).await;
        for _ in 0..4 {
            if report.findings().times(kind) == 0 {
                report = with(fault, rate).await;
            }
        }
        assert!(report.findings().times(kind) > 0, "{fault}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_that_is_kept_for_good_is_found() {
    let _alone = ALONE.lock().await;
    let plan = Plan::new(Duration::from_secs(4)).rate(1_000.0).rest_every(Duration::from_millis(50));
    let mut kept = Vec::new();
    let report = soak(InMemory, plan, |_| kept.push(vec![0_u8; 300_000])).await;
    assert_eq!(report.findings().times(Kind::Growth), 1, "{report}");
    assert!(report.findings().to_string().contains("allocated memory at rest grew by "), "{report}");
}
