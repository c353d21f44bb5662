use crate::broker::MessageHandler;
use crate::message::Message;

/// Makes the handlers of one actor: the first, and another after each panic if the actor is to be rebuilt.
///
/// A closure that returns a handler is a factory; [`once`] makes one of a single handler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not build handlers of `{M}`",
    note = "pass a closure that returns a handler (`|| Counter::default()`), or `once(handler)`"
)]
pub trait HandlerFactory<M: Message>: Send + 'static {
    /// What it builds.
    type Handler: MessageHandler<M>;

    /// Builds a handler; `None` if there can't be another.
    fn build(&mut self) -> Option<Self::Handler>;
}

impl<M, H, F> HandlerFactory<M> for F
where
    M: Message,
    H: MessageHandler<M>,
    F: FnMut() -> H + Send + 'static,
{
    type Handler = H;

    fn build(&mut self) -> Option<H> {
        Some(self())
    }
}

/// A factory of one handler: see [`once`].
#[derive(Debug)]
pub struct Once<H>(Option<H>);

/// A factory that has just this handler, so that an actor of it can't be rebuilt.
pub fn once<H>(handler: H) -> Once<H> {
    Once(Some(handler))
}

impl<M: Message, H: MessageHandler<M>> HandlerFactory<M> for Once<H> {
    type Handler = H;

    fn build(&mut self) -> Option<H> {
        self.0.take()
    }
}
