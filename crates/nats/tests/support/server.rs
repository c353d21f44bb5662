use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread;

use tempfile::TempDir;

/// A server on a free port of this machine, with JetStream in a folder of its own. It is killed when this is dropped.
pub struct Server {
    process: Child,
    folder: TempDir,
    port: u16,
    config: String,
}

/// Where the program is. The tests can't do without it.
static PROGRAM: LazyLock<String> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bin/nats-server");
    let output = Command::new(&script).output().expect("`bin/nats-server` can be run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "there is no NATS server, and none could be installed: {errors}");
    String::from_utf8(output.stdout).expect("a path").trim().to_owned()
});

impl Server {
    /// Anybody may connect.
    pub fn start() -> Self {
        Self::with("")
    }

    /// With these lines in its configuration.
    pub fn with(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let jetstream = format!("jetstream {{ store_dir: \"{}\" }}\n", folder.path().display());
        Self::with_all_of(folder, format!("{jetstream}{config}"))
    }

    /// With these lines, and no JetStream.
    pub fn without_jetstream(config: &str) -> Self {
        Self::with_all_of(tempfile::tempdir().expect("a folder"), config.to_owned())
    }

    fn with_all_of(folder: TempDir, config: String) -> Self {
        let (process, port) = run(folder.path(), &config, -1);
        Self { process, folder, port, config }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Ends it at once, as `kill -9` does.
    pub fn kill(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it has ended");
    }

    /// Starts it again, on the same port and with what it has stored.
    pub fn restart(&mut self) {
        let (process, port) = run(self.folder.path(), &self.config, i32::from(self.port));
        assert_eq!(port, self.port);
        self.process = process;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a server, and returns when it takes connections.
fn run(folder: &Path, config: &str, port: i32) -> (Child, u16) {
    let file = folder.join("server.conf");
    std::fs::write(&file, format!("listen: \"127.0.0.1:{port}\"\n{config}")).expect("the folder takes a file");
    let mut process = Command::new(&*PROGRAM)
        .arg("--config")
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut lines = BufReader::new(process.stderr.take().expect("it was piped")).lines().map_while(Result::ok);
    let (mut port, mut log) = (None, String::new());
    for line in lines.by_ref() {
        if let Some((_, address)) = line.split_once("Listening for client connections on ") {
            port = address.rsplit(':').next().and_then(|port| port.parse().ok());
        }
        if line.contains("Server is ready") {
            break;
        }
        log.push_str(&line);
        log.push('\n');
    }
    let port = port.unwrap_or_else(|| panic!("the server did not start:\n{log}"));
    // It would wait for somebody to read what it says.
    thread::spawn(move || lines.for_each(drop));
    (process, port)
}
