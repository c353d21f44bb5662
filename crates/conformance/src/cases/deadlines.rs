use std::time::Duration;

use switchboard::broker::{MessageBroker, SendErrorKind};
use switchboard::message::Message;
use switchboard::metrics::Outcome;

use crate::suite::{Candidate, Job, NOTHING, Played, Seen, Stage, check, same};

pub(crate) async fn a_message_whose_deadline_has_passed_is_not_handled<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 8).await?;
    stage.broker().send(&desk, Job::Note(1).within(stage.clock().moment())).await?;
    stage.broker().send(&desk, Job::Note(2)).await?;
    stage.moment().await;
    stage.moment().await;
    staffed.worker.let_go();
    stage.logged(&staffed, 2).await?;
    stage.moment().await;
    same("what was handled", &staffed.numbers(), &[0, 2])
}

pub(crate) async fn a_message_that_has_expired_is_counted_so<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 8).await?;
    stage.broker().send(&desk, Job::Note(1).within(stage.clock().moment())).await?;
    stage.moment().await;
    stage.moment().await;
    staffed.worker.let_go();
    let accounts = stage.settled_accounts().await?;
    same("how many have expired", &accounts.outcomes[Outcome::Expired], &1)
}

pub(crate) async fn a_message_that_is_given_no_time_is_refused<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, 8).await?;
    let Err(refused) = stage.broker().send(&desk, Job::Note(1).within(Duration::ZERO)).await else {
        return Err(Seen("it was accepted".into()));
    };
    same("why it was refused", &refused.kind(), &SendErrorKind::Expired)?;
    stage.moment().await;
    same("what was handled", &staffed.numbers(), &NOTHING)
}

pub(crate) async fn a_handler_knows_how_much_time_is_left<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 8).await?;
    let time = stage.clock().patience();
    let going_on = async {
        stage.moment().await;
        staffed.worker.let_go();
    };
    let (reply, ()) = tokio::join!(stage.broker().request(&desk, Job::TimeLeft.within(time)), going_on);
    let left = milliseconds(reply?)?;
    let most = time - stage.clock().moment();
    check(left <= most && left + stage.clock().at_once() >= most / 2, || {
        format!("{left:?} are left after a moment in the mailbox, where at most {most:?} can be")
    })
}

pub(crate) async fn what_a_handler_asks_inherits_the_deadline<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let (desk, annex) = (stage.desk()?, stage.annex()?);
    stage.staff(&desk, 8).await?;
    stage.staff(&annex, 8).await?;
    let time = stage.clock().patience() / 2;
    let envelope = Job::AskTimeLeft(annex).within(time);
    let reply = stage.soon("the request ends", stage.broker().request(&desk, envelope)).await?;
    let left = milliseconds(reply?)?;
    check(left <= time, || format!("{left:?} are left of {time:?}"))
}

pub(crate) async fn a_message_without_a_deadline_does_not_expire<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 8).await?;
    stage.broker().send(&desk, Job::Note(1)).await?;
    for _ in 0..5 {
        stage.moment().await;
    }
    staffed.worker.let_go();
    stage.logged(&staffed, 2).await
}

fn milliseconds(reply: Job) -> Result<Duration, Seen> {
    match reply {
        Job::Answer(u64::MAX) => Err(Seen("the message has no deadline where it is handled".into())),
        Job::Answer(left) => Ok(Duration::from_millis(left)),
        other => Err(Seen(format!("a reply: {other:?}"))),
    }
}
