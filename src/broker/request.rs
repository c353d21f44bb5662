use std::sync::{Arc, Weak};

use super::offer::{Admission, Target};
use super::{Hub, RequestError, RequestErrorKind};
use crate::address::ActorId;
use crate::message::{Deadline, Message, MessageEnvelope};
use crate::requests::{Ended, Pending, RequestTable, Timer};

/// A request, whose entry is made just before its message goes into the first mailbox.
struct Ask<'a, M> {
    table: &'a RequestTable<M>,
    deadline: Option<Deadline>,
    pending: Option<Pending<'a, M>>,
}

impl<M: Send> Admission<M> for Ask<'_, M> {
    type Refusal = RequestErrorKind;

    #[inline]
    fn admit(
        &mut self,
        to: ActorId,
        envelope: &mut MessageEnvelope<M>,
    ) -> Result<(), RequestErrorKind> {
        if envelope.is_from_handler_of(to) {
            return Err(RequestErrorKind::WouldDeadlock);
        }
        match &self.pending {
            Some(pending) => {
                self.table.hand_over(pending.key(), to);
            }
            None => {
                let pending = self
                    .table
                    .open(to, self.deadline)
                    .ok_or(RequestErrorKind::TooMany)?;
                envelope.set_request(Some(pending.key()));
                self.pending = Some(pending);
            }
        }
        Ok(())
    }
}

impl<M: Message> Hub<M> {
    pub(super) async fn request(
        self: &Arc<Self>,
        target: Target<'_, M>,
        mut envelope: MessageEnvelope<M>,
    ) -> Result<M, RequestError<M>> {
        let deadline = envelope
            .expiry()
            .or_else(|| self.settings.request_timeout.map(Deadline::after));
        envelope.set_expiry(deadline);
        if deadline.is_some() {
            self.keep_time();
        }
        let mut ask = Ask {
            table: &self.requests,
            deadline,
            pending: None,
        };
        let mut slot = Some(envelope);
        if let Err(kind) = self.deliver(&target, &mut slot, &mut ask).await {
            return Err(RequestError::refused(kind, target.address(), slot));
        }
        let reply = match ask.pending {
            Some(pending) => pending.await,
            // Nothing is accepted without an entry.
            None => Err(Ended::NoReply),
        };
        reply.map_err(|ended| RequestError::ended(ended, target.address()))
    }

    /// Starts the task that ends requests at their deadlines, unless it runs.
    #[inline]
    fn keep_time(self: &Arc<Self>) {
        if let Some(timer) = self.requests.timer_to_start() {
            tokio::spawn(run_timer(RunningTimer(timer), Arc::downgrade(self)));
        }
    }
}

/// Lets the next request start the timer again if its task ends, for example with its runtime.
struct RunningTimer(Arc<Timer>);

impl Drop for RunningTimer {
    fn drop(&mut self) {
        self.0.ended();
    }
}

async fn run_timer<M: Message>(timer: RunningTimer, hub: Weak<Hub<M>>) {
    loop {
        timer.0.wait().await;
        match hub.upgrade() {
            Some(hub) => hub.requests.look(),
            None => return,
        }
    }
}
