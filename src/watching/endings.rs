use std::sync::Arc;
use std::task::Waker;

use super::table::WatchTable;
use super::{Ends, Watch};
use crate::actor::{ActorCell, ActorEnd};
use crate::address::ActorAddress;
use crate::feed::Feed;
use crate::limits::{LimitError, Place};

/// The ends of one broker's actors: told to those who watch, and remembered.
pub(crate) struct Endings {
    pub(super) table: Arc<WatchTable>,
    feed: Feed<ActorEnd>,
}

/// An end that is to be told, when no lock is held.
#[must_use]
pub(crate) struct News {
    end: Arc<ActorEnd>,
    wakers: Vec<Waker>,
}

impl Endings {
    /// With room for the `remembered` latest.
    pub(crate) fn new(remembered: usize) -> Self {
        Self { table: Arc::new(WatchTable::new(remembered)), feed: Feed::new() }
    }

    pub(crate) fn watch<M>(&self, cell: &ActorCell<M>) -> Watch {
        self.enter(cell, None)
    }

    /// As [`watch`](Self::watch), in a place of its own.
    pub(crate) fn watch_in<M>(&self, place: Place, cell: &ActorCell<M>) -> Watch {
        self.enter(cell, Some(place))
    }

    fn enter<M>(&self, cell: &ActorCell<M>, place: Option<Place>) -> Watch {
        match self.table.enter(cell, place) {
            Ok(seat) => Watch::waiting(cell.id, seat),
            Err(end) => Watch::ended(end),
        }
    }

    /// A watch that is over, of the latest actor at `address` whose end is remembered.
    pub(crate) fn remembered(&self, address: &ActorAddress) -> Option<Watch> {
        self.table.remembered(address).map(Watch::ended)
    }

    pub(crate) fn follow(&self, place: Result<Place, LimitError>, capacity: usize) -> Ends {
        Ends::new(self.feed.follow_in(place, capacity))
    }

    /// Notes that the actor has ended. From here on, watches find it so.
    pub(crate) fn record<M>(&self, cell: &ActorCell<M>) -> News {
        let (end, wakers) = self.table.depart(cell);
        News { end, wakers }
    }

    pub(crate) fn tell(&self, news: News) {
        self.feed.tell(&news.end);
        news.wakers.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Endings {
    fn drop(&mut self) {
        self.feed.end();
    }
}
