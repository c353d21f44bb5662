use std::time::Duration;

use switchboard::actor::Delivery;
use switchboard::broker::{MessageBroker, Ran, RequestError, RequestErrorKind, SendErrorKind};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::Message;
use tokio::time::Instant;

use crate::suite::{Candidate, Job, NOTHING, Played, Seen, Stage, check, same};

pub(crate) async fn each_reply_comes_to_its_own_caller<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    stage.staff(&desk, 8).await?;
    let ask = |number| stage.broker().request(&desk, Job::Echo(number));
    let asking = async { tokio::join!(ask(1), ask(2), ask(3)) };
    let (one, two, three) = stage.soon("three requests end", asking).await?;
    same("the replies", &[one?, two?, three?], &[Job::Answer(1), Job::Answer(2), Job::Answer(3)])
}

pub(crate) async fn a_handler_that_does_not_reply_ends_the_request_at_once<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    ends_at_once(stage, Job::Note(1), RequestErrorKind::NoReply).await
}

pub(crate) async fn a_handler_that_fails_ends_the_request_with_its_text<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    ends_at_once(stage, Job::Fail("no ink".into()), RequestErrorKind::HandlerFailed("no ink".into())).await
}

pub(crate) async fn a_request_to_nobody_ends_at_once_with_the_message_inside<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let ended = stage.at_once("a request to nobody ends", stage.broker().request(&desk, Job::Echo(1))).await?;
    let error = unanswered(ended)?;
    same("why it ended", error.kind(), &RequestErrorKind::NotSent(SendErrorKind::NoSuchActor))?;
    same("the message in the error", &error.into_inner(), &Some(Job::Echo(1)))
}

pub(crate) async fn stopping_the_actor_ends_the_requests_that_wait_at_once<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 8).await?;
    let stopping = async {
        stage.moment().await;
        staffed.actor.stop();
        Instant::now()
    };
    let asking = async { (stage.broker().request(&desk, Job::Echo(1)).await, Instant::now()) };
    let ((ended, at), stopped) = stage.soon("the request ends", async { tokio::join!(asking, stopping) }).await?;
    same("why it ended", unanswered(ended)?.kind(), &RequestErrorKind::ActorStopped)?;
    check(at - stopped <= stage.clock().at_once(), || format!("it ended {:?} after the actor", at - stopped))
}

pub(crate) async fn a_handler_that_is_at_work_leads_to_a_timeout_at_the_deadline<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let _staffed = stage.staff(&desk, 8).await?;
    let time = stage.clock().moment();
    let error = timed_out(stage, stage.broker().request(&desk, Job::Hold(1).within(time)), time).await?;
    same("whether it ran", &error.ran(), &Ran::Maybe)
}

pub(crate) async fn one_deadline_covers_the_wait_for_room<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 1).await?;
    stage.broker().send(&desk, Job::Note(1)).await?;
    let time = stage.clock().moment();
    let error = timed_out(stage, stage.broker().request(&desk, Job::Echo(2).within(time)), time).await?;
    same("whether it ran", &error.ran(), &Ran::Never)?;
    staffed.worker.let_go();
    stage.moment().await;
    same("what was handled", &staffed.numbers(), &[0, 1])
}

pub(crate) async fn a_caller_that_goes_away_takes_its_request_along<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 8).await?;
    {
        let asking = stage.broker().request(&desk, Job::Echo(1));
        check(tokio::time::timeout(stage.clock().moment(), asking).await.is_err(), || {
            "the request ended before its caller went away".into()
        })?;
    }
    stage.moment().await;
    staffed.worker.let_go();
    stage.broker().request(&desk, Job::Echo(2)).await?;
    same("what was handled", &staffed.numbers(), &[0, 2])
}

pub(crate) async fn a_late_reply_is_no_error_and_goes_to_nobody<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, 8).await?;
    let time = stage.clock().moment();
    timed_out(stage, stage.broker().request(&desk, Job::Later(1).within(time)), time).await?;
    staffed.worker.let_go();
    let next = stage.soon("the next request ends", stage.broker().request(&desk, Job::Echo(2))).await?;
    same("the reply to the next request", &next?, &Job::Answer(2))
}

