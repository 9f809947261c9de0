use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use ureq::tls::{Certificate, RootCerts};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

/// A server that answers its first request by writing to its stream.
fn server_that(answer: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let _ = lines.map_while(Result::ok).find(String::is_empty);
        answer(stream);
    });
    format!("http://{address}/archive")
}

/// A server that answers its first request with these bytes.
fn server(answer: &'static str) -> String {
    server_that(|mut stream| {
        let _ = stream.write_all(answer.as_bytes());
    })
}

fn reason(result: Result<String, Fault>) -> String {
    match result {
        Ok(digest) => panic!("it was downloaded: {digest}"),
        Err(fault) => {
            assert!(!fault.may_pass, "{}", fault.reason);
            fault.reason
        }
    }
}

#[test]
fn an_archive_larger_than_the_limit_is_refused_before_it_is_downloaded() {
    let dir = tempfile::tempdir().unwrap();
    let address = server("HTTP/1.1 200 OK\r\nContent-Length: 4294967297\r\n\r\nx");
    let to = dir.path().join("archive");
    let found = attempt(&address, &to, PATIENCE, TlsConfig::default());
    assert_eq!(reason(found), "it is larger than 4 GiB");
    assert!(!to.exists());
}

/// A certificate of its own, for a server and for nothing else.
const CERTIFICATE_REQUEST: &str = "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n\
    [dn]\nCN=localhost\n[ext]\nsubjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n";

/// A server that answers over TLS with the files of a directory, as they are.
struct TlsServer {
    process: Child,
    dir: tempfile::TempDir,
    port: u16,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl TlsServer {
    fn start(files: &[(&str, String)]) -> TlsServer {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        std::fs::write(dir.path().join("request"), CERTIFICATE_REQUEST).unwrap();
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-config", "request", "-newkey", "rsa:2048", "-nodes",
            ])
            .args(["-days", "2", "-keyout", "key", "-out", "certificate"])
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = Command::new("openssl")
            .args([
                "s_server",
                "-HTTP",
                "-quiet",
                "-key",
                "key",
                "-cert",
                "certificate",
                "-accept",
            ])
            .arg(format!("127.0.0.1:{port}"))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(50));
        }
        TlsServer { process, dir, port }
    }

    fn download(&self, name: &str) -> Result<String, Fault> {
        let pem = std::fs::read(self.dir.path().join("certificate")).unwrap();
        let certificate = Certificate::from_pem(&pem).unwrap();
        let roots = RootCerts::Specific(std::sync::Arc::new(vec![certificate]));
        let tls = TlsConfig::builder().root_certs(roots).build();
        let address = format!("https://localhost:{}/{name}", self.port);
        attempt(&address, &self.dir.path().join("to"), PATIENCE, tls)
    }
}

#[test]
fn an_encrypted_download_never_continues_unencrypted() {
    let plain = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let found = |location: &str| {
        format!("HTTP/1.0 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
    };
    let server = TlsServer::start(&[
        (
            "whole",
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned(),
        ),
        ("elsewhere", found("/whole")),
        ("down", found(&plain)),
    ]);
    for name in ["whole", "elsewhere"] {
        let digest = server.download(name).map_err(|fault| fault.reason);
        assert!(
            digest
                .as_ref()
                .is_ok_and(|digest| digest.starts_with("2689367b205c16ce")),
            "{name}: {digest:?}"
        );
    }
    let refused = reason(server.download("down"));
    assert_eq!(
        refused,
        format!("the server redirects to {plain}, which is not encrypted")
    );
}

/// A server that sends a byte every 50 ms, without end.
fn trickling_server() -> String {
    server_that(|mut stream| {
        let mut bytes: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
        while stream.write_all(bytes).is_ok() {
            bytes = b"x";
            std::thread::sleep(Duration::from_millis(50));
        }
    })
}

#[test]
fn a_download_that_trickles_is_ended_by_the_timeout() {
    let dir = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let to = dir.path().join("archive");
    let patience = Duration::from_secs(1);
    let fault = attempt(&trickling_server(), &to, patience, TlsConfig::default()).unwrap_err();
    assert!(fault.may_pass);
    assert!(
        fault.reason.ends_with("bytes came in 1 s"),
        "{}",
        fault.reason
    );
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn a_download_ends_at_its_limit_however_steadily_it_comes() {
    let mut pace = Pace::new(PATIENCE, Duration::from_millis(300));
    let fault = loop {
        std::thread::sleep(Duration::from_millis(50));
        if let Err(fault) = pace.received(MIN_PROGRESS) {
            break fault;
        }
    };
    assert!(!fault.may_pass);
    assert!(fault.reason.contains("the limit of a download"));
}

#[test]
fn a_download_may_pause_within_the_timeout() {
    let mut pace = Pace::new(Duration::from_millis(200), PATIENCE);
    for _ in 0..4 {
        std::thread::sleep(pace.left());
        assert!(pace.received(MIN_PROGRESS).is_ok());
    }
    std::thread::sleep(pace.left());
    let fault = pace.received(0).unwrap_err();
    assert!(fault.reason.starts_with("nothing came"));
}
