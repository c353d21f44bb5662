use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::table::Seat;
use crate::actor::ActorEnd;
use crate::address::ActorId;

/// A future of one actor's end: see [`watching`](crate::watching).
///
/// It borrows nothing, keeps neither the actor nor its broker alive, and can be polled again when it is over, with the
/// same result. Dropping it ends the watch, and leaves nothing behind.
///
/// An actor that awaits its own end in its handler waits for itself.
#[must_use = "a watch tells nothing unless it is awaited"]
pub struct Watch {
    actor: ActorId,
    state: State,
}

enum State {
    Waiting(Seat),
    Ended(Arc<ActorEnd>),
}

impl Watch {
    pub(super) fn waiting(actor: ActorId, seat: Seat) -> Self {
        Self { actor, state: State::Waiting(seat) }
    }

    pub(super) fn ended(end: Arc<ActorEnd>) -> Self {
        Self { actor: end.actor, state: State::Ended(end) }
    }

    /// The id of the actor that is watched.
    pub fn actor(&self) -> ActorId {
        self.actor
    }
}

impl Future for Watch {
    type Output = ActorEnd;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ActorEnd> {
        let watch = self.get_mut();
        let end = match &watch.state {
            State::Waiting(seat) => ready!(seat.poll(cx)),
            State::Ended(end) => Arc::clone(end),
        };
        let told = ActorEnd::clone(&end);
        watch.state = State::Ended(end);
        Poll::Ready(told)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = matches!(self.state, State::Ended(_));
        f.debug_struct("Watch").field("actor", &self.actor).field("ended", &ended).finish_non_exhaustive()
    }
}
