//! Who is measured, each used as its own documentation recommends for speed. A file per peer.

pub mod actix;
pub mod async_channel;
pub mod coerce;
pub mod crossfire;
pub mod direct;
pub mod elfo;
pub mod flume;
pub mod kameo;
pub mod kanal;
pub mod kompact;
pub mod mpsc;
pub mod ractor;
pub mod switchboard;
pub mod xtra;
