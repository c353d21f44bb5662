//! The suite notices: for each guarantee, brokers that break it, and the case that says so.
#![allow(clippy::unwrap_used, reason = "also in helpers of tests: what is not there is a failure")]

mod common;

use std::collections::HashSet;
use std::fmt::Write;
use std::time::Duration;

use common::{Faulty, InMemory};
use switchboard::InMemoryMessageBroker;
use switchboard_conformance::{
    Accounts, Candidate, Capabilities, Case, Failure, Fault, FaultPlan, Guarantee, Job, Letter, Report, Verdict, run,
    run_case,
};

/// What a broker can do against its promises that can't be done by wrapping it, as no message shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// One more message was handled than were.
    Miscount,
    /// Dead letters are thrown away.
    HideLetters,
    /// Shutting down gives no time for what was accepted.
    HastyShutdown,
    /// Shutting down does nothing.
    NoShutdown,
}

/// The broker in memory, seen by a candidate that lies.
#[derive(Debug)]
struct Lying(Lie);

impl Candidate for Lying {
    type Broker = InMemoryMessageBroker<Job>;

    fn capabilities(&self) -> Capabilities {
        InMemory.capabilities()
    }

    async fn make(&self) -> Self::Broker {
        InMemory.make().await
    }

    async fn accounts(&self, broker: &Self::Broker) -> Option<Accounts> {
        let mut accounts = InMemory.accounts(broker).await?;
        accounts.accepted += u64::from(self.0 == Lie::Miscount);
        Some(accounts)
    }

    async fn dead_letters(&self, broker: &Self::Broker) -> Option<Vec<Letter>> {
        let letters = InMemory.dead_letters(broker).await?;
        Some(if self.0 == Lie::HideLetters { Vec::new() } else { letters })
    }

    async fn shut_down(&self, broker: &Self::Broker, time: Duration) {
        match self.0 {
            Lie::HastyShutdown => InMemory.shut_down(broker, Duration::ZERO).await,
            Lie::NoShutdown => {}
            _ => InMemory.shut_down(broker, time).await,
        }
    }
}

/// Faults by which the guarantee is broken, each with the case that has to say so.
const FAULTS: &[(Guarantee, Fault, &str)] = &[
    (Guarantee::Order, Fault::Reorder, "what_one_sender_sends_is_handled_in_its_order"),
    (Guarantee::Order, Fault::Reorder, "what_a_handler_sends_is_handled_in_its_order"),
    (Guarantee::Conservation, Fault::Drop, "what_is_accepted_is_handled_exactly_once"),
    (Guarantee::Conservation, Fault::Drop, "a_scheduled_message_comes_once_and_not_before_it_is_due"),
    (Guarantee::Conservation, Fault::Duplicate, "what_is_accepted_is_handled_exactly_once"),
    (Guarantee::Conservation, Fault::Duplicate, "what_is_published_reaches_each_subscription_once"),
    (Guarantee::Conservation, Fault::Duplicate, "what_is_for_all_members_reaches_each_once"),
    (Guarantee::NeverOrMaybeRan, Fault::RunTwice, "what_may_have_run_is_not_tried_again_by_itself"),
    (Guarantee::NeverOrMaybeRan, Fault::DenyRun, "a_request_that_a_handler_began_with_may_have_run"),
    (Guarantee::RequestsEnd, Fault::LoseReply, "each_reply_comes_to_its_own_caller"),
    (Guarantee::RequestsEnd, Fault::LoseReply, "a_right_to_answer_that_is_dropped_ends_the_request_at_once"),
    (Guarantee::RequestsEnd, Fault::IgnoreDeadline, "a_handler_that_is_at_work_leads_to_a_timeout_at_the_deadline"),
    (Guarantee::RequestsEnd, Fault::IgnoreDeadline, "one_deadline_covers_the_wait_for_room"),
    (Guarantee::Deadlines, Fault::IgnoreDeadline, "a_message_whose_deadline_has_passed_is_not_handled"),
    (Guarantee::Deadlines, Fault::IgnoreDeadline, "what_a_handler_asks_inherits_the_deadline"),
    (Guarantee::Names, Fault::SecondOwner, "a_name_that_is_taken_is_refused_and_stays_with_its_owner"),
    (Guarantee::Names, Fault::SecondOwner, "of_many_that_want_a_name_at_once_one_gets_it"),
    (Guarantee::Names, Fault::EndNewerOwner, "a_late_unregister_does_not_touch_a_newer_owner"),
    (Guarantee::Pools, Fault::KeepToOneMember, "nothing_goes_to_a_member_that_has_stopped"),
    (Guarantee::Pools, Fault::KeepToOneMember, "a_pool_whose_members_have_all_gone_gives_the_message_back"),
    (Guarantee::Pools, Fault::RememberMembers, "the_members_of_a_pool_are_those_that_live"),
    (Guarantee::Pools, Fault::Reorder, "messages_with_one_key_go_to_one_member_in_their_order"),
    (Guarantee::Bounds, Fault::OverfillMailbox, "a_mailbox_takes_what_it_has_room_for_and_no_more"),
    (Guarantee::Bounds, Fault::OverfillMailbox, "a_mailbox_without_any_room_is_refused"),
    (Guarantee::Bounds, Fault::OverfillMailbox, "dropping_the_oldest_keeps_the_newest"),
    (Guarantee::Panics, Fault::ForgetCause, "the_cause_of_a_panic_reaches_the_caller"),
    (Guarantee::Panics, Fault::ForgetCause, "an_actor_that_is_to_stop_ends_with_the_cause"),
    (Guarantee::Panics, Fault::NeverRebuild, "an_actor_that_is_to_be_rebuilt_goes_on_with_its_mailbox"),
];

