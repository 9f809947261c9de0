//! An engine of a newer API version: a proxy before the engine of this machine.
//!
//! It behaves as the published descriptions of the Docker Engine API say of the versions since 1.44:
//!
//! - It announces its newest version, and rejects requests for versions below 1.44 with status 400.
//!   A request without a version is rejected too: such requests get whichever version the engine
//!   likes best, so a client that negotiated one must not make any.
//! - Answers lack the fields that these versions dropped: `VirtualSize` of images since 1.44,
//!   `Container`, `ContainerConfig` and `DockerVersion` of images since 1.45, the addresses outside
//!   of `Networks` since 1.52.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::relay::{engine_socket, join};

/// The versions that are announced.
const NEWEST: (u32, u32) = (1, 52);
const OLDEST: (u32, u32) = (1, 44);

/// Fields of answers that the newest versions no longer have.
const DROPPED: [&str; 8] = [
    "VirtualSize",
    "Container",
    "ContainerConfig",
    "DockerVersion",
    "Parent",
    "IPAddress",
    "Gateway",
    "MacAddress",
];

/// The proxy, for as long as it lives and after.
#[derive(Debug)]
pub struct NewerApi {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl NewerApi {
    /// Starts to listen at this path. The engine behind it speaks `version` of the API.
    pub fn start(path: &Path, version: &str) -> NewerApi {
        let listener = UnixListener::bind(path).expect("a socket to listen at");
        let proxy = NewerApi {
            address: format!("unix://{}", path.display()),
            requests: Arc::default(),
        };
        let (requests, version) = (Arc::clone(&proxy.requests), version.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (requests, version) = (Arc::clone(&requests), version.clone());
                std::thread::spawn(move || serve(client, &requests, &version));
            }
        });
        proxy
    }

    /// The address to connect to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The request lines so far.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("the list").clone()
    }
}

/// Serves the one request of a connection.
fn serve(mut client: UnixStream, requests: &Mutex<Vec<String>>, version: &str) {
    let Some(head) = head(&mut client) else {
        return;
    };
    let (line, headers) = head.split_once("\r\n").expect("a request line");
    requests.lock().expect("the list").push(line.to_owned());
    let mut words = line.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    if path.ends_with("/_ping") {
        let (major, minor) = NEWEST;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nApi-Version: {major}.{minor}\r\nServer: Docker/29.0.0 (linux)\r\n\
             Content-Length: 2\r\nConnection: close\r\n\r\nOK"
        );
        let _ = client.write_all(answer.as_bytes());
        return;
    }
    let Some(rest) = supported(path) else {
        let message =
            format!("client version of {path} is too old. Minimum supported API version is 1.44");
        refuse(&mut client, &message);
        return;
    };
    let mut engine = UnixStream::connect(engine_socket()).expect("the engine");
    let is_document =
        method == "GET" && rest.split('?').next().is_some_and(|p| p.ends_with("/json"));
    let protocol = match is_document {
        // Its answer ends with the connection, in one piece.
        true => "HTTP/1.0",
        false => "HTTP/1.1",
    };
    let request = format!("{method} /v{version}{rest} {protocol}\r\n{headers}");
    engine.write_all(request.as_bytes()).expect("the engine");
    match is_document {
        true => document(client, engine),
        false => join(client, engine),
    }
}

/// The head of a request, with the empty line that ends it.
fn head(client: &mut UnixStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

/// The path without its version, where that is supported.
fn supported(path: &str) -> Option<&str> {
    let (version, _) = path.strip_prefix("/v")?.split_once('/')?;
    let (major, minor) = version.split_once('.')?;
    let version_number = (major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?);
    let is_supported = (OLDEST..=NEWEST).contains(&version_number);
    is_supported.then(|| &path[2 + version.len()..])
}

fn refuse(client: &mut UnixStream, message: &str) {
    let body = serde_json::json!({ "message": message }).to_string();
    let answer = format!(
        "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = client.write_all(answer.as_bytes());
}

/// Passes an answer on without the fields that were dropped.
fn document(mut client: UnixStream, mut engine: UnixStream) {
    let mut answer = Vec::new();
    engine.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.expect("a head") + 4);
    let head = String::from_utf8_lossy(head).into_owned();
    let body = match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            drop_fields(&mut value);
            value.to_string().into_bytes()
        }
        Err(_) => body.to_vec(),
    };
    let status = head.lines().next().unwrap_or_default();
    let answer = format!(
        "{status}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let _ = client.write_all(answer.as_bytes());
    let _ = client.write_all(&body);
}

fn drop_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !DROPPED.contains(&name.as_str()));
            fields.values_mut().for_each(drop_fields);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_fields),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
