//! The example `census`, run as its users run it, against a count that is made in another way.

#![allow(clippy::unwrap_used, reason = "as in the tests themselves")]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use switchboard::metrics::{BrokerMetrics, Outcome};
use tempfile::TempDir;

/// What the tree's `.gitignore` and `.ignore` leave out.
const IGNORED: [&str; 3] = ["target", "trace.log", "nested/skipped.rs"];

#[test]
fn counts_what_an_independent_count_does() {
    let tree = Tree::new();
    for workers in ["1", "4", "32"] {
        compare(&tree.census(&["--workers", workers]), &Expected::of(&tree, &IGNORED));
        compare(&tree.census(&["--workers", workers, "--no-ignore"]), &Expected::of(&tree, &[]));
    }
}

#[test]
fn readers_that_see_a_language_first_at_the_same_time_share_one_tally() {
    let tree = Tree::empty();
    for number in 0..400 {
        for extension in ["rs", "c", "py", "md", "txt"] {
            tree.write(&format!("{}/{number}.{extension}", number % 7), b"one\n\ntwo\n");
        }
    }
    compare(&tree.census(&["--workers", "16"]), &Expected::of(&tree, &[]));
}

#[test]
fn an_empty_folder_has_nothing_and_that_is_no_error() {
    let tree = Tree::empty();
    compare(&tree.census(&[]), &Expected::of(&tree, &[]));
}

#[test]
fn a_single_file_and_the_target_of_a_link_can_be_counted() {
    let tree = Tree::new();
    let census = run(&[tree.path().join("src/main.rs").as_os_str(), "--json".as_ref()]);
    assert_eq!(parse(&census)["total"], json!({"files": 1, "lines": 4, "blank": 2, "bytes": 24}));
    #[cfg(unix)]
    {
        let census = run(&[tree.path().join("link.rs").as_os_str(), "--json".as_ref()]);
        assert_eq!(parse(&census)["total"], json!({"files": 1, "lines": 4, "blank": 2, "bytes": 24}));
    }
}

/// This file opens, and reading at its beginning fails, for every user.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_fails_in_the_middle_of_reading_is_reported() {
    let census = run(&["/proc/self/mem".as_ref(), "--json".as_ref()]);
    let failed = &parse(&census)["failed"];
    assert_eq!(failed[0]["path"], "/proc/self/mem");
    let reason = failed[0]["reason"].as_str().unwrap();
    assert!(!reason.is_empty() && !reason.starts_with("not text"), "{reason}");
}

#[test]
fn a_pattern_that_makes_no_sense_is_reported_and_the_rest_heeded() {
    let tree = Tree::empty();
    tree.write(".gitignore", b"{a\n*.log\n");
    tree.write("trace.log", b"x\n");
    let report = parse(&tree.census(&[]));
    assert_eq!(report["total"]["files"], 1);
    assert_eq!(report["failed"][0]["path"], tree.shown(".gitignore"));
}

#[test]
fn the_table_says_the_same() {
    let tree = Tree::new();
    let expected = Expected::of(&tree, &IGNORED);
    let census = run(&[tree.path().as_os_str()]);
    let table = text(&census.stdout);
    assert!(census.status.success(), "{census:?}");
    assert!(census.stderr.is_empty(), "there is a bar without a terminal: {census:?}");

    for (language, counts) in
        expected.languages.iter().map(|(name, counts)| (*name, *counts)).chain([("Total", expected.total())])
    {
        let row = table
            .lines()
            .find(|line| line.starts_with(&format!("{language}  ")))
            .unwrap_or_else(|| panic!("no {language} in\n{table}"));
        let numbers: Vec<u64> =
            row[language.len()..].split_whitespace().map(|number| number.replace(',', "").parse().unwrap()).collect();
        assert_eq!(numbers, counts, "{language}");
    }
    assert!(table.contains(&format!("Not counted: {}", expected.failed.len())), "{table}");
    for (path, reason) in &expected.failed {
        assert!(table.lines().any(|line| line.contains(reason) && line.ends_with(path)), "{path} in\n{table}");
    }
    for outcome in Outcome::ALL {
        assert!(table.contains(outcome.as_str()), "{outcome} in\n{table}");
    }
    assert!(table.contains("per second") && table.contains("deepest mailbox"), "{table}");
}

