use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Duration;

/// What becomes of bytes between a node and its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// They go through.
    Open,
    /// They go through later.
    Slow(Duration),
    /// They go nowhere, while the connection seems to be open on both sides.
    Dead,
    /// The connection is cut, and so is every new one.
    Cut,
}

/// Stands between a node and its server.
pub struct Proxy {
    address: SocketAddr,
    line: Arc<watch::Sender<Line>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let line = Arc::new(watch::Sender::new(Line::Open));
        let lines = Arc::clone(&line);
        let accepting = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if *lines.borrow() == Line::Cut {
                    continue;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::spawn(pass(near_in, far_out, lines.subscribe()));
                tokio::spawn(pass(far_in, near_out, lines.subscribe()));
            }
        });
        Self { address, line, accepting }
    }

    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut line: watch::Receiver<Line>) {
    let mut buffer = vec![0; 65_536];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            _ = line.wait_for(|line| *line == Line::Cut) => 0,
        };
        if read == 0 {
            return;
        }
        let now = *line.borrow();
        match now {
            Line::Open => {}
            Line::Slow(time) => tokio::time::sleep(time).await,
            // What was on its way stays there; the line is never the same again.
            Line::Dead => {
                let _ = line.wait_for(|line| *line == Line::Cut).await;
                return;
            }
            Line::Cut => return,
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
