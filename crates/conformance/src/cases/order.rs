use switchboard::actor::{Delivery, SpawnOptions};
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::retry::RetryPolicy;

use crate::suite::{Candidate, Job, Played, Stage, Worker, same};

const MANY: u64 = 60;

pub(crate) async fn what_one_sender_sends_is_handled_in_its_order<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, 4).await?;
    for number in 0..MANY {
        stage.broker().send(&desk, Job::Note(number)).await?;
    }
    stage.logged(&staffed, MANY as usize).await?;
    same("the numbers in the order in which they were handled", &staffed.numbers(), &ascending(0, MANY))
}

pub(crate) async fn a_message_that_was_refused_first_keeps_the_place_at_which_it_was_taken<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, 2).await?;
    for number in 0..MANY {
        match stage.broker().try_send(&desk, Job::Note(number)) {
            Err(refused) if refused.is_full() => stage.broker().send(&desk, refused.into_envelope()).await?,
            tried => tried?,
        }
    }
    stage.logged(&staffed, MANY as usize).await?;
    same("the numbers in the order in which they were handled", &staffed.numbers(), &ascending(0, MANY))
}

pub(crate) async fn a_request_keeps_its_place_among_messages<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, 8).await?;
    for number in 0..MANY {
        if number % 3 == 1 {
            stage.broker().request(&desk, Job::Echo(number)).await?;
        } else {
            stage.broker().send(&desk, Job::Note(number)).await?;
        }
    }
    stage.logged(&staffed, MANY as usize).await?;
    same("the numbers in the order in which they were handled", &staffed.numbers(), &ascending(0, MANY))
}

pub(crate) async fn each_of_several_senders_keeps_its_order<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff(&desk, 3).await?;
    let (one, two, three) = (stage.connect().await, stage.connect().await, stage.connect().await);
    let (one, two, three) = tokio::join!(tell(&one, &desk, 0), tell(&two, &desk, MANY), tell(&three, &desk, 2 * MANY));
    one?;
    two?;
    three?;
    stage.logged(&staffed, 3 * MANY as usize).await?;
    let numbers = staffed.numbers();
    for sender in 0..3 {
        let own: Vec<u64> = numbers.iter().copied().filter(|number| number / MANY == sender).collect();
        same("the numbers of one sender", &own, &ascending(sender * MANY, (sender + 1) * MANY))?;
    }
    Ok(())
}

pub(crate) async fn what_a_handler_sends_is_handled_in_its_order<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let (desk, annex) = (stage.desk()?, stage.annex()?);
    let staffed = stage.staff(&desk, 4).await?;
    stage.staff(&annex, 4).await?;
    stage.broker().send(&annex, Job::Tell(desk, MANY)).await?;
    stage.logged(&staffed, MANY as usize).await?;
    same("the numbers in the order in which they were handled", &staffed.numbers(), &ascending(0, MANY))
}

pub(crate) async fn code_that_receives_by_hand_gets_messages_in_their_order<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let mut inbox = stage.inbox(&desk, MailboxOptions::bounded(MANY as usize)).await?;
    for number in 0..MANY {
        stage.broker().send(&desk, Job::Note(number)).await?;
    }
    for number in 0..MANY {
        let delivery = stage.soon("a message comes", inbox.recv()).await?;
        let received = delivery.map(Delivery::into_message);
        same("what came", &received, &Some(Job::Note(number)))?;
    }
    Ok(())
}

pub(crate) async fn more_urgent_messages_go_first_and_equal_ones_in_order<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let staffed = stage.staff_held(&desk, 16).await?;
    for job in [Job::Note(3), Job::Urgent(1), Job::Note(4), Job::Urgent(2)] {
        stage.broker().send(&desk, job).await?;
    }
    stage.moment().await;
    staffed.worker.let_go();
    stage.logged(&staffed, 5).await?;
    same("the order", &staffed.numbers(), &ascending(0, 5))
}

pub(crate) async fn strict_order_holds_others_up_while_a_message_is_handled_again<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let desk = stage.desk()?;
    let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(16)).in_order();
    let staffed = stage.staff_with(&desk, options, Worker::new()).await?;
    let again = MessageEnvelope::new(Job::Attempt(1, 3)).at_least_once().with_retry(RetryPolicy::attempts(5));
    stage.broker().send(&desk, again).await?;
    for number in [2, 3] {
        stage.broker().send(&desk, MessageEnvelope::new(Job::Note(number)).at_least_once()).await?;
    }
    stage.logged(&staffed, 5).await?;
    same("the order", &staffed.numbers(), &[1, 1, 1, 2, 3])
}

async fn tell<B: MessageBroker<Job>>(broker: &B, to: &ActorAddress, from: u64) -> Played {
    for number in from..from + MANY {
        broker.send(to, Job::Note(number)).await?;
    }
    Ok(())
}

fn ascending(from: u64, to: u64) -> Vec<u64> {
    (from..to).collect()
}
