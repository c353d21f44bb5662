use super::Hosted;
use crate::scenario::Peer;

/// An actor library, as the programs use it. Mailboxes have no bound, as Savina's have none, so sending never waits.
pub trait System: Peer + Sized + Sync {
    /// What the actors of one run are started on.
    type Stage<B: Behaviour<Self>>: Send + Sync;
    /// A reference to an actor: kept by others, or sent to them.
    type Ref<B: Behaviour<Self>>: Clone + Send + Sync + Unpin + 'static;

    /// Makes ready for one run.
    fn stage<B: Behaviour<Self>>() -> Self::Stage<B>;

    /// Starts an actor, which ends, and drops `actor`, when [`Hosted::handle`] says that it is over.
    fn spawn<B: Behaviour<Self>>(
        stage: &Self::Stage<B>,
        actor: Hosted<Self, B>,
    ) -> impl Future<Output = Self::Ref<B>> + Send;

    /// Sends a message to an actor that is there, from outside or from a handler.
    fn send<B: Behaviour<Self>>(to: &Self::Ref<B>, message: B::Message);
}

/// What an actor does with its messages. A program has one type of actor, in one or more roles.
pub trait Behaviour<S: System>: Sized + Send + Unpin + 'static {
    type Message: Send + 'static;

    /// Handles one message.
    fn handle(&mut self, message: Self::Message) -> Next;
}

/// Whether an actor goes on after a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    More,
    /// It was the last; this is what the actor has come to.
    End(u64),
}
