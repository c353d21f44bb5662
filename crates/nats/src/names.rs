use std::collections::HashMap;
use std::fmt;

use async_nats::jetstream::kv::{CreateErrorKind, Entry, Operation, Store, UpdateErrorKind};
use bytes::Bytes;
use foldhash::fast::RandomState;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use switchboard::actor::Registration;
use switchboard::address::Name;

use crate::NodeId;

/// Who owns which name, as the server has it, and what is known of that here.
pub(crate) struct Names {
    me: NodeId,
    store: Store,
    /// The names that this node owns.
    mine: Mutex<HashMap<Name, Holding, RandomState>>,
    /// Owners that were looked up. Whoever is told that it is out of date forgets it.
    known: Mutex<HashMap<Name, Owner, RandomState>>,
}

/// A node that owns a name. The epoch grows with each owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) node: NodeId,
    pub(crate) epoch: u64,
}

/// A name of this node's own.
#[derive(Clone, Debug)]
pub(crate) struct Holding {
    pub(crate) epoch: u64,
    /// Whose it is here, once that is settled.
    pub(crate) registration: Option<Registration>,
}

/// What came of claiming a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// It is this node's, with this epoch.
    Mine(u64),
    /// The server has this owner.
    Owned(Owner),
    /// Its owner gave it up just now.
    GivenUp,
}

/// What the server keeps of a claim. The nonce tells one's own claim, whose confirmation was lost, from another's.
#[derive(Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) node: NodeId,
    pub(crate) nonce: u64,
}

/// How many owners are remembered. Beyond that, looking up begins anew.
const MOST_KNOWN: usize = 65_536;

/// The server could not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unavailable(pub(crate) String);

impl Names {
    pub(crate) fn new(me: NodeId, store: Store) -> Self {
        Self { me, store, mine: Mutex::default(), known: Mutex::default() }
    }

    /// Claims a name that nobody owns.
    pub(crate) async fn claim(&self, name: &Name) -> Result<Claimed, Unavailable> {
        let nonce = fastrand::u64(..);
        match self.store.create(name.as_str(), self.claim_of(nonce)).await {
            Ok(epoch) => return Ok(Claimed::Mine(self.note(name, epoch))),
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => {}
            Err(error) => return Err(Unavailable(error.to_string())),
        }
        Ok(match self.entry(name).await? {
            Some((owner, theirs)) if owner.node == self.me && theirs == nonce => {
                Claimed::Mine(self.note(name, owner.epoch))
            }
            Some((owner, _)) => Claimed::Owned(owner),
            None => Claimed::GivenUp,
        })
    }

    /// Takes a name from an owner that has gone, or does not need it any more. `None` if somebody else was quicker.
    pub(crate) async fn take_over(&self, name: &Name, from: Owner) -> Result<Option<u64>, Unavailable> {
        match self.store.update(name.as_str(), self.claim_of(fastrand::u64(..)), from.epoch).await {
            Ok(epoch) => Ok(Some(self.note(name, epoch))),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(None),
            Err(error) => Err(Unavailable(error.to_string())),
        }
    }

    /// Says whose the name is here.
    pub(crate) fn settle(&self, name: &Name, epoch: u64, registration: Registration) {
        if let Some(holding) = self.mine.lock().get_mut(name).filter(|holding| holding.epoch == epoch) {
            holding.registration = Some(registration);
        }
    }

    /// Gives a name up that this node owns with this epoch.
    pub(crate) async fn release(&self, name: &Name, epoch: u64) {
        if !self.lose(name, epoch) {
            return;
        }
        // If it does not arrive, whoever wants the name asks this node, and takes it then.
        if let Err(error) = self.store.delete_expect_revision(name.as_str(), Some(epoch)).await {
            tracing::debug!(%name, %error, "a name that was given up is still entered");
        }
    }

    /// The epoch with which this node owns a name.
    pub(crate) fn epoch(&self, name: &Name) -> Option<u64> {
        self.mine.lock().get(name).map(|holding| holding.epoch)
    }

    /// The epoch with which this node owns a name for that actor.
    pub(crate) fn epoch_of(&self, name: &Name, registration: &Registration) -> Option<u64> {
        let mine = self.mine.lock();
        mine.get(name)
            .filter(|holding| holding.registration.as_ref() == Some(registration))
            .map(|holding| holding.epoch)
    }

    /// The names that this node owns.
    pub(crate) fn owned(&self) -> Vec<(Name, Holding)> {
        self.mine.lock().iter().map(|(name, holding)| (name.clone(), holding.clone())).collect()
    }

    /// Who owns a name, from what is known here or else from the server.
    pub(crate) async fn owner(&self, name: &Name) -> Result<Option<Owner>, Unavailable> {
        if let Some(owner) = self.known.lock().get(name) {
            return Ok(Some(*owner));
        }
        let owner = self.entry(name).await?.map(|(owner, _)| owner);
        if let Some(owner) = owner {
            let mut known = self.known.lock();
            if known.len() >= MOST_KNOWN {
                known.clear();
            }
            known.insert(name.clone(), owner);
        }
        Ok(owner)
    }

    /// Forgets that owner of a name.
    pub(crate) fn forget(&self, name: &Name, owner: Owner) {
        let mut known = self.known.lock();
        if known.get(name) == Some(&owner) {
            known.remove(name);
        }
    }

    /// Whether the server still has this node as the owner, with that epoch.
    pub(crate) async fn is_mine(&self, name: &Name, epoch: u64) -> Result<bool, Unavailable> {
        let me = Owner { node: self.me, epoch };
        Ok(self.entry(name).await?.is_some_and(|(owner, _)| owner == me))
    }

    /// Takes it that the name is not this node's any more. False if it was not, with this epoch.
    pub(crate) fn lose(&self, name: &Name, epoch: u64) -> bool {
        let mut mine = self.mine.lock();
        let is_mine = mine.get(name).is_some_and(|holding| holding.epoch == epoch);
        if is_mine {
            mine.remove(name);
        }
        is_mine
    }

    fn note(&self, name: &Name, epoch: u64) -> u64 {
        self.mine.lock().insert(name.clone(), Holding { epoch, registration: None });
        epoch
    }

    async fn entry(&self, name: &Name) -> Result<Option<(Owner, u64)>, Unavailable> {
        let entry = self.store.entry(name.as_str()).await.map_err(|error| Unavailable(error.to_string()))?;
        Ok(entry.as_ref().and_then(owner_of))
    }

    fn claim_of(&self, nonce: u64) -> Bytes {
        // Two integers can always be written.
        postcard::to_allocvec(&Claim { node: self.me, nonce }).unwrap_or_default().into()
    }
}

/// Who has made an entry, and with which nonce. Nobody, where it says that the name was given up, or can't be read.
fn owner_of(entry: &Entry) -> Option<(Owner, u64)> {
    if entry.operation != Operation::Put {
        return None;
    }
    let claim: Claim = postcard::from_bytes(&entry.value).ok()?;
    Some((Owner { node: claim.node, epoch: entry.revision }, claim.nonce))
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("mine", &self.mine.lock().len()).finish_non_exhaustive()
    }
}