#[test]
fn bad_arguments_are_explained() {
    let cases: [(&[&str], &str); 8] = [
        (&["--workers", "0"], "--workers"),
        (&["--workers", "many"], "many"),
        (&["--workers=1000000"], "1000000"),
        (&["--workers"], "--workers"),
        (&["--colour"], "--colour"),
        (&["--json=yes"], "--json"),
        (&["here", "there"], "there"),
        (&["no/such/folder"], "no/such/folder"),
    ];
    for (arguments, culprit) in cases {
        let census = run(&arguments.iter().map(OsStr::new).collect::<Vec<_>>());
        assert_eq!(census.status.code(), Some(2), "{arguments:?}");
        assert!(text(&census.stderr).contains(culprit), "{arguments:?}: {census:?}");
        assert!(census.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_lists_the_options() {
    let census = run(&["--help".as_ref()]);
    assert!(census.status.success());
    for option in ["--workers", "--json", "--no-ignore", "--help"] {
        assert!(text(&census.stdout).contains(option), "{option}");
    }
}

/// Holds a report in JSON against the independent count, and the broker's account against what it must have carried.
fn compare(census: &Output, expected: &Expected) {
    let mut report = parse(census);
    let broker = report.as_object_mut().unwrap().remove("broker").unwrap();
    assert_eq!(report, expected.report());

    let broker: BrokerMetrics = serde_json::from_value(broker).unwrap();
    let traffic = &broker.total;
    assert_eq!(traffic.accepted, expected.messages());
    assert_eq!(traffic.accepted, traffic.outcomes.sum());
    assert_eq!(traffic.accepted, traffic.outcomes[Outcome::Handled]);
    assert_eq!((traffic.queued, traffic.in_handlers, traffic.unaccounted()), (0, 0, 0));
    assert!((1..=1024).contains(&traffic.deepest_mailbox), "{traffic:?}");
}

fn parse(census: &Output) -> Value {
    assert!(census.status.success() && census.stderr.is_empty(), "{census:?}");
    serde_json::from_slice(&census.stdout).unwrap()
}

fn run(arguments: &[&OsStr]) -> Output {
    let test = std::env::current_exe().unwrap();
    let built = test.ancestors().nth(2).unwrap().join("examples");
    let census = built.join(format!("census{}", std::env::consts::EXE_SUFFIX));
    assert!(census.exists(), "build it with `cargo build --example census`");
    Command::new(census).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

/// A folder with a bit of everything.
struct Tree {
    folder: TempDir,
}

impl Tree {
    fn empty() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn new() -> Self {
        let tree = Self::empty();
        for (path, content) in contents() {
            tree.write(path, &content);
        }
        #[cfg(unix)]
        tree.add_what_is_no_file();
        tree
    }

    /// Links that lead somewhere, nowhere and round in a circle, a socket, and what its owner may not read.
    #[cfg(unix)]
    fn add_what_is_no_file(&self) {
        use std::os::unix::fs::{PermissionsExt, symlink};
        use std::os::unix::net::UnixListener;

        symlink("src/main.rs", self.path().join("link.rs")).unwrap();
        symlink("nowhere", self.path().join("dangling.rs")).unwrap();
        symlink("..", self.path().join("nested/circle")).unwrap();
        UnixListener::bind(self.path().join("socket.rs")).unwrap();
        for locked in ["locked.rs", "locked"] {
            fs::set_permissions(self.path().join(locked), PermissionsExt::from_mode(0o000)).unwrap();
        }
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path as the report shows it.
    fn shown(&self, path: &str) -> String {
        self.path().join(path).display().to_string()
    }

    fn census(&self, options: &[&str]) -> Output {
        let options = options.iter().map(OsStr::new);
        run(&options.chain([OsStr::new("--json"), self.path().as_os_str()]).collect::<Vec<_>>())
    }
}

#[cfg(unix)]
impl Drop for Tree {
    fn drop(&mut self) {
        use std::os::unix::fs::PermissionsExt;
        // Or else it could not be removed.
        let _ = fs::set_permissions(self.path().join("locked"), PermissionsExt::from_mode(0o700));
    }
}

fn contents() -> Vec<(&'static str, Vec<u8>)> {
    let accents = ["x", &"é".repeat(100_000), "\n\n"].concat();
    let nul_at = |at: usize| [vec![b'a'; at], vec![0, b'\n', b'\n']].concat();
    vec![
        ("src/main.rs", b"fn main() {\n\n  \t \n    x\n".into()),
        ("src/windows.rs", b"a\r\n\r\n \r\nb\r\n".into()),
        ("src/deep/er/unended.RS", b"x\n\ny\n  ".into()),
        ("space.py", b"\x0c\n\x0b\n\x1f\n\t\r \n\xc2\xa0\n".into()),
        ("empty.c", b"".into()),
        ("blank.h", b"\n\n\n".into()),
        ("gr\u{fc}\u{df}e an alle.md", "# gr\u{fc}\u{df}e\n\n\u{1f980}\n".into()),
        ("Makefile", b"all:\n".into()),
        ("CMakeLists.txt", b"project(x)\n\n".into()),
        ("notes.txt", b"notes\n".into()),
        ("strange.qqq", b"?\n".into()),
        ("no_extension", b"?\n?".into()),
        (".hidden.yml", b"a: 1\n".into()),
        ("accents.txt", accents.clone().into()),
        ("cut.txt", accents.trim_end().as_bytes()[..accents.len() - 3].into()),
        ("nul.bin", b"text\n\0more\n".into()),
        ("nul_at_the_last_byte_that_matters.txt", nul_at(8191)),
        ("nul_behind_it.txt", nul_at(8192)),
        ("latin1.txt", b"caf\xe9\n".into()),
        ("late.txt", [accents.as_bytes(), b"\xff\n"].concat()),
        (".gitignore", b"/target/\n*.log\n".into()),
        ("target/debug/out.rs", b"ignored\n".into()),
        ("trace.log", b"ignored\n\n".into()),
        ("nested/.ignore", b"skipped.rs\n".into()),
        ("nested/skipped.rs", b"ignored\n".into()),
        ("nested/kept.rs", b"\n".into()),
        (".git/config", b"never\n".into()),
        ("nested/.git", b"never\n".into()),
        ("locked.rs", b"for root only\n".into()),
        ("locked/inside.rs", b"for root only\n".into()),
    ]
}

/// The independent count: a file is read whole and looked at byte by byte.
#[derive(Default)]
struct Expected {
    /// Files, lines, blank lines and bytes.
    languages: BTreeMap<&'static str, [u64; 4]>,
    failed: BTreeMap<String, String>,
    failed_folders: u64,
}

impl Expected {
    fn of(tree: &Tree, ignored: &[&str]) -> Self {
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
                Err(error) => self.fail(path, error.to_string()),
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

    fn total(&self) -> [u64; 4] {
        let languages = self.languages.values();
        languages.fold([0; 4], |sum, counts| std::array::from_fn(|at| sum[at] + counts[at]))
    }

    /// Each file is read, and ends as a count or a failure; each tally is made known, and asked; and so is the summary.
    fn messages(&self) -> u64 {
        let files = self.total()[0] + self.failed.len() as u64 - self.failed_folders;
        2 * files + self.failed_folders + 2 * self.languages.len() as u64 + 1
    }

    fn report(&self) -> Value {
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
