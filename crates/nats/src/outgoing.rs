//! What the broker in memory has accepted for addresses of other nodes is sent there when it is due.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use switchboard::address::ActorAddress;
use switchboard::broker::{MessageBroker, Outbound, Outlet, SendError, SendErrorKind};
use switchboard::message::{Message, MessageEnvelope};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::node::Node;
use crate::sending::Way;

/// One line for each address that something goes to just now: one after the other, so that they keep their order.
type Lines<M> = Arc<Mutex<HashMap<ActorAddress, UnboundedSender<Outbound<M>>, RandomState>>>;

impl<M: Message + Serialize + DeserializeOwned> Node<M> {
    /// Sends what comes out, until the broker leaves.
    pub(crate) async fn keep_sending(self: Arc<Self>, mut outlet: Outlet<M>) {
        let mut leaving = self.leaving.subscribe();
        let lines = Lines::<M>::default();
        loop {
            let outbound = tokio::select! {
                _ = leaving.wait_for(|leaving| *leaving) => return,
                outbound = outlet.next() => match outbound {
                    Some(outbound) => outbound,
                    None => return,
                },
            };
            self.put_in_line(outbound, &lines);
        }
    }

    fn put_in_line(self: &Arc<Self>, outbound: Outbound<M>, lines: &Lines<M>) {
        let to = outbound.to().clone();
        let mut open = lines.lock();
        // A line is closed under this lock, and only when it is empty.
        let outbound = match open.get(&to) {
            Some(line) => match line.send(outbound) {
                Ok(()) => return,
                // Its task was ended by a panic of the user's.
                Err(closed) => closed.0,
            },
            None => outbound,
        };
        let (line, mut waiting) = unbounded_channel();
        open.insert(to.clone(), line);
        drop(open);
        let (node, lines) = (Arc::clone(self), Arc::clone(lines));
        tokio::spawn(async move {
            let mut next = Some(outbound);
            while let Some(outbound) = next {
                node.send_out(outbound).await;
                let mut open = lines.lock();
                next = waiting.try_recv().ok();
                if next.is_none() {
                    open.remove(&to);
                }
            }
        });
    }

    async fn send_out(&self, outbound: Outbound<M>) {
        let (to, envelope, receipt) = outbound.into_parts();
        match self.send_once(&to, envelope).await {
            Ok(()) => receipt.accepted(),
            Err(error) => receipt.refused(error.kind(), error.into_envelope()),
        }
    }

    /// Sends a message to wherever its address is now, once.
    async fn send_once(&self, to: &ActorAddress, envelope: MessageEnvelope<M>) -> Result<(), SendError<M>> {
        if self.is_stored(to, &envelope) {
            return self.store(to, envelope).await;
        }
        let kind = match self.way(to).await {
            Ok(Way::There(node, epoch)) => return self.tell((node, epoch), to, envelope).await,
            // It has come here meanwhile.
            Ok(Way::Here) if self.local.registry().contains(to) => return self.local.send(to, envelope).await,
            Ok(Way::Here) if *self.leaving.borrow() => SendErrorKind::ShutDown,
            Ok(Way::Here) => SendErrorKind::NoSuchActor,
            Ok(Way::Among) => return self.tell_among(to, envelope).await,
            Ok(Way::Lapsed) => SendErrorKind::Disconnected,
            Err(kind) => kind,
        };
        Err(SendError::new(kind, to.clone(), envelope))
    }
}
