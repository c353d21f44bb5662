//! Servers that tests start for themselves.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "each test binary is compiled with all of it and uses a part"
)]

mod certificates;
mod cluster;
mod proxy;
mod server;

pub use certificates::Certificates;
pub use cluster::Cluster;
pub use proxy::{Line, Proxy};
pub use server::Server;
