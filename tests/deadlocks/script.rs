//! Actors that do what their messages say, step by step, and tell the test how each request of theirs has ended.

use std::pin::pin;

use switchboard::actor::{ActorHandle, SpawnOptions, once};
use switchboard::address::ActorAddress;
use switchboard::broker::{
    Context, InMemoryMessageBroker, MessageBroker, MessageHandler, Ran, RequestError, RequestErrorKind,
};
use switchboard::mailbox::{BackpressureStrategy, MailboxOptions};
use switchboard::message::{Message, MessageEnvelope};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::common::{Gate, in_turns, named, poll_once, soon};

pub(crate) type Broker = InMemoryMessageBroker<Script>;

/// What to do on receiving it; or, as a reply, what it comes to.
#[derive(Debug)]
pub(crate) enum Script {
    Do(Vec<Step>),
    Answer(u64),
}

#[derive(Debug)]
pub(crate) enum Step {
    Ask(ActorAddress, Script),
    AskBoth([(ActorAddress, Script); 2]),
    /// Ask, and let go of it at once.
    AskAndDrop(ActorAddress, Script),
    /// Ask not through the context but its broker.
    AskByBroker(ActorAddress, Script),
    Reply(u64),
    /// Leave the reply to another task, which waits at the gate before.
    ReplyElsewhere(Gate, u64),
    Forward(ActorAddress, Script),
    /// Forward to the first, and at the same time ask the second.
    ForwardAndAsk([(ActorAddress, Script); 2]),
    Send(ActorAddress, Script),
    Wait(Gate),
}

impl Message for Script {
    const MESSAGE_TYPE: &'static str = "tests.script";
}

impl Script {
    pub(crate) fn reply(number: u64) -> Self {
        Self::Do(vec![Step::Reply(number)])
    }
}

pub(crate) fn run(steps: impl Into<Vec<Step>>) -> Script {
    Script::Do(steps.into())
}

/// Who asked, and how that ended: with this answer, or 0 if it only sent.
pub(crate) type Ended = (ActorAddress, Result<u64, (RequestErrorKind, Ran)>);

struct Player {
    ended: UnboundedSender<Ended>,
}

impl Player {
    fn tell<B: MessageBroker<Script>>(
        &self,
        context: &Context<Script, B>,
        reply: Result<Script, RequestError<Script>>,
    ) -> Result<(), String> {
        let ended = match reply {
            Ok(Script::Answer(number)) => Ok(number),
            Ok(other) => return Err(format!("{other:?} is no answer")),
            Err(error) => Err((error.kind().clone(), error.ran())),
        };
        self.report(context, ended)
    }

    fn report<B: MessageBroker<Script>>(
        &self,
        context: &Context<Script, B>,
        ended: Result<u64, (RequestErrorKind, Ran)>,
    ) -> Result<(), String> {
        self.ended.send((context.address().clone(), ended)).map_err(|error| error.to_string())
    }

    async fn step<B: MessageBroker<Script>>(&self, step: Step, context: &Context<Script, B>) -> Result<(), String> {
        match step {
            Step::Ask(to, script) => self.tell(context, context.request(&to, script).await)?,
            Step::AskByBroker(to, script) => self.tell(context, context.broker().request(&to, script).await)?,
            Step::AskBoth([(left, to_left), (right, to_right)]) => {
                let asked = async |to, script| self.tell(context, context.request(to, script).await);
                let (left, right) = tokio::join!(asked(&left, to_left), asked(&right, to_right));
                left.and(right)?;
            }
            Step::AskAndDrop(to, script) => {
                let asked = pin!(context.request(&to, script));
                assert!(poll_once(asked).is_pending());
            }
            Step::Reply(number) => context.reply(Script::Answer(number)).await.map_err(|error| error.to_string())?,
            Step::ReplyElsewhere(gate, number) => {
                let token = context.reply_token().ok_or("nobody asks")?;
                tokio::spawn(async move {
                    gate.hold().await;
                    token.reply(Script::Answer(number)).await
                });
            }
            // Who could not pass it on still has it, and the scripts say what then.
            Step::Forward(to, script) => drop(context.forward(&to, script).await),
            Step::ForwardAndAsk([(to, script), (asked, question)]) => {
                let (_, reply) = tokio::join!(context.forward(&to, script), context.request(&asked, question));
                self.tell(context, reply)?;
            }
            Step::Send(to, script) => {
                let sent = context.send(&to, script).await.map_err(|error| (error.kind().into(), Ran::Never));
                self.report(context, sent.map(|()| 0))?;
            }
            Step::Wait(gate) => gate.hold().await,
        }
        Ok(())
    }
}

