use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time;

use super::CallError;
use super::asking::{Asking, first_of};
use crate::address::ActorAddress;
use crate::broker::MessageBroker;
use crate::message::{Deadline, Message, Request};

impl<M: Message, B: MessageBroker<M>> Asking<'_, M, B> {
    pub(super) async fn hedged<R: Request<M> + Clone>(
        self,
        to: &ActorAddress,
        request: R,
        after: Duration,
    ) -> Result<R::Reply, CallError<M>> {
        let mut envelope = self.envelope(request.clone(), None);
        // Taken here, so that the second is given no more time than what is left of the first one's.
        let deadline = envelope.expiry().or_else(|| self.broker.request_timeout().map(Deadline::after));
        envelope.set_expiry(deadline);
        // Apart from the wait, during which the message must not be borrowed: it may not be shared between threads.
        let picking = self.broker.pick(to, &envelope, 2);
        let picked = picking.await;
        let [first, second] = picked[..] else {
            return self.single(to, envelope).await;
        };
        let mut asked = FuturesUnordered::new();
        asked.push(self.one(first, envelope));
        let mut failures = Vec::new();
        match time::timeout(after, asked.next()).await {
            Ok(Some((_, Ok(reply)))) => return Ok(reply),
            Ok(Some((member, Err(error)))) => failures.push((member, error)),
            Ok(None) | Err(_) => {}
        }
        if !deadline.is_some_and(Deadline::has_passed) {
            asked.push(self.one(second, self.envelope(request, deadline)));
        }
        first_of(asked, failures).await
    }
}