const LIES: &[(Guarantee, Lie, &str)] = &[
    (Guarantee::Conservation, Lie::Miscount, "the_accounts_are_even_when_nothing_is_under_way"),
    (Guarantee::Conservation, Lie::HideLetters, "what_a_stopped_actor_had_not_begun_becomes_dead_letters"),
    (Guarantee::Bounds, Lie::HideLetters, "what_is_evicted_becomes_a_dead_letter"),
    (Guarantee::Shutdown, Lie::HastyShutdown, "what_was_accepted_is_finished"),
    (Guarantee::Shutdown, Lie::NoShutdown, "new_work_is_refused_with_the_message_inside"),
    (Guarantee::Shutdown, Lie::HideLetters, "what_is_not_done_in_time_is_handed_back"),
];

/// The failure of the case, which passes without the fault.
fn noticed(candidate: &impl Candidate, guarantee: Guarantee, case: &str) -> Failure {
    assert_eq!(Case::named(case).unwrap().guarantee, guarantee, "{case}");
    assert_eq!(run_case(&InMemory, case), Verdict::Passed);
    match run_case(candidate, case) {
        Verdict::Failed(failure) => failure,
        verdict => panic!("it is not noticed that {guarantee} does not hold: {case}: {verdict:?}"),
    }
}

/// The broker in memory with this fault, as often as it does harm.
fn with(fault: Fault) -> Faulty {
    // What is all held back comes in order.
    let rate = if fault == Fault::Reorder { 0.5 } else { 1.0 };
    Faulty(FaultPlan::new(1).rate(fault, rate))
}

#[test]
fn for_each_guarantee_a_broker_that_breaks_it_is_caught() {
    let mut table =
        String::from("| guarantee | fault | case that catches it | what it saw |\n| --- | --- | --- | --- |\n");
    let mut row = |guarantee: Guarantee, fault: String, failure: Failure| {
        let case = failure.case.replace('_', " ");
        let seen: String = failure.seen.chars().take(100).collect();
        writeln!(table, "| {guarantee} | {fault} | {case} | {seen} |").unwrap();
    };
    for guarantee in Guarantee::ALL {
        let mut caught = 0;
        for (_, fault, case) in FAULTS.iter().filter(|(broken, ..)| *broken == guarantee) {
            row(guarantee, fault.to_string(), noticed(&with(*fault), guarantee, case));
            caught += 1;
        }
        for (_, lie, case) in LIES.iter().filter(|(broken, ..)| *broken == guarantee) {
            row(guarantee, format!("{lie:?}"), noticed(&Lying(*lie), guarantee, case));
            caught += 1;
        }
        assert!(caught > 0, "nothing breaks {guarantee}");
    }
    println!("{table}");
}

/// A case that nothing can fail shows nothing.
#[test]
fn there_is_no_case_that_no_broken_broker_fails() {
    let mut reports: Vec<Report> = Fault::ALL.into_iter().map(|fault| run(&with(fault))).collect();
    reports.extend([Lie::Miscount, Lie::HideLetters, Lie::HastyShutdown, Lie::NoShutdown].map(|lie| run(&Lying(lie))));
    let failed: HashSet<&str> = reports.iter().flat_map(Report::failures).map(|failure| failure.case).collect();
    let looked_at = Case::ALL.iter().filter(|case| InMemory.capabilities().lacks(case.needs).is_none());
    let never_failed: Vec<&str> = looked_at.map(|case| case.name).filter(|case| !failed.contains(case)).collect();
    assert!(never_failed.is_empty(), "{never_failed:?}");
}
