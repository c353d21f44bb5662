//! What a handler asks is asked in its name and in its time.

use std::time::Duration;

use switchboard::actor::{SpawnOptions, once};
use switchboard::address::{ActorAddress, ActorId};
use switchboard::broker::{Context, MessageBroker, MessageHandler, RequestErrorKind};
use switchboard::calls::{CallError, Gathered};
use switchboard::message::{Message, MessageEnvelope};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::common::{Broker, Echoed, Job, in_turns, named, pool, settle};
use crate::{Question, SECOND, assert_nothing_left, kinds, member};

/// On any message, asks its group in all three ways, and tells what came of each.
struct Asker {
    group: ActorAddress,
    told: mpsc::UnboundedSender<Told>,
}

#[derive(Debug)]
enum Told {
    All(Gathered<Job, Echoed>),
    One(Result<Echoed, CallError<Job>>),
}

impl MessageHandler<Job> for Asker {
    type Error = String;

    async fn handle<B: MessageBroker<Job>>(
        &mut self,
        _: MessageEnvelope<Job>,
        context: &Context<Job, B>,
    ) -> Result<(), String> {
        let gathered = context.ask_all(&self.group, Question(1), SECOND * 10).await.map_err(|e| e.to_string())?;
        let first = context.ask_first(&self.group, Question(2), SECOND * 10).await;
        let hedged = context.ask_hedged(&self.group, Question(3), SECOND * 10).await;
        for told in [Told::All(gathered), Told::One(first), Told::One(hedged)] {
            self.told.send(told).map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}

async fn asker(broker: &Broker, group: &ActorAddress, at: &ActorAddress) -> (ActorId, mpsc::UnboundedReceiver<Told>) {
    let (told, telling) = mpsc::unbounded_channel();
    let handler = Asker { group: group.clone(), told };
    let actor = broker.spawn_with(at, SpawnOptions::new(), once(handler)).await.expect("the address is free");
    (actor.id(), telling)
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_asks_its_own_group_is_refused_by_itself_and_answered_by_others() {
    let (broker, group) = (in_turns(), pool("desks"));
    let (asking, mut told) = asker(&broker, &group, &group).await;
    let (quick, _) = member(&broker, &group, true).await;
    let start = Instant::now();
    broker.send(&asking.into(), Job::Note(0)).await.unwrap();
    let Some(Told::All(gathered)) = told.recv().await else { panic!("it fails") };
    assert_eq!(gathered.replies, [(quick, Echoed(1))]);
    assert_eq!(kinds(&gathered.failures), [(asking, RequestErrorKind::WouldDeadlock { cycle: vec![group] })]);
    for expected in [2, 3] {
        let Some(Told::One(answer)) = told.recv().await else { panic!("it fails") };
        assert_eq!(answer.unwrap(), Echoed(expected));
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    settle().await;
    assert_nothing_left(&broker, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_handlers_calls_end_with_the_deadline_of_what_it_handles() {
    let (broker, group) = (Broker::new(), pool("desks"));
    let workers = [member(&broker, &group, false).await.1, member(&broker, &group, false).await.1];
    let (asking, mut told) = asker(&broker, &group, &named("asker")).await;
    let start = Instant::now();
    broker.send(&asking.into(), Job::Note(0).within(SECOND)).await.unwrap();
    let Some(Told::All(gathered)) = told.recv().await else { panic!("it fails") };
    assert_eq!((gathered.replies.len(), gathered.unanswered.len()), (0, 2));
    for _ in 0..2 {
        let Some(Told::One(Err(error))) = told.recv().await else { panic!("it is answered") };
        assert!(error.is_timeout());
    }
    assert_eq!(start.elapsed(), SECOND);
    assert_nothing_left(&broker, &[&workers[0], &workers[1]]).await;
}