pub(crate) async fn a_reply_can_come_later_from_elsewhere<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, 8).await?;
    let going_on = async {
        stage.logged(&staffed, 1).await?;
        // The actor has its next message while the first is not answered.
        let next = stage.broker().request(&desk, Job::TimeLeft).await;
        staffed.worker.let_go();
        Ok::<_, Seen>(next?)
    };
    let both = async { tokio::join!(stage.broker().request(&desk, Job::Later(1)), going_on) };
    let (reply, next) = stage.soon("both requests end", both).await?;
    next?;
    same("the reply", &reply?, &Job::Answer(1))
}

pub(crate) async fn another_actor_can_answer<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let (desk, annex) = (stage.desk()?, stage.annex()?);
    let staffed = stage.staff(&desk, 8).await?;
    let other = stage.staff(&annex, 8).await?;
    let asking = stage.broker().request(&desk, Job::Pass(annex, 1));
    let reply = stage.soon("the request ends", asking).await?;
    same("the reply", &reply?, &Job::Answer(1))?;
    same("what the other handled", &other.numbers(), &[1])?;
    same("what the first handled", &staffed.numbers(), &NOTHING)
}

pub(crate) async fn a_reply_needs_no_room_in_any_mailbox<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let (desk, annex) = (stage.desk()?, stage.annex()?);
    let mut asker = stage.inbox(&annex, MailboxOptions::bounded(1)).await?;
    stage.staff(&desk, 8).await?;
    stage.broker().send(&annex, Job::Note(0)).await?;
    let envelope = Job::Echo(1).within(stage.clock().patience());
    let asking = stage.broker().request(&desk, envelope.with_sender(asker.id()));
    let reply = stage.at_once("the request ends", asking).await?;
    same("the reply", &reply?, &Job::Answer(1))?;
    let waiting = stage.soon("the message before it comes", asker.recv()).await?;
    same("what was in the mailbox", &waiting.map(Delivery::into_message), &Some(Job::Note(0)))
}

pub(crate) async fn a_right_to_answer_that_is_dropped_ends_the_request_at_once<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let mut inbox = stage.inbox(&desk, MailboxOptions::bounded(8)).await?;
    let dropping = async {
        let mut delivery = inbox.recv().await?;
        let token = delivery.reply_token();
        drop(delivery);
        let was_asked = token.is_some();
        drop(token);
        Some(was_asked)
    };
    let both = async { tokio::join!(stage.broker().request(&desk, Job::Echo(1)), dropping) };
    let (ended, was_asked) = stage.at_once("the request ends", both).await?;
    same("whether there was a right to answer", &was_asked, &Some(true))?;
    same("why it ended", unanswered(ended)?.kind(), &RequestErrorKind::NoReply)
}

/// That a request for this ends at once, for this reason.
async fn ends_at_once<C: Candidate>(stage: &Stage<'_, C>, job: Job, why: RequestErrorKind) -> Played {
    let desk = stage.desk()?;
    stage.staff(&desk, 8).await?;
    let ended = stage.at_once("the request ends", stage.broker().request(&desk, job)).await?;
    same("why it ended", unanswered(ended)?.kind(), &why)
}

/// The error of a request that has to end at its deadline, `time` from now.
async fn timed_out<C: Candidate>(
    stage: &Stage<'_, C>,
    asking: impl Future<Output = Result<Job, RequestError<Job>>>,
    time: Duration,
) -> Result<RequestError<Job>, Seen> {
    let start = Instant::now();
    let error = unanswered(stage.soon("the request ends", asking).await?)?;
    let took = start.elapsed();
    same("why it ended", error.kind(), &RequestErrorKind::TimedOut)?;
    let in_time = took >= time && took <= time + stage.clock().at_once();
    check(in_time, || format!("it ended after {took:?}, and its deadline was after {time:?}"))?;
    Ok(error)
}

fn unanswered(ended: Result<Job, RequestError<Job>>) -> Result<RequestError<Job>, Seen> {
    match ended {
        Ok(reply) => Err(Seen(format!("a reply: {reply:?}"))),
        Err(error) => Ok(error),
    }
}
