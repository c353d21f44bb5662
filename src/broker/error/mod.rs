//! What can go wrong, one type per kind of call, each with the message that did not get through.

mod ask;
mod forward;
mod join;
mod ran;
mod register;
mod reply;
mod request;
mod send;
mod watch;

pub use ask::AskError;
pub use forward::{ForwardError, ForwardErrorKind};
pub use join::JoinError;
pub use ran::Ran;
pub use register::RegisterError;
pub use reply::{ReplyError, ReplyErrorKind};
pub use request::{RequestError, RequestErrorKind};
pub use send::{SendError, SendErrorKind};
pub use watch::WatchError;
