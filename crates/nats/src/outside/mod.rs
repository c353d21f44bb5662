//! Programs in other languages: what they say to actors here, and what is said to them.
//!
//! A program speaks in JSON on plain subjects, and knows nothing of nodes. What it says is taken by any node of the
//! namespace, which sends it on as one of its own messages would go (`entry.rs`). What is sent to a group without a member,
//! or to a name that nobody owns, is offered to a program that listens there (`exit.rs`). `WIRE.md` has both.

mod entry;
mod exit;
mod place;
mod said;

pub(crate) use exit::Outside;
