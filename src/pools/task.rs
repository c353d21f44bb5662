use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::crew::Crew;
use super::{PoolError, PoolOptions, PoolStatus, Sizing};
use crate::actor::{HandlerFactory, SpawnOptions};
use crate::address::ActorAddress;
use crate::broker::{MessageBroker, RegisterError};
use crate::message::Message;

/// What a pool's task owns. No message goes through it.
pub(super) struct PoolTask<M: Message, B, F> {
    crew: Crew<M>,
    broker: B,
    address: ActorAddress,
    workers: SpawnOptions,
    factory: F,
    /// How many workers there should be.
    target: usize,
    sizing: Option<Sizing>,
    /// Whether it ends with its last worker.
    is_ending: bool,
    looks: Interval,
    status: watch::Sender<PoolStatus>,
    /// `None` when nobody can give orders any more.
    orders: Option<mpsc::UnboundedReceiver<Order>>,
}

/// What a handle asks of its pool.
pub(super) enum Order {
    Resize(usize, oneshot::Sender<Result<usize, PoolError>>),
    Drain,
}

enum Event {
    Look,
    Order(Order),
    /// A worker has ended. If it is to be replaced, that is done at the next look, so one that always fails to start
    /// does not keep everybody busy.
    End,
}

impl<M: Message, B: MessageBroker<M>, F: HandlerFactory<M> + Clone> PoolTask<M, B, F> {
    /// Starts the first workers. Where it fails, or is dropped while it waits, those go that were started.
    pub(super) async fn start(
        broker: B,
        address: ActorAddress,
        options: &PoolOptions,
        factory: F,
        (orders, status): (mpsc::UnboundedReceiver<Order>, watch::Sender<PoolStatus>),
    ) -> Result<Self, PoolError> {
        let (target, sizing) = options.check()?;
        let period = options.interval();
        let first_look = Instant::now().checked_add(period);
        let mut looks = tokio::time::interval_at(first_look.unwrap_or_else(Instant::now), period);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut task = Self {
            crew: Crew::new(),
            broker,
            address,
            workers: options.spawn_options(),
            factory,
            target,
            sizing,
            is_ending: false,
            looks,
            status,
            orders: Some(orders),
        };
        task.fit().await?;
        task.report();
        Ok(task)
    }

    /// Runs until the pool was drained or its broker shut down, and the last worker has ended.
    pub(super) async fn run(mut self) {
        while !(self.is_ending && self.crew.is_gone()) {
            match std::future::poll_fn(|cx| self.poll_event(cx)).await {
                Event::Look => self.look().await,
                Event::Order(Order::Resize(size, answer)) => {
                    let resized = self.resize(size).await;
                    // Who asked may have gone.
                    let _ = answer.send(resized);
                }
                Event::Order(Order::Drain) => self.end(),
                Event::End => {}
            }
            if self.crew.is_shut() {
                self.end();
            }
        }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        // First, so that who has ended is not counted in what follows.
        if self.crew.poll_ends(cx).is_ready() {
            return Poll::Ready(Event::End);
        }
        if let Some(Poll::Ready(order)) = self.orders.as_mut().map(|orders| orders.poll_recv(cx)) {
            match order {
                Some(order) => return Poll::Ready(Event::Order(order)),
                None => self.orders = None,
            }
        }
        self.looks.poll_tick(cx).map(|_| Event::Look)
    }

    async fn look(&mut self) {
        if !self.is_ending {
            if let Some(sizing) = &mut self.sizing {
                self.target = sizing.look(self.target, self.crew.depth());
            }
            if let Err(error) = self.fit().await {
                tracing::warn!(pool = %self.address, %error, "a worker was not started");
            }
        }
        self.report();
    }

    async fn resize(&mut self, size: usize) -> Result<usize, PoolError> {
        if self.is_ending {
            return Err(PoolError::Ended);
        }
        self.target = self.sizing.as_ref().map_or(size, |sizing| sizing.within(size));
        let fitted = self.fit().await;
        self.report();
        fitted.map(|()| self.crew.size()).map_err(PoolError::from)
    }

    /// Makes the workers as many as they should be.
    async fn fit(&mut self) -> Result<(), RegisterError> {
        self.crew.shrink_to(self.target);
        while self.crew.size() < self.target {
            let spawned = self.broker.spawn_with(&self.address, self.workers, self.factory.clone()).await;
            match spawned {
                Ok(handle) => self.crew.add(handle),
                Err(error) => {
                    if error == RegisterError::ShutDown {
                        self.end();
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

impl<M: Message, B, F> PoolTask<M, B, F> {
    /// Has the pool end: its workers finish what they have accepted.
    fn end(&mut self) {
        self.is_ending = true;
        self.crew.shrink_to(0);
    }

    fn report(&self) {
        self.status.send_replace(self.crew.status());
    }
}

impl<M: Message, B, F> Drop for PoolTask<M, B, F> {
    /// Also where it did not start, or its factory panicked: nobody would end the workers if it did not.
    fn drop(&mut self) {
        self.end();
        self.report();
    }
}
