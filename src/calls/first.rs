use std::time::Duration;

use super::CallError;
use super::asking::{Asking, first_of};
use crate::address::ActorAddress;
use crate::broker::MessageBroker;
use crate::message::{Deadline, Message, Request};

impl<M: Message, B: MessageBroker<M>> Asking<'_, M, B> {
    pub(super) async fn first<R: Request<M> + Clone>(
        self,
        to: &ActorAddress,
        request: R,
        timeout: Duration,
    ) -> Result<R::Reply, CallError<M>> {
        let deadline = Deadline::after(timeout);
        let members = self.broker.members(to).await;
        if members.len() < 2 {
            return self.single(to, self.envelope(request, Some(deadline))).await;
        }
        first_of(self.each(members, request, deadline), Vec::new()).await
    }
}
