use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::thread;

use tempfile::TempDir;

/// A server on a free port of this machine, with JetStream in a folder of its own. It is killed when this is dropped, or the
/// process ends.
pub struct Server {
    keeper: Child,
    pid: String,
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
        let (keeper, pid, port) = run(folder.path(), &config, -1);
        Self { keeper, pid, folder, port, config }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.signal("KILL");
        self.keeper.wait().expect("it has ended");
    }

    /// Has it stand still, with all its connections open.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Has it go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    /// Starts it again, on the same port and with what it has stored.
    pub fn restart(&mut self) {
        let (keeper, pid, port) = run(self.folder.path(), &self.config, i32::from(self.port));
        assert_eq!(port, self.port);
        (self.keeper, self.pid) = (keeper, pid);
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(&self.pid).status();
        assert!(sent.expect("`kill` can be run").success());
    }
}

/// Ports that nobody has just now.
pub fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    listeners.iter().map(|listener| listener.local_addr().expect("it is bound").port()).collect()
}

/// Runs the server until it ends, or this end of its input is closed: so it never outlives the test, however that ends.
const KEEPER: &str = r#"
"$0" --config "$1" </dev/null & server=$!
echo "process $server" >&2
{ read -r _; kill -9 $server; } <&3 2>/dev/null & watcher=$!
wait $server
kill $watcher
"#;

/// Starts a server, and returns when it takes connections.
fn run(folder: &Path, config: &str, port: i32) -> (Child, String, u16) {
    let file = folder.join("server.conf");
    std::fs::write(&file, format!("listen: \"127.0.0.1:{port}\"\n{config}")).expect("the folder takes a file");
    let mut keeper = Command::new("sh")
        .arg("-c")
        .arg(format!("exec 3<&0; {KEEPER}"))
        .arg(&*PROGRAM)
        .arg(&file)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut lines = BufReader::new(keeper.stderr.take().expect("it was piped")).lines().map_while(Result::ok);
    let (mut pid, mut port, mut log) = (String::new(), None, String::new());
    for line in lines.by_ref() {
        if let Some(number) = line.strip_prefix("process ") {
            number.clone_into(&mut pid);
        }
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
    (keeper, pid, port)
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed before.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
