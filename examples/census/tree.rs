//! What there is to count.

use ignore::{DirEntry, Walk, WalkBuilder};

use crate::arguments::Arguments;

/// All that is in the tree and not to be left out, in the file system's order.
pub(crate) fn walk(arguments: &Arguments) -> Walk {
    WalkBuilder::new(&arguments.path)
        .standard_filters(!arguments.no_ignore)
        .require_git(false)
        .hidden(false)
        .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git")
        .build()
}

/// Nothing but regular files is opened: a pipe or a device could make the reader wait for ever.
pub(crate) fn is_file(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|kind| kind.is_file())
}
