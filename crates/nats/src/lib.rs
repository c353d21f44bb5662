//! A [`MessageBroker`](switchboard::broker::MessageBroker) with NATS behind it.

mod connection;
mod credentials;
mod env;
mod error;
mod options;
mod url;
pub mod wire;

pub use connection::{Connection, ConnectionState};
pub use credentials::Credentials;
pub use error::{ConnectError, OptionsError};
pub use options::NatsOptions;
