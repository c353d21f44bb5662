//! Actors that come for a few messages and go in every way that there is; names that are taken over; ends that are told.

use std::time::Duration;

use switchboard::actor::{ActorHandle, OnPanic, SpawnOptions, StopCause};
use switchboard::address::ActorAddress;
use switchboard::broker::MessageBroker;
use switchboard::mailbox::MailboxOptions;
use switchboard::message::MessageEnvelope;
use switchboard::retry::{Backoff, RetryPolicy};

use super::address::address;
use super::retries::at_least_once;
use crate::candidate::Candidate;
use crate::job::{Course, Job};
use crate::player::Player;

const PATIENCE: RetryPolicy = RetryPolicy::attempts(3).backoff(Backoff::fixed(Duration::from_millis(3)));

pub(crate) async fn run<C: Candidate>(mut player: Player<C>, task: u64) {
    let throne = address(&format!("named:soak.guests.{task}"));
    let mut owner = None;
    let mut number = 0_u64;
    loop {
        while let Some(due) = player.turn().await {
            for _ in 0..due.min(16) {
                number += 1;
                match player.rng.u8(..4) {
                    0 => owner = take_over(&mut player, &throne, owner).await,
                    1 => receive_by_hand(&mut player).await,
                    _ => visit(&mut player, task, number).await,
                }
            }
        }
        if let Some(owner) = owner.take() {
            drop(player.expect("the end of a name's owner", owner.drain()).await);
        }
        if !player.rest().await {
            return;
        }
    }
}

/// One actor, at an address that nobody has had before, until it ends as it is told to.
async fn visit<C: Candidate>(player: &mut Player<C>, task: u64, number: u64) {
    let kind = *player.pick(&["named", "service", "pool"]);
    let home = address(&format!("{kind}:soak.guest.{task}.{number}"));
    let options = SpawnOptions::new().mailbox(MailboxOptions::bounded(4)).on_panic(OnPanic::Stop);
    let Some(guest) = player.spawn(&home, options).await else { return };
    let ends = guest.watch();
    if player.broker().members(&home).await != [guest.id()] {
        player.broken(|| format!("`{home}` is not that of the one who was spawned there"));
    }
    for _ in 0..player.rng.u8(..4) {
        let course = if player.rng.u8(..8) == 0 { Course::Slow(player.millis(3)) } else { Course::Well };
        let envelope = MessageEnvelope::new(player.job(course));
        player.client.try_send(&home, envelope);
    }
    if player.rng.u8(..4) == 0 {
        // Long enough for it to hibernate.
        tokio::time::sleep(Duration::from_millis(player.millis(80))).await;
        let envelope = MessageEnvelope::new(player.job(Course::Well));
        player.client.try_send(&home, envelope);
    }
    let expected = leave(player, &home, guest).await;
    let Some(end) = player.expect("the end of a guest", ends).await else { return };
    if !expected.iter().any(|cause| is_alike(cause, &end.cause)) {
        player.broken(|| format!("`{home}` ended as {:?}, not as one of {expected:?}", end.cause));
    }
    if !player.broker().members(&home).await.is_empty() {
        player.broken(|| format!("somebody is at `{home}`, which was left"));
    }
}

/// Has a guest go, and says how that may end.
async fn leave<C: Candidate>(player: &mut Player<C>, home: &ActorAddress, guest: ActorHandle<Job>) -> Vec<StopCause> {
    match player.rng.u8(..6) {
        0 => {
            guest.stop();
            vec![StopCause::Stopped]
        }
        1 => {
            guest.abort();
            vec![StopCause::Aborted]
        }
        2 => {
            player.broker().unregister(&guest.registration()).await;
            vec![StopCause::Unregistered]
        }
        // Refused where the mailbox is full, and then it is still there to be drained.
        way @ (3 | 4) => {
            let course = if way == 3 { Course::Panics(1) } else { Course::Stops };
            let envelope = MessageEnvelope::new(player.job(course));
            player.client.send(home, envelope).await;
            drop(player.expect("the end of a guest", guest.drain()).await);
            vec![StopCause::Panicked(String::new()), StopCause::Stopped, StopCause::Drained]
        }
        _ => {
            drop(player.expect("the end of a guest", guest.drain()).await);
            vec![StopCause::Drained]
        }
    }
}

/// Takes a name from its owner, who must not lose it before, nor the new one after.
async fn take_over<C: Candidate>(
    player: &mut Player<C>,
    throne: &ActorAddress,
    owner: Option<ActorHandle<Job>>,
) -> Option<ActorHandle<Job>> {
    let options = SpawnOptions::new().on_panic(OnPanic::Rebuild);
    if let Some(owner) = &owner {
        if player.broker().spawn_with(throne, options, player.factory()).await.is_ok() {
            player.broken(|| format!("`{throne}` has an owner, and got another"));
        }
        player.broker().unregister(&owner.registration()).await;
    }
    let successor = player.spawn(throne, options).await?;
    if let Some(owner) = owner {
        if player.broker().unregister(&owner.registration()).await {
            player.broken(|| format!("`{throne}` was unregistered twice by one registration"));
        }
        drop(player.expect("the end of a name's owner", owner.drain()).await);
    }
    if player.broker().members(throne).await != [successor.id()] {
        player.broken(|| format!("`{throne}` is not its owner's"));
    }
    let (course, patient) = (Course::Fails(player.rng.u16(..2)), player.rng.bool());
    let job = player.job(course);
    let envelope = if patient { at_least_once(player, job) } else { MessageEnvelope::new(job) };
    player.client.send(throne, envelope.with_retry(PATIENCE)).await;
    Some(successor)
}

/// Somebody who receives by hand and answers what is asked, or goes before.
async fn receive_by_hand<C: Candidate>(player: &mut Player<C>) {
    let home = ActorAddress::Id(switchboard::address::ActorId::next());
    let mut inbox = match player.broker().register(&home, MailboxOptions::bounded(2)).await {
        Ok(inbox) => inbox,
        Err(error) => return player.broken(|| format!("nobody could register at `{home}`: {error}")),
    };
    let envelope = MessageEnvelope::new(player.job(Course::Well));
    let (client, answers) = (player.client.clone(), player.rng.bool());
    let receiving = async {
        if answers && let Some(delivery) = inbox.recv().await {
            let begun = crate::worker::Begun::new(&client.desk, delivery.envelope(), inbox.id());
            let answer = delivery.message().answer();
            begun.handled();
            drop(delivery.reply(answer).await);
        } else {
            tokio::task::yield_now().await;
        }
        drop(inbox);
    };
    let both = async { tokio::join!(client.request(&home, envelope), receiving) };
    let answered = player.expect("an answer by hand", both).await.is_some_and(|(answer, ())| answer.is_some());
    if answers != answered {
        player.broken(|| format!("`{home}` was asked, and answered: {answered}, where {answers} was to be"));
    }
}

/// Whether two causes are the same, whatever the panic said.
fn is_alike(one: &StopCause, other: &StopCause) -> bool {
    matches!((one, other), (StopCause::Panicked(_), StopCause::Panicked(_))) || one == other
}
