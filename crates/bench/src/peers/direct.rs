//! Nobody in between: the sender calls the receiver. What its rows show is the scenario's own part in the others'.

use std::sync::{Arc, Mutex, PoisonError};

use crate::scenario::{Kind, Peer, Tell};
use crate::work::{Sum, Work};

#[derive(Clone)]
pub struct Teller(Arc<Mutex<Sum>>);

impl Peer for Teller {
    const NAME: &'static str = "a direct call";
    const KIND: Kind = Kind::Floor;
}

impl Tell for Teller {
    async fn start(sum: Sum) -> Self {
        Self(Arc::new(Mutex::new(sum)))
    }

    async fn tell(&self, work: Work) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(work);
    }
}
