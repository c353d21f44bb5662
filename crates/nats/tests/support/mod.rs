//! Servers that tests start for themselves.

#![allow(dead_code, unreachable_pub)]

mod certificates;
mod server;

pub use certificates::Certificates;
pub use server::Server;
