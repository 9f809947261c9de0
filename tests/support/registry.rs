//! A real registry, behind TLS and a password.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Workspace, repository, run};

/// A registry for one test. Stopped on drop.
#[derive(Debug)]
pub struct Registry {
    process: Child,
    port: u16,
    data: PathBuf,
}

/// The password of the registry's user.
pub const PASSWORD: &str = "s3cret-of-the-registry";

impl Registry {
    /// Starts a registry whose only user is `builder`.
    pub fn start(workspace: &Workspace) -> Registry {
        let directory = workspace.path("registry");
        let data = directory.join("data");
        fs::create_dir_all(&data).expect("a directory");
        let program = registry_program();
        let port = free_port();
        let certificate = [
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ];
        let mut openssl = Command::new("openssl");
        run(openssl.args(certificate).current_dir(&directory)).exits(0);
        // The registry accepts only bcrypt.
        let script = "print crypt($ARGV[0], '$2b$05$abcdefghijklmnopqrstuu')";
        let mut perl = Command::new("perl");
        let hash = run(perl.args(["-e", script, PASSWORD])).exits(0).out;
        fs::write(directory.join("htpasswd"), format!("builder:{hash}\n")).expect("a file");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {data}}}}}\n\
             http:\n  addr: 127.0.0.1:{port}\n  tls: {{certificate: {directory}/cert.pem, key: {directory}/key.pem}}\n\
             auth: {{htpasswd: {{realm: test, path: {directory}/htpasswd}}}}\n",
            data = data.display(),
            directory = directory.display(),
        );
        fs::write(directory.join("config.yml"), config).expect("a file");
        let process = Command::new(program)
            .args(["serve", "config.yml"])
            .current_dir(&directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the registry starts");
        let registry = Registry {
            process,
            port,
            data,
        };
        let end = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the registry does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        registry
    }

    /// Returns its name in image references.
    pub fn name(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns the digest of a tag.
    pub fn digest(&self, image: &str, tag: &str) -> Option<String> {
        let link =
            format!("docker/registry/v2/repositories/{image}/_manifests/tags/{tag}/current/link");
        fs::read_to_string(self.data.join(link)).ok()
    }
}

impl Registry {
    /// Returns the digests of a repository's stored layers and configurations.
    pub fn layers(&self, image: &str) -> Vec<String> {
        let directory = format!("docker/registry/v2/repositories/{image}/_layers/sha256");
        let entries = fs::read_dir(self.data.join(directory));
        let names = entries.into_iter().flatten().filter_map(Result::ok);
        names
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }

    /// Fails the test unless every stored blob has the digest that names it.
    pub fn check(&self) {
        let script = "for f in */*/data; do sha256sum \"$f\"; done";
        let mut sums = Command::new("sh");
        let blobs = self.data.join("docker/registry/v2/blobs/sha256");
        let sums = run(sums.args(["-c", script]).current_dir(blobs))
            .exits(0)
            .out;
        assert!(!sums.is_empty());
        for line in sums.lines() {
            let (sum, path) = line.split_once("  ").expect("a sum and a path");
            assert!(path.contains(sum), "{line}");
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns Debian's docker-registry: the installed one, or the package's, unpacked under target/.
fn registry_program() -> PathBuf {
    let installed = Path::new("/usr/bin/docker-registry");
    if installed.exists() {
        return installed.to_owned();
    }
    let directory = repository().join("target/docker-registry");
    let program = directory.join("usr/bin/docker-registry");
    if !program.exists() {
        fs::create_dir_all(&directory).expect("a directory");
        let mut apt = Command::new("apt-get");
        run(apt
            .args(["download", "docker-registry"])
            .current_dir(&directory))
        .exits(0);
        let package = fs::read_dir(&directory)
            .expect("the directory")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .expect("the package");
        let mut dpkg = Command::new("dpkg-deb");
        run(dpkg.arg("-x").arg(package).arg(&directory)).exits(0);
    }
    program
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Writes the credentials for a registry to where `docker login` stores them.
pub fn login(workspace: &Workspace, registry: &str, password: &str) {
    let mut base64 = Command::new("base64");
    let mut child = base64
        .arg("-w0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("base64");
    let text = format!("builder:{password}");
    child
        .stdin
        .take()
        .expect("its input")
        .write_all(text.as_bytes())
        .expect("written");
    let auth = child.wait_with_output().expect("its output").stdout;
    let auth = String::from_utf8_lossy(&auth);
    let config = format!(
        "{{\"auths\": {{\"{}\": {{\"auth\": \"{auth}\"}}}}}}",
        registry
    );
    workspace.write("docker/config.json", &config);
}
