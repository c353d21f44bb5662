//! What the census is taken of.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use crate::run;

/// A folder with a bit of everything.
pub(crate) struct Tree {
    folder: TempDir,
}

impl Tree {
    pub(crate) fn empty() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    pub(crate) fn new() -> Self {
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

    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Files that the walker finds and nobody can open, since their paths are too long. So their folder has a short name
    /// when they are made. In the order of their paths.
    #[cfg(target_os = "linux")]
    pub(crate) fn add_out_of_reach(&self, number: usize) -> Vec<String> {
        const LONGEST_PATH: usize = 4096;
        let (short, long) = (self.path().join("a"), self.path().join("a".repeat(200)));
        let mut inside = PathBuf::new();
        while long.join(&inside).as_os_str().len() < LONGEST_PATH - 250 {
            inside.push("b".repeat(200));
        }
        fs::create_dir_all(short.join(&inside)).unwrap();
        let files: Vec<_> = (0..number).map(|number| inside.join(format!("{number:0250}.rs"))).collect();
        for file in &files {
            fs::write(short.join(file), b"out of reach\n").unwrap();
        }
        fs::rename(short, &long).unwrap();
        files.iter().map(|file| long.join(file).display().to_string()).collect()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A path as the report shows it.
    pub(crate) fn shown(&self, path: &str) -> String {
        self.path().join(path).display().to_string()
    }

    pub(crate) fn census(&self, options: &[&str]) -> Output {
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
