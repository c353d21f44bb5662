//! The count that the census is held against.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::tree::Tree;

/// The independent count: a file is read whole and looked at byte by byte.
#[derive(Default)]
pub(crate) struct Expected {
    /// Files, lines, blank lines and bytes.
    pub(crate) languages: BTreeMap<&'static str, [u64; 4]>,
    pub(crate) failed: BTreeMap<String, String>,
    /// Files that can't be read.
    pub(crate) unread: u64,
    failed_folders: u64,
}

impl Expected {
    pub(crate) fn of(tree: &Tree, ignored: &[&str]) -> Self {
        let ignored: BTreeSet<_> = ignored.iter().map(|path| tree.path().join(path)).collect();
        let mut expected = Self::default();
        expected.visit(tree.path(), &ignored);
        expected
    }

    fn visit(&mut self, path: &Path, ignored: &BTreeSet<PathBuf>) {
        let kind = fs::symlink_metadata(path).unwrap().file_type();
        if ignored.contains(path) || path.ends_with(".git") {
            return;
        }
        if kind.is_file() {
            match fs::read(path) {
                Ok(content) => self.add(path, &content),
                Err(error) => {
                    self.unread += 1;
                    self.fail(path, error.to_string());
                }
            }
        } else if kind.is_dir() {
            match fs::read_dir(path) {
                Ok(entries) => entries.for_each(|entry| self.visit(&entry.unwrap().path(), ignored)),
                Err(error) => {
                    self.failed_folders += 1;
                    self.fail(path, error.to_string());
                }
            }
        }
    }

    fn add(&mut self, path: &Path, content: &[u8]) {
        if let Some(at) = content.iter().position(|byte| *byte == 0).filter(|at| *at < 8192) {
            return self.fail(path, format!("not text: NUL at byte {at}"));
        }
        if let Err(error) = String::from_utf8(content.to_vec()) {
            let at = error.utf8_error().valid_up_to();
            return self.fail(path, format!("not text: invalid UTF-8 at byte {at}"));
        }
        let (mut lines, mut blank, mut is_blank) = (0, 0, true);
        for byte in content {
            match byte {
                b'\n' => {
                    lines += 1;
                    blank += u64::from(is_blank);
                    is_blank = true;
                }
                b' ' | b'\t' | b'\r' | 0x0c => {}
                _ => is_blank = false,
            }
        }
        let counts = self.languages.entry(language(path)).or_default();
        for (sum, count) in counts.iter_mut().zip([1, lines, blank, content.len() as u64]) {
            *sum += count;
        }
    }

    fn fail(&mut self, path: &Path, reason: String) {
        self.failed.insert(path.display().to_string(), reason);
    }

    pub(crate) fn total(&self) -> [u64; 4] {
        let languages = self.languages.values();
        languages.fold([0; 4], |sum, counts| std::array::from_fn(|at| sum[at] + counts[at]))
    }

    /// Each file is read, and ends as a count or a failure, unless it is a dead letter; each tally is made known, and
    /// asked; and so is the summary.
    pub(crate) fn messages(&self) -> u64 {
        let files = self.total()[0] + self.failed.len() as u64 - self.failed_folders;
        2 * files - self.unread + self.failed_folders + 2 * self.languages.len() as u64 + 1
    }

    pub(crate) fn report(&self) -> Value {
        let mut languages: Vec<_> = self.languages.iter().collect();
        languages.sort_by_key(|(name, counts)| (u64::MAX - counts[1], **name));
        let languages = languages.iter().map(|(name, [files, lines, blank, bytes])| {
            json!({"language": name, "files": files, "lines": lines, "blank": blank, "bytes": bytes})
        });
        let [files, lines, blank, bytes] = self.total();
        let failed = self.failed.iter().map(|(path, reason)| json!({"path": path, "reason": reason}));
        json!({
            "languages": languages.collect::<Vec<_>>(),
            "total": {"files": files, "lines": lines, "blank": blank, "bytes": bytes},
            "failed": failed.collect::<Vec<_>>(),
        })
    }
}

fn language(path: &Path) -> &'static str {
    let file_name = path.file_name().unwrap().to_str().unwrap();
    match (file_name, file_name.rsplit_once('.').map_or("", |(_, extension)| extension)) {
        ("Makefile", _) => "Makefile",
        ("CMakeLists.txt", _) => "CMake",
        (".gitignore" | ".ignore", _) => "Ignore List",
        (_, "rs" | "RS") => "Rust",
        (_, "py") => "Python",
        (_, "c") => "C",
        (_, "h") => "C/C++ Header",
        (_, "md") => "Markdown",
        (_, "txt") => "Plain Text",
        (_, "yml") => "YAML",
        _ => "Other",
    }
}
