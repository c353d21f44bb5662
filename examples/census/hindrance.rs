//! Whether it helps to read a file again that could not be read.

use std::io::{self, ErrorKind};

/// Whether what was in the way may be gone in a moment. Only such a file is worth another attempt: one that is not
/// there, or that we may not read, is so the next time, too.
pub(crate) fn may_pass(error: &io::Error) -> bool {
    let passes = matches!(
        error.kind(),
        ErrorKind::Interrupted
            | ErrorKind::WouldBlock
            | ErrorKind::TimedOut
            | ErrorKind::ResourceBusy
            | ErrorKind::OutOfMemory
            // What follows is of files that are on another machine.
            | ErrorKind::StaleNetworkFileHandle
            | ErrorKind::NetworkDown
            | ErrorKind::NetworkUnreachable
            | ErrorKind::HostUnreachable
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
    );
    passes || is_for_too_many_open_files(error)
}

/// The one that matters most has no kind of its own. Ours are open only while they are read.
#[cfg(unix)]
fn is_for_too_many_open_files(error: &io::Error) -> bool {
    // The same on Linux, the BSDs and macOS.
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
}

#[cfg(not(unix))]
fn is_for_too_many_open_files(error: &io::Error) -> bool {
    const ERROR_TOO_MANY_OPEN_FILES: i32 = 4;
    cfg!(windows) && error.raw_os_error() == Some(ERROR_TOO_MANY_OPEN_FILES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_or_busy_may_pass() {
        for kind in [
            ErrorKind::Interrupted,
            ErrorKind::WouldBlock,
            ErrorKind::TimedOut,
            ErrorKind::ResourceBusy,
            ErrorKind::OutOfMemory,
            ErrorKind::StaleNetworkFileHandle,
            ErrorKind::NetworkDown,
            ErrorKind::NetworkUnreachable,
            ErrorKind::HostUnreachable,
            ErrorKind::ConnectionAborted,
            ErrorKind::ConnectionReset,
        ] {
            assert!(may_pass(&kind.into()), "{kind}");
        }
    }

    #[test]
    fn what_is_gone_forbidden_or_broken_does_not() {
        for kind in [
            ErrorKind::NotFound,
            ErrorKind::PermissionDenied,
            ErrorKind::IsADirectory,
            ErrorKind::NotADirectory,
            ErrorKind::InvalidFilename,
            ErrorKind::InvalidInput,
            ErrorKind::InvalidData,
            ErrorKind::Unsupported,
            ErrorKind::UnexpectedEof,
            ErrorKind::Other,
        ] {
            assert!(!may_pass(&kind.into()), "{kind}");
        }
    }

    /// The numbers are Linux's: no such process, input or output error, too many files open here and on the machine.
    #[cfg(target_os = "linux")]
    #[test]
    fn of_the_errors_without_a_kind_only_too_many_open_files_may_pass() {
        for (number, passes) in [(3, false), (5, false), (23, true), (24, true)] {
            let error = io::Error::from_raw_os_error(number);
            assert_eq!(may_pass(&error), passes, "{error}");
        }
    }
}
