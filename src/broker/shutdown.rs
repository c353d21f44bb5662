use std::sync::Arc;
use std::time::Duration;

use super::Hub;
use crate::actor::ActorCell;
use crate::message::{Deadline, Message};

/// How a shutdown went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Actors that handled all they had accepted, and ended.
    pub drained: usize,
    /// Actors that were ended before they were done.
    pub aborted: usize,
}

impl<M: Message> Hub<M> {
    pub(super) async fn shut_down(&self, timeout: Duration) -> ShutdownReport {
        let actors = self.shut();
        let spawned: Vec<_> = actors.into_iter().filter(|cell| self.begin_drain(cell)).collect();
        let ended = self.wait_for_end(&spawned);
        let in_time = match Deadline::after(timeout).instant() {
            Some(deadline) => tokio::time::timeout_at(deadline, ended).await.is_ok(),
            None => {
                ended.await;
                true
            }
        };
        let late: Vec<_> = spawned.iter().filter(|cell| !cell.has_departed()).collect();
        for cell in &late {
            self.stop(cell);
            cell.abort();
        }
        if !in_time {
            self.wait_for_end(&spawned).await;
        }
        ShutdownReport { drained: spawned.len() - late.len(), aborted: late.len() }
    }

    /// Closes the actor's mailbox. Whether there is a task to wait for: code that receives by hand ends when it likes.
    fn begin_drain(&self, cell: &Arc<ActorCell<M>>) -> bool {
        self.close(cell);
        cell.is_spawned()
    }

    async fn wait_for_end(&self, actors: &[Arc<ActorCell<M>>]) {
        for cell in actors {
            loop {
                let mut gone = std::pin::pin!(self.gone.notified());
                // Heard from here on, so that an end between the look and the wait is not missed.
                gone.as_mut().enable();
                if cell.has_departed() {
                    break;
                }
                gone.await;
            }
        }
    }
}
