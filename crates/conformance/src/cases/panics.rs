use switchboard::actor::{OnPanic, SpawnOptions, StopCause};
use switchboard::broker::{MessageBroker, Ran, RequestErrorKind};
use switchboard::mailbox::MailboxOptions;
use switchboard::metrics::Outcome;

use crate::suite::{Candidate, Job, Played, Seen, Stage, Worker, same};

const CAUSE: &str = "boom";

pub(crate) async fn the_cause_of_a_panic_reaches_the_caller<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    stage.staff(&desk, 8).await?;
    let asking = stage.broker().request(&desk, Job::Panic(CAUSE.into()));
    let Err(error) = stage.at_once("the request ends", asking).await? else {
        return Err(Seen("the request was answered".into()));
    };
    same("why it ended", error.kind(), &RequestErrorKind::HandlerPanicked(CAUSE.into()))?;
    same("whether it ran", &error.ran(), &Ran::Maybe)
}

pub(crate) async fn an_actor_that_is_to_stop_ends_with_the_cause<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, 8).await?;
    stage.broker().send(&desk, Job::Panic(CAUSE.into())).await?;
    let cause = stage.soon("the actor ends", staffed.actor.join()).await?;
    same("the cause", &cause, &StopCause::Panicked(CAUSE.into()))?;
    stage.staff(&desk, 8).await.map(drop)
}

pub(crate) async fn an_actor_that_is_to_be_rebuilt_goes_on_with_its_mailbox<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(8)).on_panic(OnPanic::Rebuild);
    let staffed = stage.staff_held_with(&desk, options).await?;
    stage.broker().send(&desk, Job::Panic(CAUSE.into())).await?;
    for number in 1..4 {
        stage.broker().send(&desk, Job::Note(number)).await?;
    }
    staffed.worker.let_go();
    stage.logged(&staffed, 4).await?;
    stage.broker().request(&desk, Job::Echo(4)).await?;
    same("what was handled", &staffed.numbers(), &[0, 1, 2, 3, 4])
}

pub(crate) async fn a_panic_does_not_touch_other_actors<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let (desk, annex) = (stage.desk()?, stage.annex()?);
    let other = stage.staff(&annex, 8).await?;
    let staffed = stage.staff(&desk, 8).await?;
    stage.broker().send(&annex, Job::Note(1)).await?;
    stage.broker().send(&desk, Job::Panic(CAUSE.into())).await?;
    stage.soon("the actor ends", staffed.actor.join()).await?;
    stage.broker().request(&annex, Job::Echo(2)).await?;
    same("what the other handled", &other.numbers(), &[1, 2])
}

pub(crate) async fn a_panic_ends_the_requests_that_wait_behind_it<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 8).await?;
    stage.broker().send(&desk, Job::Panic(CAUSE.into())).await?;
    let going_on = async {
        stage.moment().await;
        staffed.worker.let_go();
    };
    let both = async { tokio::join!(stage.broker().request(&desk, Job::Echo(1)), going_on) };
    let (Err(error), ()) = stage.soon("the request ends", both).await? else {
        return Err(Seen("the request was answered".into()));
    };
    same("why it ended", error.kind(), &RequestErrorKind::ActorStopped)?;
    same("whether it ran", &error.ran(), &Ran::Never)
}

pub(crate) async fn a_panic_counts_as_a_failure<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let options = SpawnOptions::new().on_panic(OnPanic::Rebuild);
    stage.staff_with(&desk, options, Worker::new()).await?;
    stage.broker().send(&desk, Job::Panic(CAUSE.into())).await?;
    stage.broker().request(&desk, Job::Echo(1)).await?;
    let outcomes = stage.settled_accounts().await?.outcomes;
    same("how many failed", &outcomes[Outcome::Failed], &1)?;
    same("how many were handled", &outcomes[Outcome::Handled], &1)
}
