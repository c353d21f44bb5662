use switchboard::actor::Delivery;
use switchboard::broker::{MessageBroker, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::metrics::{Outcome, Outcomes};
use switchboard::{pattern, subject};
use tokio::time::Instant;

use crate::suite::{Candidate, Job, Played, Seen, Stage, check, same};

const MANY: u64 = 30;

pub(crate) async fn what_is_accepted_is_handled_exactly_once<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, MANY as usize).await?;
    for number in 0..MANY {
        stage.broker().send(&desk, Job::Note(number)).await?;
    }
    stage.logged(&staffed, MANY as usize).await?;
    // What comes twice may come late.
    stage.moment().await;
    let mut numbers = staffed.numbers();
    numbers.sort_unstable();
    same("all that was handled", &numbers, &(0..MANY).collect::<Vec<_>>())
}

pub(crate) async fn a_message_to_nobody_comes_back_whole<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let envelope = MessageEnvelope::new(Job::Note(7)).with_metadata("trace", "abc");
    let id = envelope.id();
    let Err(refused) = stage.broker().send(&desk, envelope).await else {
        return Err(Seen("it was accepted, though nobody is there".into()));
    };
    same("why it was refused", &refused.kind(), &SendErrorKind::NoSuchActor)?;
    let envelope = refused.into_envelope();
    same("its id", &envelope.id(), &id)?;
    same("its metadata", &envelope.metadata("trace"), &Some("abc"))?;
    same("the message in the error", &envelope.into_message(), &Job::Note(7))
}

pub(crate) async fn a_message_that_is_only_tried_comes_back_too<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    match stage.broker().try_send(&stage.desk()?, Job::Note(7)) {
        Ok(()) => Err(Seen("it was accepted, though nobody is there".into())),
        Err(refused) => same("the message in the error", &refused.into_inner(), &Job::Note(7)),
    }
}

pub(crate) async fn what_a_stopped_actor_had_not_begun_becomes_dead_letters<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 8).await?;
    for number in 1..4 {
        stage.broker().send(&desk, Job::Note(number)).await?;
    }
    stage.moment().await;
    staffed.actor.stop();
    staffed.worker.let_go();
    let letters = stage.letters_of(3).await?;
    let left: Vec<_> = letters.into_iter().map(|letter| (letter.job, letter.reason)).collect();
    let expected = [1, 2, 3].map(|number| (Job::Note(number), DeadLetterReason::ActorStopped));
    same("the dead letters", &left, &expected)?;
    same("what was handled", &staffed.numbers(), &[0])
}

pub(crate) async fn the_accounts_are_even_when_nothing_is_under_way<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let (desk, annex) = (stage.desk()?, stage.annex()?);
    let staffed = stage.staff(&desk, 32).await?;
    for number in 0..MANY {
        let job = if number % 10 == 0 { Job::Fail("no ink".into()) } else { Job::Note(number) };
        stage.broker().send(&desk, job).await?;
    }
    stage.logged(&staffed, MANY as usize - 3).await?;
    let leaving = stage.staff_held(&annex, 8).await?;
    for number in 1..4 {
        stage.broker().send(&annex, Job::Note(number)).await?;
    }
    stage.moment().await;
    leaving.actor.stop();
    leaving.worker.let_go();
    stage.soon("the actor ends", leaving.actor.join()).await?;
    let accounts = stage.settled_accounts().await?;
    let mut outcomes = Outcomes::default();
    (outcomes[Outcome::Handled], outcomes[Outcome::Failed], outcomes[Outcome::Abandoned]) = (MANY - 3 + 1, 3, 3);
    same("how messages ended", &accounts.outcomes, &outcomes)?;
    same("how many were accepted", &accounts.accepted, &(MANY + 4))
}

pub(crate) async fn what_is_published_reaches_each_subscription_once<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let mut exact = stage.broker().subscribe(pattern!("conformance.eu"), MailboxOptions::bounded(8)).await?;
    let mut all = stage.broker().subscribe(pattern!("conformance.>"), MailboxOptions::bounded(8)).await?;
    for (subject, number) in [(subject!("conformance.eu"), 1), (subject!("conformance.us"), 2)] {
        let published = stage.broker().publish(&subject, Job::Note(number)).await;
        check(published.returned.is_none(), || "it came back, though there are subscriptions".into())?;
    }
    stage.moment().await;
    let exact: Vec<_> = std::iter::from_fn(|| Some(exact.try_recv()?.into_message())).collect();
    let all: Vec<_> = std::iter::from_fn(|| Some(all.try_recv()?.into_message())).collect();
    same("what came by the subject", &exact, &[Job::Note(1)])?;
    same("what came by the pattern", &all, &[Job::Note(1), Job::Note(2)])
}

pub(crate) async fn what_is_for_all_members_reaches_each_once<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let pool = stage.pool()?;
    let members = [stage.staff(&pool, 8).await?, stage.staff(&pool, 8).await?, stage.staff(&pool, 8).await?];
    let broadcasted = stage.broker().broadcast(&pool, Job::Note(7)).await;
    same("how many took it", &broadcasted.delivered, &3)?;
    stage.moment().await;
    for member in &members {
        same("what a member got", &member.numbers(), &[7])?;
    }
    Ok(())
}

pub(crate) async fn a_scheduled_message_comes_once_and_not_before_it_is_due<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let mut inbox = stage.inbox(&desk, MailboxOptions::bounded(8)).await?;
    let due = Instant::now() + stage.clock().moment();
    stage.broker().send_at(due, &desk, Job::Note(1)).await?;
    let delivery = stage.soon("the scheduled message comes", inbox.recv()).await?;
    check(Instant::now() >= due, || format!("it came {:?} early", due - Instant::now()))?;
    same("what came", &delivery.map(Delivery::into_message), &Some(Job::Note(1)))?;
    stage.moment().await;
    check(inbox.try_recv().is_none(), || "it came twice".into())
}

pub(crate) async fn a_scheduled_message_that_is_taken_back_never_comes<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let mut inbox = stage.inbox(&desk, MailboxOptions::bounded(8)).await?;
    let scheduled = stage.broker().send_after(stage.clock().moment(), &desk, Job::Note(1)).await?;
    let taken = scheduled.cancel().map(MessageEnvelope::into_message);
    same("what was taken back", &taken, &Some(Job::Note(1)))?;
    stage.moment().await;
    stage.moment().await;
    check(inbox.try_recv().is_none(), || "it came all the same".into())
}

pub(crate) async fn what_was_accepted_survives_a_restart_of_the_broker<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let _held = stage.staff_held(&desk, 8).await?;
    for number in 1..4 {
        stage.broker().send(&desk, MessageEnvelope::new(Job::Note(number)).at_least_once()).await?;
    }
    let stage = stage.restart().await?;
    let staffed = stage.staff(&desk, 8).await?;
    stage.logged(&staffed, 3).await?;
    let mut numbers = staffed.numbers();
    numbers.dedup();
    check(numbers.ends_with(&[1, 2, 3]), || format!("what came after the restart: {numbers:?}"))
}
