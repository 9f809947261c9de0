//! Any bytes as the engine's answers: every call ends with a result or an error, without a panic.
//!
//! The input is cut at lines of `---8<---`. Each part answers one request; its first byte chooses
//! the HTTP status.
#![no_main]

use std::cell::LazyCell;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use slipway_engine::{BuildRequest, ConnectOptions, Engine, ExecSpec, connect};

const CUT: &[u8] = b"---8<---\n";
const STATUSES: [u16; 8] = [200, 201, 204, 304, 404, 409, 500, 101];
/// Bounds a call whose answer never ends.
const PATIENCE: Duration = Duration::from_secs(5);

/// The answers of one input that are left.
type Answers = Arc<Mutex<Vec<Vec<u8>>>>;

struct Target {
    runtime: tokio::runtime::Runtime,
    engine: Arc<dyn Engine>,
    answers: Answers,
    _directory: tempfile::TempDir,
}

thread_local! {
    static TARGET: LazyCell<Target> = LazyCell::new(target);
}

fn target() -> Target {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let socket = directory.path().join("engine.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let answers = Answers::default();
    let answers = answers.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let answers = answers.clone();
            std::thread::spawn(move || serve(stream.unwrap(), &answers));
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let options = ConnectOptions {
        host: Some(socket.display().to_string()),
        ..ConnectOptions::default()
    };
    let engine = runtime.block_on(connect(&options)).unwrap();
    Target {
        runtime,
        engine,
        answers,
        _directory: directory,
    }
}

/// Answers requests until the connection ends. Until the first input, it answers as Docker does.
fn serve(stream: UnixStream, answers: &Answers) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request).unwrap_or(0) == 0 {
            return;
        }
        // A client of HTTP 1.0 reads to the end of the connection.
        let is_last = request.contains("HTTP/1.0");
        let mut length = 0;
        let mut chunked = false;
        loop {
            let mut header = String::new();
            if reader.read_line(&mut header).unwrap_or(0) == 0 || header == "\r\n" {
                break;
            }
            let header = header.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            chunked |= header.starts_with("transfer-encoding: chunked");
        }
        let _ = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink());
        if chunked {
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap_or(0) > 0 && line != "0\r\n" {
                line.clear();
            }
        }
        let answer = if request.contains("/_ping") {
            b"\0OK".to_vec()
        } else if request.contains("/version") {
            b"\0{\"Version\":\"26.1.5\",\"ApiVersion\":\"1.45\",\"MinAPIVersion\":\"1.24\"}"
                .to_vec()
        } else {
            answers.lock().unwrap().pop().unwrap_or_default()
        };
        let (status, body) = match answer.split_first() {
            Some((first, body)) => (STATUSES[usize::from(first % 8)], body),
            None => (200, &[][..]),
        };
        let head = format!(
            "HTTP/1.1 {status} x\r\nContent-Type: application/json\r\nApi-Version: 1.45\r\nContent-Length: {}\r\n{}\r\n",
            body.len(),
            if status == 101 {
                "Connection: Upgrade\r\nUpgrade: tcp\r\n"
            } else {
                ""
            },
        );
        if writer
            .write_all(head.as_bytes())
            .and_then(|()| writer.write_all(body))
            .is_err()
            || is_last
            || status == 101
        {
            return;
        }
    }
}

/// Takes all of a stream.
macro_rules! drain {
    ($call:expr) => {
        if let Ok(mut stream) = $call {
            while stream.next().await.is_some() {}
        }
    };
}

async fn calls(engine: &dyn Engine) {
    let labels = ["managed_by=fuzz".to_owned()];
    let _ = engine.list_containers(&labels).await;
    let _ = engine.find_container("one").await;
    let _ = engine.check_health("one").await;
    let _ = engine.wait_container("one").await;
    drain!(engine.logs("one", Some(10), false).await);
    let exec = ExecSpec {
        command: vec!["true".to_owned()],
        ..ExecSpec::default()
    };
    let _ = engine.exec("one", &exec).await;
    drain!(engine.download("one", "/etc").await);
    let _ = engine.list_volumes().await;
    let _ = engine.find_image("one:1").await;
    let _ = engine.list_images(&labels).await;
    drain!(engine.pull_image("one:1").await);
    drain!(engine.push_image("localhost:1/one:1").await);
    let context = futures_util::stream::empty().boxed();
    drain!(engine.build_image(BuildRequest::default(), context).await);
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    TARGET.with(|target| {
        let mut parts = Vec::new();
        let mut rest = bytes;
        while let Some(at) = rest.windows(CUT.len()).position(|window| window == CUT) {
            parts.push(rest[..at].to_vec());
            rest = &rest[at + CUT.len()..];
        }
        parts.push(rest.to_vec());
        parts.reverse();
        *target.answers.lock().unwrap() = parts;
        let all = async { tokio::time::timeout(PATIENCE, calls(&*target.engine)).await };
        target.runtime.block_on(all).expect("a call does not end");
    });
});
