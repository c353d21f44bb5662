use std::time::Duration;

use futures_util::StreamExt;

use super::Gathered;
use super::asking::Asking;
use crate::address::ActorAddress;
use crate::broker::{MessageBroker, RequestError, SendErrorKind};
use crate::message::{Deadline, Message, Request};

impl<M: Message, B: MessageBroker<M>> Asking<'_, M, B> {
    pub(super) async fn all<R: Request<M> + Clone>(
        self,
        to: &ActorAddress,
        request: R,
        timeout: Duration,
    ) -> Result<Gathered<M, R::Reply>, RequestError<M>> {
        let deadline = Deadline::after(timeout);
        let members = self.broker.members(to).await;
        if members.is_empty() {
            let unsent = self.envelope(request, Some(deadline));
            return Err(RequestError::refused(nobody_at(to).into(), to.clone(), unsent));
        }
        let mut asked = self.each(members, request, deadline);
        let mut gathered = Gathered::new();
        while let Some((member, answer)) = asked.next().await {
            gathered.add(member, answer);
        }
        Ok(gathered)
    }
}

fn nobody_at(address: &ActorAddress) -> SendErrorKind {
    match address {
        ActorAddress::Service(_) | ActorAddress::Pool(_) => SendErrorKind::NoMembers,
        ActorAddress::Id(_) | ActorAddress::Named(_) => SendErrorKind::NoSuchActor,
    }
}
