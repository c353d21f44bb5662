//! The one list of all cases: what is made of it is the constant, the way from a name to its case, and users' tests.

use super::{Candidate, Capability, Case, Guarantee, Played, Stage};
use crate::cases;

/// Hands all cases to the macro that is named in the brackets, after what else is in there.
#[doc(hidden)]
#[macro_export]
macro_rules! __cases {
    ([$($callback:tt)+] $($arguments:tt)*) => {
        $($callback)+! {
            $($arguments)*
            Order order {
                what_one_sender_sends_is_handled_in_its_order [];
                a_message_that_was_refused_first_keeps_the_place_at_which_it_was_taken [];
                a_request_keeps_its_place_among_messages [];
                each_of_several_senders_keeps_its_order [];
                what_a_handler_sends_is_handled_in_its_order [];
                code_that_receives_by_hand_gets_messages_in_their_order [];
                more_urgent_messages_go_first_and_equal_ones_in_order [Priorities];
                strict_order_holds_others_up_while_a_message_is_handled_again [Redelivery, StrictOrderUnderRedelivery];
            }
            Conservation conservation {
                what_is_accepted_is_handled_exactly_once [];
                a_message_to_nobody_comes_back_whole [];
                a_message_that_is_only_tried_comes_back_too [];
                what_a_stopped_actor_had_not_begun_becomes_dead_letters [DeadLetters];
                the_accounts_are_even_when_nothing_is_under_way [Accounts];
                what_is_published_reaches_each_subscription_once [Topics];
                what_is_for_all_members_reaches_each_once [Groups];
                a_scheduled_message_comes_once_and_not_before_it_is_due [Scheduling];
                a_scheduled_message_that_is_taken_back_never_comes [Scheduling];
                what_was_accepted_survives_a_restart_of_the_broker [Durable, Redelivery];
            }
            NeverOrMaybeRan ran {
                what_was_refused_never_ran_and_never_will [];
                a_request_that_a_handler_began_with_may_have_run [];
                a_request_that_was_accepted_and_never_begun_never_ran [];
                what_may_have_run_is_not_tried_again_by_itself [];
                what_was_not_accepted_is_tried_again_as_its_policy_says [Retries];
                at_least_once_is_handled_until_it_is_done [Redelivery];
                at_least_once_is_a_dead_letter_when_its_attempts_are_used_up [Redelivery, DeadLetters];
            }
            RequestsEnd requests {
                each_reply_comes_to_its_own_caller [];
                a_handler_that_does_not_reply_ends_the_request_at_once [];
                a_handler_that_fails_ends_the_request_with_its_text [];
                a_request_to_nobody_ends_at_once_with_the_message_inside [];
                stopping_the_actor_ends_the_requests_that_wait_at_once [];
                a_handler_that_is_at_work_leads_to_a_timeout_at_the_deadline [];
                one_deadline_covers_the_wait_for_room [ExactBounds];
                a_caller_that_goes_away_takes_its_request_along [];
                a_late_reply_is_no_error_and_goes_to_nobody [];
                a_reply_can_come_later_from_elsewhere [];
                another_actor_can_answer [];
                a_reply_needs_no_room_in_any_mailbox [];
                a_right_to_answer_that_is_dropped_ends_the_request_at_once [];
            }
            Deadlines deadlines {
                a_message_whose_deadline_has_passed_is_not_handled [];
                a_message_that_has_expired_is_counted_so [Accounts];
                a_message_that_is_given_no_time_is_refused [];
                a_handler_knows_how_much_time_is_left [];
                what_a_handler_asks_inherits_the_deadline [];
                a_message_without_a_deadline_does_not_expire [];
            }
            Names names {
                a_name_that_is_taken_is_refused_and_stays_with_its_owner [];
                of_many_that_want_a_name_at_once_one_gets_it [];
                a_late_unregister_does_not_touch_a_newer_owner [];
                a_registration_that_is_dropped_frees_its_name [];
                an_actor_that_has_ended_leaves_its_name_free [];
                unregistering_frees_the_name_at_once_and_what_was_accepted_is_handled [];
                a_name_has_one_owner_among_all_connections [ClusterWideNames];
            }
            Pools pools {
                an_empty_pool_gives_the_message_back [Groups];
                a_pool_whose_members_have_all_gone_gives_the_message_back [Groups];
                nothing_goes_to_a_member_that_has_stopped [Groups];
                a_member_that_joins_gets_messages_until_it_leaves [Groups];
                the_members_of_a_pool_are_those_that_live [Groups];
                messages_with_one_key_go_to_one_member_in_their_order [Groups, Keys];
                members_that_come_and_go_do_not_change_the_order_of_a_key [Groups, Keys];
            }
            Bounds bounds {
                a_mailbox_takes_what_it_has_room_for_and_no_more [ExactBounds];
                a_full_mailbox_makes_its_senders_wait_for_room [ExactBounds];
                who_waits_for_room_waits_no_longer_than_the_deadline [ExactBounds];
                a_mailbox_that_refuses_does_so_at_once_by_every_call [ExactBounds];
                dropping_the_oldest_keeps_the_newest [ExactBounds];
                dropping_the_newest_keeps_the_oldest [ExactBounds];
                what_is_evicted_becomes_a_dead_letter [ExactBounds, DeadLetters];
                a_mailbox_without_any_room_is_refused [];
                unbounded_has_room_for_what_is_sent [];
            }
            Panics panics {
                the_cause_of_a_panic_reaches_the_caller [];
                an_actor_that_is_to_stop_ends_with_the_cause [];
                an_actor_that_is_to_be_rebuilt_goes_on_with_its_mailbox [Rebuilding];
                a_panic_does_not_touch_other_actors [];
                a_panic_ends_the_requests_that_wait_behind_it [];
                a_panic_counts_as_a_failure [Rebuilding, Accounts];
            }
            Shutdown shutdown {
                what_was_accepted_is_finished [Shutdown];
                new_work_is_refused_with_the_message_inside [Shutdown];
                what_is_not_done_in_time_is_handed_back [Shutdown, DeadLetters];
                requests_end_with_the_broker [Shutdown];
                what_is_scheduled_is_handed_back [Shutdown, DeadLetters, Scheduling];
            }
        }
    };
}

