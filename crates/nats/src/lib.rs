//! A [`MessageBroker`](switchboard::broker::MessageBroker) with NATS behind it.

mod broker;
mod carrying;
mod connection;
mod credentials;
mod env;
mod error;
mod frame;
mod handler;
mod joining;
mod keeping;
mod lease;
mod names;
mod node;
mod node_id;
mod options;
mod outgoing;
mod peers;
mod places;
mod publishing;
mod receiving;
mod sending;
mod subjects;
mod topics;
mod url;
mod waiting;
pub mod wire;

pub use broker::NatsMessageBroker;
pub use connection::{Connection, ConnectionState};
pub use credentials::Credentials;
pub use error::{ConnectError, OptionsError};
pub use node_id::NodeId;
pub use options::NatsOptions;
pub use topics::TopicCounts;
