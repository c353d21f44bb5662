//! The tables in Markdown, and the same as plots.

mod bars;
mod budgets;
mod growth;
mod lines;
mod plots;
mod svg;
mod tables;

pub use plots::draw;
pub use tables::write;
