//! A [`MessageBroker`](switchboard::broker::MessageBroker) with NATS behind it.
//!
//! Actors run in the processes that spawned them, and what goes from one to another there never leaves the process. An actor of
//! another node is told and asked by its name or its id, over the server.
//!
//! # When something goes
//!
//! | what goes | what callers see |
//! | --- | --- |
//! | an actor | what it would be in memory |
//! | a node, before it has a message | [`NoSuchActor`](switchboard::broker::SendErrorKind::NoSuchActor): it never ran |
//! | a node that has it | in about a second, [`Unconfirmed`](switchboard::broker::SendErrorKind::Unconfirmed) of what was told, [`ActorStopped`](switchboard::broker::RequestErrorKind::ActorStopped) of what was asked: it may have run |
//! | the server, before a message is sent | [`Disconnected`](switchboard::broker::SendErrorKind::Disconnected): it never ran. Actors here go on, but may not act under their names once the [lease](NatsOptions::lease) has ended |
//! | the server, after it | `Unconfirmed`, `ActorStopped`: it may have run |
//! | the caller | what has not begun is taken back |
//!
//! A name stays with a node that was killed until its lease has ended, and is free at once when a node
//! [leaves](NatsMessageBroker::shutdown).
//!
//! # Programs in other languages
//!
//! `WIRE.md`, beside this crate's manifest, has all that goes over the wire, byte by byte. A program in another language tells
//! and asks by publishing JSON to plain subjects, and serves by listening to such. To a group without a member, or a name
//! that nobody owns, that makes a way to the server and back of what is an error at once in memory.
//!
//! # Order
//!
//! What one sender sends one actor arrives in order, as long as it waits for each message to be accepted, which
//! [`send`](switchboard::broker::MessageBroker::send) does.

mod broker;
mod carrying;
mod connection;
mod credentials;
mod env;
mod error;
mod frame;
mod handler;
#[cfg(test)]
mod hostile;
mod joining;
mod keeping;
mod lease;
mod names;
mod node;
mod node_id;
mod options;
mod outside;
mod peers;
mod places;
mod receiving;
mod sending;
mod subjects;
mod url;
mod waiting;
pub mod wire;

pub use broker::NatsMessageBroker;
pub use connection::{Connection, ConnectionState};
pub use credentials::Credentials;
pub use error::{ConnectError, OptionsError};
pub use node_id::NodeId;
pub use options::NatsOptions;