macro_rules! all {
    ($($guarantee:ident $module:ident { $($name:ident [$($need:ident),*];)+ })+) => {
        pub(super) const ALL: &[Case] = &[$($(
            Case {
                guarantee: Guarantee::$guarantee,
                name: stringify!($name),
                needs: &[$(Capability::$need),*],
            },
        )+)+];

        /// Plays the case of this name.
        pub(super) async fn play<C: Candidate>(name: &str, stage: &Stage<'_, C>) -> Played {
            match name {
                $($(stringify!($name) => cases::$module::$name(stage).await,)+)+
                _ => Ok(()),
            }
        }
    };
}

crate::__cases! { [all] }

/// A test for each case of the suite, in a module for each guarantee: `suite!(candidate)`, where `candidate` is an
/// expression of a [`Candidate`].
///
/// A test fails with what its case saw, and passes where the candidate lacks a capability; it says so then.
#[macro_export]
macro_rules! suite {
    ($candidate:expr) => {
        $crate::__cases! { [$crate::__tests] [$candidate] }
    };
}

/// The tests that [`suite!`] makes.
#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ([$candidate:expr] $($guarantee:ident $module:ident { $($name:ident [$($need:ident),*];)+ })+) => {
        $($crate::__tests! { @module [$candidate] $module { $($name)+ } })+
    };
    (@module [$candidate:expr] $module:ident { $($name:ident)+ }) => {
        mod $module {
            #[allow(unused_imports, reason = "the candidate may need nothing from outside")]
            use super::*;

            $(
                #[test]
                fn $name() {
                    match $crate::run_case(&$candidate, stringify!($name)) {
                        $crate::Verdict::Passed => {}
                        $crate::Verdict::Skipped(lacks) => println!("skipped: the broker lacks {lacks:?}"),
                        $crate::Verdict::Failed(failure) => panic!("{failure}"),
                    }
                }
            )+
        }
    };
}
