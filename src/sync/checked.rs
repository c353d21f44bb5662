//! What the model checker uses: its own locks, atomics and tasks, under the names and with the calls of the real ones.

mod locks;
mod map;
mod tasks;

pub(crate) use shuttle::future::AbortHandle;
pub(crate) use shuttle::sync::atomic;

pub(crate) use locks::{Guard, Lock, Mutex, MutexGuard, RwLock};
pub(crate) use map::{HashMap, HashMapRef};
pub(crate) use tasks::Handle;
