/// What a row belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// The project itself.
    Switchboard,
    /// An actor library that a user might take instead.
    Framework,
    /// A channel and a task: what the work costs without any actor library.
    Floor,
}

/// Somebody that a scenario is measured with.
pub trait Peer: Send + Sized + 'static {
    /// How its rows are called.
    const NAME: &'static str;
    const KIND: Kind;

    /// Takes down what a scenario has started, where that lives on when nothing refers to it.
    fn end(self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Does what one task has to do with it, in what surrounds a task where a library asks for that.
    fn within<F: Future<Output: Send> + Send>(&self, work: F) -> impl Future<Output = F::Output> + Send {
        work
    }
}
