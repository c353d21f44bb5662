use super::server::{Server, free_ports};

/// Three servers that are one cluster, with JetStream on each.
pub struct Cluster {
    pub servers: Vec<Server>,
}

impl Cluster {
    pub fn start() -> Self {
        let routes = free_ports(3);
        let all: Vec<_> = routes.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect();
        let servers = routes.iter().enumerate().map(|(place, port)| {
            let cluster = format!("listen: \"127.0.0.1:{port}\", routes: [{}], no_advertise: true", all.join(", "));
            Server::with(&format!("server_name: s{place}\ncluster {{ name: tests, {cluster} }}\n"))
        });
        Self { servers: servers.collect() }
    }

    /// The addresses of all servers, beginning with that one.
    pub fn urls(&self, first: usize) -> String {
        let count = self.servers.len();
        let urls: Vec<_> = (0..count).map(|place| self.servers[(first + place) % count].url()).collect();
        urls.join(",")
    }
}
