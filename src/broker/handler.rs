use std::fmt;

use super::{Context, MessageBroker};
use crate::actor::StopCause;
use crate::message::{Message, MessageEnvelope};

/// What an actor does with its messages, one at a time, in order.
///
/// A handler is written once and runs under any broker: `handle` is generic over it, and its [`Context`] is the way
/// back. `&mut self` is the actor's state; nobody else can touch it.
///
/// ```
/// use std::convert::Infallible;
///
/// use switchboard::broker::{Context, MessageBroker, MessageHandler};
/// use switchboard::message::{Message, MessageEnvelope};
///
/// #[derive(Debug)]
/// enum Counter {
///     Add(u64),
///     GetTotal,
///     Total(u64),
/// }
///
/// impl Message for Counter {
///     const MESSAGE_TYPE: &'static str = "counter";
/// }
///
/// #[derive(Default)]
/// struct Counting {
///     total: u64,
/// }
///
/// impl MessageHandler<Counter> for Counting {
///     type Error = String;
///
///     async fn handle<B: MessageBroker<Counter>>(
///         &mut self,
///         envelope: MessageEnvelope<Counter>,
///         context: &Context<Counter, B>,
///     ) -> Result<(), String> {
///         match envelope.into_message() {
///             Counter::Add(number) => self.total += number,
///             Counter::GetTotal => context.reply(Counter::Total(self.total)).await.map_err(|e| e.to_string())?,
///             Counter::Total(_) => return Err("a total is an answer, not a question".into()),
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// A closure from an envelope to a future of a `Result<(), _>` is a handler too; it has no context.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle `{M}`",
    note = "implement `MessageHandler<{M}>` for it, or pass a closure `|envelope: MessageEnvelope<{M}>| async {{ Ok::<_, Error>(()) }}`"
)]
pub trait MessageHandler<M: Message>: Send + 'static {
    /// What can go wrong. Its text reaches the caller of a request that failed.
    type Error: fmt::Display + Send;

    /// Handles one message.
    ///
    /// A request must be answered through the context, or its caller learns that it was not.
    ///
    /// # Errors
    ///
    /// An error counts the message as failed, and ends a request that was not answered before. The actor goes on.
    ///
    /// # Panics
    ///
    /// A panic counts the message as failed too, and the spawn options say what becomes of the actor.
    fn handle<B: MessageBroker<M>>(
        &mut self,
        envelope: MessageEnvelope<M>,
        context: &Context<M, B>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Runs before the first message. The default does nothing.
    ///
    /// # Errors
    ///
    /// An error or a panic ends the actor.
    fn started<B: MessageBroker<M>>(
        &mut self,
        context: &Context<M, B>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = context;
        std::future::ready(Ok(()))
    }

    /// Runs after the last message, unless the handler panicked or the actor was aborted. The default does nothing.
    fn stopped<B: MessageBroker<M>>(
        &mut self,
        context: &Context<M, B>,
        cause: &StopCause,
    ) -> impl Future<Output = ()> + Send {
        let _ = (context, cause);
        std::future::ready(())
    }
}

impl<M, F, R, E> MessageHandler<M> for F
where
    M: Message,
    F: FnMut(MessageEnvelope<M>) -> R + Send + 'static,
    R: Future<Output = Result<(), E>> + Send,
    E: fmt::Display + Send,
{
    type Error = E;

    fn handle<B: MessageBroker<M>>(
        &mut self,
        envelope: MessageEnvelope<M>,
        _context: &Context<M, B>,
    ) -> impl Future<Output = Result<(), E>> + Send {
        self(envelope)
    }
}
