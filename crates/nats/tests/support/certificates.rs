use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

/// An authority, a server's certificate and a client's, as files that are gone when this is dropped.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate");
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("a file");
        write("ca.pem", authority.pem());
        for name in ["server", "client"] {
            let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
            let key = KeyPair::generate().expect("a key");
            let certificate =
                CertificateParams::new(names).expect("names").signed_by(&key, &authority).expect("signed");
            write(&format!("{name}.pem"), certificate.pem());
            write(&format!("{name}-key.pem"), key.serialize_pem());
        }
        Self { folder }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A server's configuration with them, asking clients for theirs or not.
    pub fn config(&self, verify: bool) -> String {
        let path = |name| self.file(name).display().to_string();
        format!(
            "tls {{ cert_file: \"{}\", key_file: \"{}\", ca_file: \"{}\", verify: {verify} }}\n",
            path("server.pem"),
            path("server-key.pem"),
            path("ca.pem")
        )
    }
}
