//! A relay before the engine that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Relays connections to the engine's socket until it is cut.
#[derive(Debug)]
pub struct Relay {
    path: PathBuf,
    cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<UnixStream>>>,
}

impl Relay {
    /// Starts to listen at this path.
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
                open.lock()
                    .expect("the list")
                    .extend([client.copy(), engine.copy()]);
                join(client, engine);
            }
        });
        relay
    }

    /// The address for `--host`.
    pub fn address(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// Cuts the relay: open connections break, and no new ones are accepted.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        let _ = std::fs::remove_file(&self.path);
        for stream in self.open.lock().expect("the list").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A connection that two threads use at once.
pub(crate) trait Link: Read + Write + Send + 'static {
    fn copy(&self) -> Self;
    fn end(&self, how: Shutdown);
}

impl Link for UnixStream {
    fn copy(&self) -> UnixStream {
        self.try_clone().expect("a second handle")
    }

    fn end(&self, how: Shutdown) {
        let _ = self.shutdown(how);
    }
}

impl Link for TcpStream {
    fn copy(&self) -> TcpStream {
        self.try_clone().expect("a second handle")
    }

    fn end(&self, how: Shutdown) {
        let _ = self.shutdown(how);
    }
}

/// Joins two connections, both ways, until they end.
pub(crate) fn join<A: Link, B: Link>(one: A, other: B) {
    pump(one.copy(), other.copy());
    pump(other, one);
}

/// Copies one direction, until either end closes.
fn pump<A: Link, B: Link>(mut from: A, mut to: B) {
    std::thread::spawn(move || {
        let mut buffer = [0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        to.end(Shutdown::Write);
    });
}

/// The socket of the engine under test.
pub(crate) fn engine_socket() -> String {
    let named = std::env::var("DOCKER_HOST").ok();
    let socket = named
        .as_deref()
        .and_then(|host| host.strip_prefix("unix://"));
    socket.unwrap_or("/var/run/docker.sock").to_owned()
}
