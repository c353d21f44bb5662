use shuttle::future::{self, JoinHandle};

/// The runtime that an actor was spawned on: the checker's one and only.
#[derive(Clone, Debug)]
pub(crate) struct Handle;

impl Handle {
    pub(crate) fn current() -> Self {
        Self
    }

    pub(crate) fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        future::spawn(task)
    }
}
