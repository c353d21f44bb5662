use switchboard::broker::{MessageBroker, RegisterError, RequestErrorKind, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::MailboxOptions;

use crate::suite::{Candidate, Job, Played, Seen, Stage, check, same};

pub(crate) async fn what_was_accepted_is_finished<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 8).await?;
    for number in 1..4 {
        stage.broker().send(&desk, Job::Note(number)).await?;
    }
    let going_on = async {
        stage.moment().await;
        staffed.worker.let_go();
    };
    let (down, ()) = tokio::join!(stage.shut_down(stage.clock().patience()), going_on);
    down?;
    same("what was handled", &staffed.numbers(), &[0, 1, 2, 3])
}

pub(crate) async fn new_work_is_refused_with_the_message_inside<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    stage.staff(&desk, 8).await?;
    stage.shut_down(stage.clock().moment()).await?;
    let Err(refused) = stage.broker().send(&desk, Job::Note(1)).await else {
        return Err(Seen("a message was accepted".into()));
    };
    same("why it was refused", &refused.kind(), &SendErrorKind::ShutDown)?;
    same("the message in the error", &refused.into_inner(), &Job::Note(1))?;
    let registered = stage.broker().register(&stage.annex()?, MailboxOptions::bounded(8)).await.err();
    same("why an actor was refused", &registered, &Some(RegisterError::ShutDown))
}

pub(crate) async fn what_is_not_done_in_time_is_handed_back<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 8).await?;
    for number in 1..4 {
        stage.broker().send(&desk, Job::Note(number)).await?;
    }
    stage.shut_down(stage.clock().moment()).await?;
    let letters = stage.letters_of(3).await?;
    let left: Vec<_> = letters.into_iter().map(|letter| letter.job).collect();
    same("the dead letters", &left, &[1, 2, 3].map(Job::Note))?;
    same("what was handled", &staffed.numbers(), &[0])
}

pub(crate) async fn requests_end_with_the_broker<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let _staffed = stage.staff_held(&desk, 8).await?;
    let shutting = async {
        stage.moment().await;
        stage.shut_down(stage.clock().moment()).await
    };
    let both = async { tokio::join!(stage.broker().request(&desk, Job::Echo(1)), shutting) };
    let (ended, down) = stage.soon("the request ends with the broker", both).await?;
    down?;
    let kind = ended.err().map(|error| error.kind().clone());
    same("why it ended", &kind, &Some(RequestErrorKind::ActorStopped))
}

pub(crate) async fn what_is_scheduled_is_handed_back<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    stage.staff(&desk, 8).await?;
    stage.broker().send_after(stage.clock().patience(), &desk, Job::Note(1)).await?;
    stage.shut_down(stage.clock().moment()).await?;
    let letters = stage.letters_of(1).await?;
    let handed_back =
        letters.iter().any(|letter| letter.job == Job::Note(1) && letter.reason == DeadLetterReason::ShutDown);
    check(handed_back, || format!("the dead letters: {letters:?}"))
}