impl MessageHandler<Script> for Player {
    type Error = String;

    async fn handle<B: MessageBroker<Script>>(
        &mut self,
        envelope: MessageEnvelope<Script>,
        context: &Context<Script, B>,
    ) -> Result<(), String> {
        let Script::Do(steps) = envelope.into_message() else {
            return Err("nobody waits for this answer".into());
        };
        for step in steps {
            self.step(step, context).await?;
        }
        Ok(())
    }
}

/// A broker whose actors play scripts.
pub(crate) struct Stage {
    pub(crate) broker: Broker,
    tell: UnboundedSender<Ended>,
    ended: UnboundedReceiver<Ended>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let (tell, ended) = mpsc::unbounded_channel();
        Self { broker: in_turns(), tell, ended }
    }

    /// A stage with an actor at each of these names, and their addresses.
    pub(crate) async fn with<const N: usize>(names: [&str; N]) -> (Self, [ActorAddress; N]) {
        let (stage, addresses) = (Self::new(), names.map(named));
        for address in &addresses {
            stage.enter(address, 8, BackpressureStrategy::Block).await;
        }
        (stage, addresses)
    }

    pub(crate) async fn enter(
        &self,
        address: &ActorAddress,
        capacity: usize,
        strategy: BackpressureStrategy,
    ) -> ActorHandle<Script> {
        let mailbox = MailboxOptions::bounded(capacity).strategy(strategy);
        let player = Player { ended: self.tell.clone() };
        let options = SpawnOptions::new().mailbox(mailbox);
        self.broker.spawn_with(address, options, once(player)).await.expect("the address is free")
    }

    pub(crate) async fn tell(&self, to: &ActorAddress, steps: impl Into<Vec<Step>>) {
        self.broker.send(to, run(steps)).await.expect("it takes messages");
    }

    /// Has the actor begin with this, and come to a gate, which it leaves for the rest of the steps.
    pub(crate) async fn hold(&self, at: &ActorAddress, then: impl Into<Vec<Step>>) -> Gate {
        let gate = Gate::new();
        let steps: Vec<_> = std::iter::once(Step::Wait(gate.clone())).chain(then.into()).collect();
        self.tell(at, steps).await;
        soon(gate.arrival()).await;
        gate
    }

    /// How the next request that ends has ended.
    pub(crate) async fn next(&mut self) -> Ended {
        soon(self.ended.recv()).await.expect("the stage itself can tell")
    }

    pub(crate) fn nothing_has_ended(&mut self) -> bool {
        self.ended.try_recv().is_err()
    }

    /// Asserts that no request is left, and that each message has ended, once.
    pub(crate) async fn close(self) {
        let report = self.broker.shutdown(std::time::Duration::from_secs(1)).await;
        assert_eq!(report.aborted, 0);
        let metrics = self.broker.metrics();
        assert_eq!(metrics.requests_in_flight, 0);
        crate::common::assert_balanced(&metrics.total);
    }
}

pub(crate) fn answered(by: &ActorAddress, number: u64) -> Ended {
    (by.clone(), Ok(number))
}

/// What the first of the circle learns of its request, if that was refused.
pub(crate) fn refused<const N: usize>(cycle: [&ActorAddress; N]) -> Ended {
    would_deadlock(cycle, Ran::Never)
}

pub(crate) fn would_deadlock<const N: usize>(cycle: [&ActorAddress; N], ran: Ran) -> Ended {
    let kind = RequestErrorKind::WouldDeadlock { cycle: cycle.map(Clone::clone).into() };
    (cycle[0].clone(), Err((kind, ran)))
}
