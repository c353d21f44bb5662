//! How cases are run: what is skipped, what a failure says, and that no broker can hold the suite up or end it.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::time::Duration;

use common::InMemory;
use switchboard::dead_letters::DeadLetterFilter;
use switchboard::retry::RetryPolicy;
use switchboard::{InMemoryMessageBroker, MessageBroker};
use switchboard_conformance::{
    Candidate, Capabilities, Capability, Case, Clock, Failure, Guarantee, Job, Verdict, run, run_case,
};

const ONE_OWNER: &str = "a_name_has_one_owner_among_all_connections";
const SURVIVES: &str = "what_was_accepted_survives_a_restart_of_the_broker";
const ORDER: &str = "what_one_sender_sends_is_handled_in_its_order";

type Broker = InMemoryMessageBroker<Job>;

#[test]
fn the_report_counts_what_passed_and_names_what_was_skipped() {
    let report = run(&InMemory);
    assert!(report.is_passed(), "{report}");
    assert_eq!(report.passed(), Case::ALL.len() - 2);
    let text = report.to_string();
    assert!(text.contains(&format!("skipped {ONE_OWNER}: it needs ClusterWideNames")), "{text}");
    assert!(text.ends_with(&format!("{} of {} cases passed", report.passed(), Case::ALL.len())), "{text}");
}

/// Makes its broker in a way that never ends, or in one that panics.
struct Unmade(Option<&'static str>);

impl Candidate for Unmade {
    type Broker = Broker;

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }

    async fn make(&self) -> Broker {
        match self.0 {
            Some(cause) => panic!("{cause}"),
            None => std::future::pending().await,
        }
    }
}

#[test]
fn a_broker_that_panics_or_hangs_fails_the_case_and_says_so() {
    for (candidate, seen) in [
        (Unmade(Some("no server")), "a panic: no server"),
        (Unmade(None), "it waits for something that does not happen"),
    ] {
        let failure = Failure { guarantee: Guarantee::Order, case: ORDER, seen: seen.into() };
        assert_eq!(run_case(&candidate, ORDER), Verdict::Failed(failure));
    }
}

#[test]
#[should_panic(expected = "there is no case `nothing`")]
fn a_case_that_there_is_not_is_a_mistake() {
    let _ = run_case(&InMemory, "nothing");
}

/// Several connections, which share their broker or only claim so; a restart, which keeps what was accepted or not.
struct Server {
    is_one: bool,
}

impl Candidate for Server {
    type Broker = Broker;

    fn capabilities(&self) -> Capabilities {
        Capabilities::of([Capability::ClusterWideNames, Capability::Durable, Capability::Redelivery])
    }

    async fn make(&self) -> Broker {
        Broker::new()
    }

    async fn connect(&self, broker: &Broker) -> Broker {
        if self.is_one { broker.clone() } else { Broker::new() }
    }

    async fn restart(&self, broker: &Broker) -> Option<Broker> {
        let restarted = Broker::new();
        broker.shutdown(Duration::ZERO).await;
        for letter in broker.dead_letters().take(&DeadLetterFilter::all()) {
            let (broker, envelope) = (restarted.clone(), letter.envelope.with_retry(RetryPolicy::unlimited()));
            if self.is_one && envelope.is_at_least_once() {
                tokio::spawn(async move { broker.send(&letter.address, envelope).await });
            }
        }
        Some(restarted)
    }
}

#[test]
fn names_and_messages_of_a_broker_with_a_server_are_looked_at_too() {
    for case in [ONE_OWNER, SURVIVES] {
        assert_eq!(run_case(&Server { is_one: true }, case), Verdict::Passed);
        let Verdict::Failed(failure) = run_case(&Server { is_one: false }, case) else {
            panic!("{case} does not notice");
        };
        assert_eq!(failure.guarantee, Case::named(case).unwrap().guarantee);
    }
}

/// By the machine's clock, as a broker with a server has to.
struct RealTime;

impl Candidate for RealTime {
    type Broker = Broker;

    fn capabilities(&self) -> Capabilities {
        Capabilities::of([Capability::Groups, Capability::ExactBounds])
    }

    fn clock(&self) -> Clock {
        Clock::Real
    }

    async fn make(&self) -> Broker {
        Broker::new()
    }
}

#[test]
fn cases_run_by_the_machines_clock_too() {
    for case in
        [ORDER, "a_handler_that_is_at_work_leads_to_a_timeout_at_the_deadline", "a_handler_knows_how_much_time_is_left"]
    {
        assert_eq!(run_case(&RealTime, case), Verdict::Passed, "{case}");
    }
}
