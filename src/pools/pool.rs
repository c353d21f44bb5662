use std::fmt;
use std::marker::PhantomData;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::task::{Order, PoolTask};
use super::{Looks, PoolError, PoolOptions, PoolStatus};
use crate::actor::HandlerFactory;
use crate::address::ActorAddress;
use crate::broker::MessageBroker;
use crate::message::Message;

/// A pool of workers, for whoever spawned it: see [`pools`](crate::pools).
///
/// Dropping it changes nothing: the workers run on, and the pool goes on replacing and sizing them, until the broker is
/// shut down.
pub struct WorkerPool<M> {
    /// Without a bound: each order but the last has somebody who waits for the answer.
    orders: mpsc::UnboundedSender<Order>,
    status: watch::Receiver<PoolStatus>,
    task: JoinHandle<()>,
    message: PhantomData<fn(M)>,
}

impl<M: Message> WorkerPool<M> {
    /// Starts the workers at a pool or service: as many as are fixed, or the least that there may be. Each gets a clone of
    /// the factory. Others may be spawned at the same address; this pool counts and ends its own only.
    ///
    /// # Errors
    ///
    /// If the options ask for what can't be, the address is for one actor, or a worker can't be
    /// [registered](MessageBroker::spawn_with).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime that keeps time, and if cloning the factory does. Where that happens later, the pool ends:
    /// its workers finish what they have accepted.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, there is no pool, and the workers that were started end.
    pub async fn spawn<B: MessageBroker<M>, F: HandlerFactory<M> + Clone>(
        broker: &B,
        address: &ActorAddress,
        options: PoolOptions,
        factory: F,
    ) -> Result<Self, PoolError> {
        if matches!(address, ActorAddress::Id(_) | ActorAddress::Named(_)) {
            return Err(PoolError::NotAGroup { address: address.clone() });
        }
        let (orders, given) = mpsc::unbounded_channel();
        let (reported, status) = watch::channel(PoolStatus::default());
        let (broker, address) = (broker.clone(), address.clone());
        let task = PoolTask::start(broker, address, &options, factory, (given, reported)).await?;
        Ok(Self { orders, status, task: tokio::spawn(task.run()), message: PhantomData })
    }

    /// Makes it so many workers, and gives how many there are then. New ones take messages when it returns; those that are
    /// too many, the ones with the least before them, take no more, and end when they have finished what they took.
    ///
    /// A pool that sizes itself goes no further than its bounds, and sizes itself from there at its next look.
    ///
    /// # Errors
    ///
    /// If no worker at all is asked for, the pool has ended, or a worker can't be registered, which is tried again at the
    /// next look.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, the pool is resized all the same.
    pub async fn resize(&self, workers: usize) -> Result<usize, PoolError> {
        if workers == 0 {
            return Err(PoolError::NoWorkers);
        }
        let (answer, answered) = oneshot::channel();
        self.orders.send(Order::Resize(workers, answer)).map_err(|_| PoolError::Ended)?;
        answered.await.unwrap_or(Err(PoolError::Ended))
    }

    /// How many workers took messages at the last look, or when the pool was last resized.
    pub fn size(&self) -> usize {
        self.status().size
    }

    /// How many messages waited before these workers at that time.
    pub fn depth(&self) -> usize {
        self.status().depth
    }

    /// What there was at the last look, or when the pool was last resized. Nothing, when it has ended.
    pub fn status(&self) -> PoolStatus {
        *self.status.borrow()
    }

    /// Follows the pool from now on, from look to look, without this handle.
    pub fn looks(&self) -> Looks {
        Looks::new(self.status.clone())
    }

    /// Ends the pool: its workers take no more messages and finish those that they have accepted. When it returns, all have
    /// ended, those that were leaving before included.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits, the pool still drains and ends.
    pub async fn drain(self) {
        // Where it is not taken, the pool has ended.
        let _ = self.orders.send(Order::Drain);
        // A task that panicked was the factory's fault, and its panic is told by the runtime.
        let _ = self.task.await;
    }
}

impl<M> fmt::Debug for WorkerPool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerPool").field("status", &*self.status.borrow()).finish_non_exhaustive()
    }
}
