//! The bar that moves while the census is taken, if somebody looks.

use std::fmt::Write;
use std::thread;
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

use crate::arguments::Arguments;
use crate::tree;

const LOOK: &str = "{spinner:.cyan} {bar:32.cyan/dim} {human_pos} of {human_len} files   {rate} files/s   {elapsed}";

/// Draws on standard error, and only if that is a terminal.
#[derive(Clone)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn start(arguments: &Arguments) -> Self {
        let bar = ProgressBar::new(0).with_style(style());
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(100));
            scout(arguments.clone(), bar.clone());
        }
        Self { bar }
    }

    /// A reader has begun with a file.
    pub(crate) fn begun(&self) {
        self.bar.inc(1);
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Finds out how long the bar is. The walker can't say, since it is never more than some mailboxes ahead of the
/// readers; so that the bar means something, another walk runs ahead of it, which nothing holds up.
fn scout(arguments: Arguments, bar: ProgressBar) {
    thread::spawn(move || {
        let found = tree::walk(&arguments).flatten();
        for _ in found.filter(tree::is_file) {
            if bar.is_finished() {
                break;
            }
            bar.inc_length(1);
        }
    });
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template(LOOK)
        .expect("the template is well formed")
        .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{}", HumanCount(state.per_sec() as u64));
        })
        .progress_chars("━╸─")
}
