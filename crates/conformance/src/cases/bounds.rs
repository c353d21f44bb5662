use switchboard::broker::{MessageBroker, RegisterError, RequestErrorKind, SendErrorKind};
use switchboard::dead_letters::DeadLetterReason;
use switchboard::mailbox::{BackpressureStrategy, CapacityError, MailboxOptions};
use switchboard::message::Message;

use crate::suite::{Candidate, Job, Played, Seen, Stage, check, same};

pub(crate) async fn a_mailbox_takes_what_it_has_room_for_and_no_more<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let inbox = stage.inbox(&desk, MailboxOptions::bounded(3)).await?;
    let mut taken = Vec::new();
    for number in 0..6 {
        match stage.broker().try_send(&desk, Job::Note(number)) {
            Ok(()) => taken.push(number),
            Err(refused) => {
                same("why a message was refused", &refused.kind(), &SendErrorKind::Full)?;
                same("the message in the error", &refused.into_inner(), &Job::Note(number))?;
            }
        }
    }
    same("what was taken", &taken, &[0, 1, 2])?;
    same("how many wait", &inbox.depth(), &3)
}

pub(crate) async fn a_full_mailbox_makes_its_senders_wait_for_room<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let mut inbox = stage.inbox(&desk, MailboxOptions::bounded(1)).await?;
    stage.broker().send(&desk, Job::Note(0)).await?;
    let mut sending = std::pin::pin!(stage.broker().send(&desk, Job::Note(1)));
    let early = tokio::time::timeout(stage.clock().moment(), sending.as_mut()).await;
    check(early.is_err(), || "a message was accepted without room".into())?;
    same("how many wait", &inbox.depth(), &1)?;
    let receiving = async { (inbox.recv().await.is_some(), inbox.recv().await.is_some()) };
    let both = async { tokio::join!(sending, receiving) };
    let (sent, received) = stage.soon("the sender gets room", both).await?;
    sent?;
    same("whether both came", &received, &(true, true))
}

pub(crate) async fn who_waits_for_room_waits_no_longer_than_the_deadline<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let inbox = stage.inbox(&desk, MailboxOptions::bounded(1)).await?;
    stage.broker().send(&desk, Job::Note(0)).await?;
    let sending = stage.broker().send(&desk, Job::Note(1).within(stage.clock().moment()));
    let Err(refused) = stage.soon("the sender gives up", sending).await? else {
        return Err(Seen("a message was accepted without room".into()));
    };
    same("why it was refused", &refused.kind(), &SendErrorKind::TimedOut)?;
    same("the message in the error", &refused.into_inner(), &Job::Note(1))?;
    same("how many wait", &inbox.depth(), &1)
}

pub(crate) async fn a_mailbox_that_refuses_does_so_at_once_by_every_call<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::Error);
    let inbox = stage.inbox(&desk, mailbox).await?;
    stage.broker().send(&desk, Job::Note(0)).await?;
    let sent = stage.at_once("a message is refused", stage.broker().send(&desk, Job::Note(1))).await?;
    same("why a message was refused", &sent.err().map(|refused| refused.kind()), &Some(SendErrorKind::Full))?;
    let asked = stage.at_once("a request is refused", stage.broker().request(&desk, Job::Echo(2))).await?;
    let kind = asked.err().map(|error| error.kind().clone());
    same("why a request was refused", &kind, &Some(RequestErrorKind::NotSent(SendErrorKind::Full)))?;
    same("how many wait", &inbox.depth(), &1)
}

pub(crate) async fn dropping_the_oldest_keeps_the_newest<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    keeps(stage, BackpressureStrategy::DropOldest, &[3, 4]).await
}

pub(crate) async fn dropping_the_newest_keeps_the_oldest<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    keeps(stage, BackpressureStrategy::DropNewest, &[0, 1]).await
}

pub(crate) async fn what_is_evicted_becomes_a_dead_letter<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let mailbox = MailboxOptions::bounded(1).strategy(BackpressureStrategy::DropOldest);
    let _inbox = stage.inbox(&desk, mailbox).await?;
    for number in 0..3 {
        stage.broker().send(&desk, Job::Note(number)).await?;
    }
    let letters = stage.letters_of(2).await?;
    let left: Vec<_> = letters.into_iter().map(|letter| (letter.job, letter.reason)).collect();
    same("the dead letters", &left, &[0, 1].map(|number| (Job::Note(number), DeadLetterReason::Evicted)))
}

pub(crate) async fn a_mailbox_without_any_room_is_refused<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let refused = stage.broker().register(&stage.desk()?, MailboxOptions::bounded(0)).await.err();
    same("why it was refused", &refused, &Some(RegisterError::Capacity(CapacityError)))
}

pub(crate) async fn unbounded_has_room_for_what_is_sent<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let inbox = stage.inbox(&desk, MailboxOptions::unbounded()).await?;
    for number in 0..2_000 {
        stage.broker().send(&desk, Job::Note(number)).await?;
    }
    same("how many wait", &inbox.depth(), &2_000)
}

/// That of five messages, a mailbox with room for two and this strategy keeps these.
async fn keeps<C: Candidate>(stage: &Stage<'_, C>, strategy: BackpressureStrategy, kept: &[u64]) -> Played {
    let desk = stage.desk()?;
    let mut inbox = stage.inbox(&desk, MailboxOptions::bounded(2).strategy(strategy)).await?;
    for number in 0..5 {
        stage.broker().send(&desk, Job::Note(number)).await?;
    }
    same("how many wait", &inbox.depth(), &2)?;
    let received: Vec<_> = std::iter::from_fn(|| Some(inbox.try_recv()?.into_message())).collect();
    same("what was kept", &received, &kept.iter().copied().map(Job::Note).collect::<Vec<_>>())
}
