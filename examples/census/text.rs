//! Counts the lines of a file, if it is text.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use thiserror::Error;

use crate::counts::Counts;

/// How much is read at a time. All that is held of a file, however large.
const CHUNK: usize = 64 << 10;

/// A NUL byte in this many bytes at the start makes a file binary.
const HEAD: u64 = 8 << 10;

/// Why a file is not counted.
#[derive(Debug, Error)]
pub(crate) enum NotCounted {
    #[error("not text: NUL at byte {at}")]
    Nul { at: u64 },
    #[error("not text: invalid UTF-8 at byte {at}")]
    NotUtf8 { at: u64 },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Counts one file after another, in the same buffer.
pub(crate) struct TextCounter {
    buffer: Box<[u8]>,
}

/// What has been counted of one file.
struct SoFar {
    counts: Counts,
    line_is_blank: bool,
}

impl TextCounter {
    pub(crate) fn new() -> Self {
        Self { buffer: vec![0; CHUNK].into() }
    }

    pub(crate) fn count(&mut self, path: &Path) -> Result<Counts, NotCounted> {
        let mut file = File::open(path)?;
        let mut so_far = SoFar::new();
        // The beginning of a character that the last chunk ended in.
        let mut kept = 0;
        loop {
            let read = read(&mut file, &mut self.buffer[kept..])?;
            if read == 0 {
                return so_far.end(kept);
            }
            let chunk = &self.buffer[..kept + read];
            let taken = so_far.take(chunk)?;
            kept = chunk.len() - taken;
            self.buffer.copy_within(taken..taken + kept, 0);
        }
    }
}

impl SoFar {
    fn new() -> Self {
        let counts = Counts { files: 1, ..Counts::default() };
        Self { counts, line_is_blank: true }
    }

    /// Takes in what comes next, up to the last whole character, and says how many bytes that is.
    fn take(&mut self, chunk: &[u8]) -> Result<usize, NotCounted> {
        self.look_for_nul(chunk)?;
        let text = match str::from_utf8(chunk) {
            Ok(text) => text,
            Err(error) => {
                let (valid, rest) = chunk.split_at(error.valid_up_to());
                if error.error_len().is_some() {
                    let at = self.counts.bytes + valid.len() as u64;
                    return Err(NotCounted::NotUtf8 { at });
                }
                debug_assert!(rest.len() < 4, "a character has four bytes at most");
                str::from_utf8(valid).unwrap_or_default()
            }
        };
        self.take_text(text);
        Ok(text.len())
    }

    fn look_for_nul(&self, chunk: &[u8]) -> Result<(), NotCounted> {
        let head = HEAD.saturating_sub(self.counts.bytes);
        match chunk.iter().zip(0..head).find(|(byte, _)| **byte == 0) {
            Some((_, offset)) => Err(NotCounted::Nul { at: self.counts.bytes + offset }),
            None => Ok(()),
        }
    }

    fn take_text(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            self.line_is_blank &= line.bytes().all(|byte| byte.is_ascii_whitespace());
            if line.ends_with('\n') {
                self.counts.lines += 1;
                self.counts.blank += u64::from(self.line_is_blank);
                self.line_is_blank = true;
            }
        }
        self.counts.bytes += text.len() as u64;
    }

    /// The file is over, with `kept` bytes that make no character.
    fn end(self, kept: usize) -> Result<Counts, NotCounted> {
        if kept == 0 {
            Ok(self.counts)
        } else {
            let at = self.counts.bytes;
            Err(NotCounted::NotUtf8 { at })
        }
    }
}

fn read(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
