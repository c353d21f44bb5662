use switchboard::broker::{MessageBroker, Ran, RequestErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::message::{Message, MessageEnvelope};
use switchboard::retry::RetryPolicy;

use crate::suite::{Candidate, Job, NOTHING, Played, Seen, Stage, check, same};

pub(crate) async fn what_was_refused_never_ran_and_never_will<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let Err(refused) = stage.broker().send(&desk, Job::Note(1)).await else {
        return Err(Seen("it was accepted, though nobody is there".into()));
    };
    same("whether it ran", &refused.ran(), &Ran::Never)?;
    check(refused.is_retryable(), || "an actor may come, but the error says not to send it again".into())?;
    let staffed = stage.staff(&desk, 8).await?;
    stage.moment().await;
    same("what was handled", &staffed.numbers(), &NOTHING)
}

pub(crate) async fn a_request_that_a_handler_began_with_may_have_run<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    stage.staff(&desk, 8).await?;
    for job in [Job::Note(1), Job::Fail("no ink".into())] {
        let error = failed(stage.broker().request(&desk, job).await)?;
        same("whether it ran", &error.ran(), &Ran::Maybe)?;
        check(!error.is_retryable(), || format!("it may have run, but is to be sent again: {error}"))?;
    }
    Ok(())
}

pub(crate) async fn a_request_that_was_accepted_and_never_begun_never_ran<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 8).await?;
    let stopping = async {
        stage.moment().await;
        staffed.actor.stop();
    };
    let (ended, ()) = tokio::join!(stage.broker().request(&desk, Job::Echo(1)), stopping);
    let error = failed(ended)?;
    same("why it ended", error.kind(), &RequestErrorKind::ActorStopped)?;
    same("whether it ran", &error.ran(), &Ran::Never)?;
    staffed.worker.let_go();
    stage.moment().await;
    same("what was handled", &staffed.numbers(), &[0])
}

pub(crate) async fn what_may_have_run_is_not_tried_again_by_itself<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, 8).await?;
    let envelope = MessageEnvelope::new(Job::Attempt(1, 9)).with_retry(RetryPolicy::attempts(3));
    stage.broker().send(&desk, envelope).await?;
    let envelope = MessageEnvelope::new(Job::Attempt(2, 9)).with_retry(RetryPolicy::attempts(3));
    failed(stage.broker().request(&desk, envelope).await)?;
    stage.moment().await;
    same("what was handled", &staffed.numbers(), &[1, 2])
}

pub(crate) async fn what_was_not_accepted_is_tried_again_as_its_policy_says<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let envelope = MessageEnvelope::new(Job::Note(1)).with_retry(RetryPolicy::unlimited());
    let coming = async {
        stage.moment().await;
        stage.staff(&desk, 8).await
    };
    let sending = stage.soon("the message is accepted", stage.broker().send(&desk, envelope));
    let (sent, staffed) = tokio::join!(sending, coming);
    sent??;
    let staffed = staffed?;
    stage.logged(&staffed, 1).await?;
    stage.moment().await;
    same("what was handled", &staffed.numbers(), &[1])
}

pub(crate) async fn at_least_once_is_handled_until_it_is_done<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, 8).await?;
    let envelope = MessageEnvelope::new(Job::Attempt(1, 3)).at_least_once().with_retry(RetryPolicy::attempts(5));
    stage.broker().send(&desk, envelope).await?;
    stage.logged(&staffed, 3).await?;
    stage.moment().await;
    same("how often it was handled", &staffed.numbers().len(), &3)
}

pub(crate) async fn at_least_once_is_a_dead_letter_when_its_attempts_are_used_up<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, 8).await?;
    let envelope = MessageEnvelope::new(Job::Attempt(1, 9)).at_least_once().with_retry(RetryPolicy::attempts(2));
    stage.broker().send(&desk, envelope).await?;
    let letters = stage.letters_of(1).await?;
    let left: Vec<_> = letters.into_iter().map(|letter| (letter.job, letter.reason)).collect();
    same("the dead letters", &left, &[(Job::Attempt(1, 9), DeadLetterReason::Failed)])?;
    same("how often it was handled", &staffed.numbers().len(), &2)
}

/// The error of a request that has to have one.
fn failed<M: Message, E>(ended: Result<M, E>) -> Result<E, Seen> {
    ended.err().ok_or_else(|| Seen("the request was answered".into()))
}
