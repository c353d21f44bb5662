//! What ordinary builds use.

pub(crate) use std::sync::atomic;

pub(crate) use papaya::{HashMap, HashMapRef};
pub(crate) use parking_lot::{Mutex, MutexGuard, RwLock};
pub(crate) use tokio::runtime::Handle;
pub(crate) use tokio::task::AbortHandle;

pub(crate) use super::lock::{Guard, Lock};
