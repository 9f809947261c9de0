//! Builds with BuildKit, as Docker's API offers it: the context is in the body of the request, and
//! the progress comes as protocol buffers in the answer. The client library supports neither.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::{Request, Response, body::Incoming};
use serde::Deserialize;

use super::fault::{Call, chain};
use super::http::encoded;
use super::lines::LineCutter;
use super::progress::{Reporter, reported};
use super::protobuf;
use super::transport::Transport;
use crate::{BuildRequest, EngineError, Progress, Result, TarStream};

/// The way to the engine, and the version of its API in use.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) transport: Transport,
    pub(super) api_version: String,
}

/// The longest message of BuildKit that is read.
const LONGEST_MESSAGE: usize = 16 << 20;

/// Builds in a task of its own; dropping the stream closes the connection, which cancels the
/// build in the engine.
pub(super) fn build(
    endpoint: Endpoint,
    call: Call,
    request: BuildRequest,
    context: TarStream,
) -> BoxStream<'static, Result<Progress>> {
    reported(move |reporter| async move {
        let id = run(&endpoint, &call, &request, context, &reporter).await?;
        Ok(Progress::ImageId(id))
    })
}

async fn run(
    endpoint: &Endpoint,
    call: &Call,
    request: &BuildRequest,
    context: TarStream,
    reporter: &Reporter<Progress>,
) -> Result<String> {
    let response = send(endpoint, request, context)
        .await
        .map_err(|reason| call.lost(&reason))?;
    let status = response.status().as_u16();
    let mut body = response.into_body().into_data_stream();
    let mut cutter = LineCutter::up_to(LONGEST_MESSAGE);
    let mut reader = Reader::default();
    while let Some(bytes) = body.next().await {
        let bytes = bytes.map_err(|error| call.lost(&error.to_string()))?;
        for line in cutter.push(&bytes) {
            for said in reader.read(&line)? {
                reporter.report(Progress::Line(said)).await;
            }
        }
    }
    let rest = cutter.finish();
    if status != 200 {
        let message =
            rest.and_then(|text| Some(serde_json::from_str::<Refusal>(&text).ok()?.message));
        return Err(EngineError::Build {
            message: message.unwrap_or_else(|| format!("the engine answers {status}")),
        });
    }
    if let Some(line) = rest {
        for said in reader.read(&line)? {
            reporter.report(Progress::Line(said)).await;
        }
    }
    reader.image.ok_or_else(|| EngineError::Build {
        message: "the engine ended the build without naming an image".to_owned(),
    })
}

async fn send(
    endpoint: &Endpoint,
    request: &BuildRequest,
    context: TarStream,
) -> Result<Response<Incoming>, String> {
    let body = StreamBody::new(context.map_ok(Frame::data));
    let request = Request::post(format!("/build?{}", query(request)))
        .header("Content-Type", "application/x-tar")
        .body(body)
        .map_err(|error| error.to_string())?;
    let prefix = format!("/v{}", endpoint.api_version);
    let answer = endpoint.transport.send(&prefix, request).await;
    answer.map_err(|error| chain(&error))
}

fn query(request: &BuildRequest) -> String {
    let json = |map: &std::collections::BTreeMap<String, String>| {
        serde_json::to_string(map).unwrap_or_default()
    };
    let mut pairs = vec![
        ("version", "2".to_owned()),
        ("dockerfile", request.dockerfile.clone()),
        ("buildargs", json(&request.build_args)),
        ("labels", json(&request.labels)),
    ];
    pairs.extend(request.tags.iter().map(|tag| ("t", tag.clone())));
    if request.no_cache {
        pairs.push(("nocache", "1".to_owned()));
    }
    pairs.extend(request.network.clone().map(|mode| ("networkmode", mode)));
    pairs.extend(
        request
            .platform
            .clone()
            .map(|platform| ("platform", platform)),
    );
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    pairs.join("&")
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

/// One line of the answer.
#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    aux: Option<serde_json::Value>,
    error: Option<String>,
}

/// Turns BuildKit's messages into lines for people.
#[derive(Default)]
struct Reader {
    image: Option<String>,
    /// Digests of the steps that were shown.
    shown_steps: BTreeSet<String>,
    logs: LineCutter,
}

impl Reader {
    fn read(&mut self, line: &str) -> Result<Vec<String>> {
        let Ok(message) = serde_json::from_str::<Message>(line) else {
            return Ok(Vec::new());
        };
        if let Some(message) = message.error {
            return Err(EngineError::Build { message });
        }
        match (message.id.as_deref(), message.aux) {
            (Some("moby.image.id"), Some(aux)) => {
                self.image = aux.get("ID").and_then(|id| id.as_str()).map(str::to_owned);
                Ok(Vec::new())
            }
            (Some("moby.buildkit.trace"), Some(serde_json::Value::String(text))) => {
                Ok(self.trace(&STANDARD.decode(text).unwrap_or_default()))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The lines of a trace: `vertexes` (1: digest, 3: name, 5: started) and `logs` (4: bytes).
    fn trace(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for (field, value) in protobuf::fields(bytes) {
            let inner = protobuf::fields(value);
            match field {
                1 => {
                    let find = |wanted| inner.iter().find(|(field, _)| *field == wanted);
                    if let (Some((_, digest)), Some((_, name)), Some(_)) =
                        (find(1), find(3), find(5))
                        && self
                            .shown_steps
                            .insert(String::from_utf8_lossy(digest).into_owned())
                    {
                        lines.extend(self.logs.finish());
                        lines.push(String::from_utf8_lossy(name).into_owned());
                    }
                }
                3 => {
                    for (_, text) in inner.iter().filter(|(field, _)| *field == 4) {
                        lines.extend(self.logs.push(text));
                    }
                }
                _ => {}
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
    }

    #[test]
    fn steps_are_named_once_and_logs_cut_into_lines() {
        let step = [
            field(1, b"sha256:1"),
            field(3, b"[2/3] RUN x"),
            field(5, b""),
        ]
        .concat();
        let waits = [field(1, b"sha256:2"), field(3, b"[3/3] RUN y")].concat();
        let log = field(4, b"one\ntw");
        let trace = [field(1, &step), field(1, &waits), field(3, &log)].concat();
        let line = serde_json::json!({"id": "moby.buildkit.trace", "aux": STANDARD.encode(trace)});
        let mut reader = Reader::default();
        assert_eq!(
            reader.read(&line.to_string()).unwrap(),
            ["[2/3] RUN x", "one"]
        );
        assert_eq!(reader.read(&line.to_string()).unwrap(), ["twone"]);
    }

    #[test]
    fn the_end_is_an_image_or_an_error() {
        let mut reader = Reader::default();
        reader
            .read(r#"{"id":"moby.image.id","aux":{"ID":"sha256:a"}}"#)
            .unwrap();
        assert_eq!(reader.image.as_deref(), Some("sha256:a"));
        let error = reader.read(r#"{"error":"no"}"#).unwrap_err();
        assert_eq!(error.reason(), "no");
    }
}
