use switchboard::actor::SpawnOptions;
use switchboard::balancing::Strategy;
use switchboard::broker::{MessageBroker, SendErrorKind};
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::services::MemberOptions;

use crate::suite::{Candidate, Job, Played, Seen, Staffed, Stage, Worker, check, same};

const MANY: u64 = 30;

pub(crate) async fn an_empty_pool_gives_the_message_back<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    gives_back(stage, 1).await
}

pub(crate) async fn a_pool_whose_members_have_all_gone_gives_the_message_back<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let pool = stage.pool()?;
    for member in [stage.staff(&pool, 8).await?, stage.staff(&pool, 8).await?] {
        stage.broker().send(&pool, Job::Note(0)).await?;
        member.actor.stop();
        stage.soon("the member ends", member.actor.join()).await?;
    }
    gives_back(stage, 1).await
}

pub(crate) async fn nothing_goes_to_a_member_that_has_stopped<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let pool = stage.pool()?;
    let leaving = stage.staff(&pool, 64).await?;
    let worker = Worker::new();
    for _ in 0..2 {
        let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(64));
        stage.staff_with(&pool, options, worker.clone()).await?;
    }
    stage.broker().send(&pool, Job::Note(100)).await?;
    leaving.actor.stop();
    stage.soon("the member ends", leaving.actor.watch()).await?;
    let before = leaving.numbers().len();
    for number in 0..MANY {
        stage.broker().send(&pool, Job::Note(number)).await?;
    }
    let all = || worker.log.numbers().iter().filter(|number| **number < MANY).count() as u64 == MANY;
    stage.until("the living members handle all that is sent to their pool", all).await?;
    same("what the stopped member handled since", &(leaving.numbers().len() - before), &0)
}

pub(crate) async fn a_member_that_joins_gets_messages_until_it_leaves<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let (pool, desk) = (stage.pool()?, stage.desk()?);
    let staffed = stage.staff(&desk, 8).await?;
    let membership = stage.broker().join(&pool, &staffed.actor.registration(), MemberOptions::new()).await?;
    stage.broker().send(&pool, Job::Note(1)).await?;
    stage.logged(&staffed, 1).await?;
    membership.leave();
    gives_back(stage, 2).await?;
    stage.broker().send(&desk, Job::Note(3)).await?;
    stage.logged(&staffed, 2).await?;
    same("what the member handled", &staffed.numbers(), &[1, 3])
}

pub(crate) async fn the_members_of_a_pool_are_those_that_live<C: Candidate>(stage: &Stage<'_, C>) -> Played {
    let pool = stage.pool()?;
    let (one, two) = (stage.staff(&pool, 8).await?, stage.staff(&pool, 8).await?);
    let mut members = stage.broker().members(&pool).await;
    members.sort_unstable();
    let mut both = [one.actor.id(), two.actor.id()];
    both.sort_unstable();
    same("the members", &members, &both)?;
    one.actor.stop();
    stage.soon("the member ends", one.actor.join()).await?;
    same("the members", &stage.broker().members(&pool).await, &[two.actor.id()])
}

pub(crate) async fn messages_with_one_key_go_to_one_member_in_their_order<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let pool = stage.pool()?;
    let members = [stage.staff(&pool, 64).await?, stage.staff(&pool, 64).await?, stage.staff(&pool, 64).await?];
    for number in 0..MANY {
        send_keyed(stage, number).await?;
    }
    stage.until("all are handled", || logged(&members) as u64 == MANY).await?;
    for key in 0..KEYS {
        let with_it: Vec<_> = members.iter().map(|member| of_key(&member.numbers(), key)).collect();
        let all: Vec<u64> = with_it.iter().flatten().copied().collect();
        same("the messages of a key", &all, &of_key(&(0..MANY).collect::<Vec<_>>(), key))?;
        same("how many members had them", &with_it.iter().filter(|own| !own.is_empty()).count(), &1)?;
    }
    Ok(())
}

pub(crate) async fn members_that_come_and_go_do_not_change_the_order_of_a_key<C: Candidate>(
    stage: &Stage<'_, C>,
) -> Played {
    let pool = stage.pool()?;
    // One log for all, so that it is seen who was first.
    let worker = Worker::new();
    let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(64));
    let first = stage.staff_with(&pool, options, worker.clone()).await?;
    for number in 0..MANY {
        send_keyed(stage, number).await?;
        if number % 10 == 5 {
            stage.staff_with(&pool, options, worker.clone()).await?;
        }
    }
    stage.broker().unregister(&first.actor.registration()).await;
    for number in MANY..2 * MANY {
        send_keyed(stage, number).await?;
    }
    stage.until("all are handled", || worker.log.len() as u64 == 2 * MANY).await?;
    let all: Vec<u64> = (0..2 * MANY).collect();
    let numbers = worker.log.numbers();
    (0..KEYS).try_for_each(|key| same("the messages of a key", &of_key(&numbers, key), &of_key(&all, key)))
}

const KEYS: u64 = 4;

async fn send_keyed<C: Candidate>(stage: &Stage<'_, C>, number: u64) -> Played {
    let job = Job::Keyed(format!("key-{}", number % KEYS), number);
    let envelope = MessageEnvelope::new(job).balanced_by(Strategy::ConsistentHash);
    Ok(stage.soon("a message with a key is accepted", stage.broker().send(&stage.pool()?, envelope)).await??)
}

fn of_key(numbers: &[u64], key: u64) -> Vec<u64> {
    numbers.iter().copied().filter(|number| number % KEYS == key).collect()
}

fn logged(members: &[Staffed]) -> usize {
    members.iter().map(|member| member.log().len()).sum()
}

/// That the pool gives a message back.
async fn gives_back<C: Candidate>(stage: &Stage<'_, C>, number: u64) -> Played {
    let Err(refused) = stage.broker().send(&stage.pool()?, Job::Note(number)).await else {
        return Err(Seen("it was accepted, though the pool has no member".into()));
    };
    same("why it was refused", &refused.kind(), &SendErrorKind::NoMembers)?;
    let returned = refused.into_inner();
    check(returned == Job::Note(number), || format!("the message in the error is {returned:?}"))
}
