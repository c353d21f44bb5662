use futures_util::future::join_all;
use switchboard::actor::Delivery;
use switchboard::broker::{MessageBroker, RegisterError};
use switchboard::mailbox::MailboxOptions;

use crate::suite::{Candidate, Job, Played, Stage, Worker, check, same};

const ROOM: MailboxOptions = MailboxOptions::bounded(8);

pub(crate) async fn a_name_that_is_taken_is_refused_and_stays_with_its_owner<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let owner = stage.staff(&desk, 8).await?;
    let refused = stage.broker().register(&desk, ROOM).await.err();
    same("why the second owner was refused", &refused, &Some(RegisterError::Taken { address: desk.clone() }))?;
    let spawned = stage.broker().spawn(&desk, Worker::new()).await.err();
    same("why the third owner was refused", &spawned, &Some(RegisterError::Taken { address: desk.clone() }))?;
    stage.broker().send(&desk, Job::Note(1)).await?;
    stage.logged(&owner, 1).await
}

pub(crate) async fn of_many_that_want_a_name_at_once_one_gets_it<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let wanting = (0..16).map(|_| stage.broker().register(&desk, ROOM));
    let inboxes: Vec<_> = join_all(wanting).await.into_iter().filter_map(Result::ok).collect();
    same("how many owners there are", &inboxes.len(), &1)
}

pub(crate) async fn a_late_unregister_does_not_touch_a_newer_owner<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let first = stage.inbox(&desk, ROOM).await?;
    let old = first.registration();
    drop(first);
    let newer = stage.staff(&desk, 8).await?;
    let ended = stage.broker().unregister(&old).await;
    check(!ended, || "the old registration was ended a second time".into())?;
    stage.broker().send(&desk, Job::Note(1)).await?;
    stage.logged(&newer, 1).await
}

pub(crate) async fn a_registration_that_is_dropped_frees_its_name<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let first = stage.inbox(&desk, ROOM).await?;
    drop(first);
    is_free(stage).await
}

pub(crate) async fn an_actor_that_has_ended_leaves_its_name_free<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, 8).await?;
    staffed.actor.stop();
    stage.soon("the actor ends", staffed.actor.join()).await?;
    is_free(stage).await
}

pub(crate) async fn unregistering_frees_the_name_at_once_and_what_was_accepted_is_handled<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 8).await?;
    stage.broker().send(&desk, Job::Note(1)).await?;
    let ended = stage.broker().unregister(&staffed.actor.registration()).await;
    check(ended, || "it says that the registration had ended before".into())?;
    is_free(stage).await?;
    staffed.worker.let_go();
    stage.logged(&staffed, 2).await
}

pub(crate) async fn a_name_has_one_owner_among_all_connections<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let owner = stage.staff(&desk, 8).await?;
    let other = stage.connect().await;
    let refused = other.register(&desk, ROOM).await.err();
    same("why the second owner was refused", &refused, &Some(RegisterError::Taken { address: desk.clone() }))?;
    other.send(&desk, Job::Note(1)).await?;
    stage.logged(&owner, 1).await
}

/// That the desk can be taken now, and gets what is sent there.
async fn is_free<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let mut newer = stage.inbox(&desk, ROOM).await?;
    stage.broker().send(&desk, Job::Note(7)).await?;
    let delivery = stage.soon("the newer owner gets a message", newer.recv()).await?;
    let received = delivery.map(Delivery::into_message);
    check(received == Some(Job::Note(7)), || format!("the newer owner got {received:?}"))
}
