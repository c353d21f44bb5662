//! The tables, in Markdown.

mod budgets;
mod tables;

pub use tables::write;
