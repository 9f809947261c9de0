//! An engine that can go away: a socket of our own before the engine's.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Relays connections to the engine's default socket until it is cut.
#[derive(Debug)]
pub struct Relay {
    path: PathBuf,
    cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<UnixStream>>>,
}

impl Relay {
    /// Begins to listen at this path.
    pub fn start(path: &Path) -> Relay {
        let _ = std::fs::remove_file(path);
        let listener = UnixListener::bind(path).expect("a socket to listen at");
        let relay = Relay {
            path: path.to_owned(),
            cut: Arc::default(),
            open: Arc::default(),
        };
        let (cut, open) = (Arc::clone(&relay.cut), Arc::clone(&relay.open));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if cut.load(Ordering::SeqCst) {
                    return;
                }
                let engine = UnixStream::connect(engine_socket()).expect("the engine");
                let copy = |stream: &UnixStream| stream.try_clone().expect("a second handle");
                open.lock()
                    .expect("the list")
                    .extend([copy(&client), copy(&engine)]);
                pump(copy(&client), copy(&engine));
                pump(engine, client);
            }
        });
        relay
    }

    /// The address for `--host`.
    pub fn address(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// The engine is gone: open connections break, and none can be made.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        let _ = std::fs::remove_file(&self.path);
        for stream in self.open.lock().expect("the list").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Copies one direction, until either end closes.
fn pump(mut from: UnixStream, mut to: UnixStream) {
    std::thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// Where the engine that is tested listens.
fn engine_socket() -> String {
    let named = std::env::var("DOCKER_HOST").ok();
    let socket = named
        .as_deref()
        .and_then(|host| host.strip_prefix("unix://"));
    socket.unwrap_or("/var/run/docker.sock").to_owned()
}
