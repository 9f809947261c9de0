//! Single requests in HTTP 1.0, for calls that the client library lacks or whose answer must be
//! bounded.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::fault::Call;
use super::transport::Transport;
use crate::EngineError;

/// Answers larger than this are rejected. A list of a thousand containers with all their labels has
/// a tenth of it.
const LARGEST: usize = 64 << 20;

/// The largest head of an answer, in bytes.
const LARGEST_HEAD: usize = 64 << 10;

/// The end of the headers.
const END: &str = "\r\n\r\n";

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    text: String,
    /// Positions in `text` where the headers end and the body begins.
    head: usize,
    body: usize,
}

impl Answer {
    /// A header's value, by its name in lower case.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let head = &self.text[..self.head];
        let fields = head.lines().filter_map(|line| line.split_once(':'));
        fields
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .next()
    }

    /// The body.
    fn body(&self) -> &str {
        &self.text[self.body..]
    }
}

/// Requests a path, and reads the answer as JSON.
pub(super) async fn json<T: DeserializeOwned>(
    call: &Call,
    transport: &Transport,
    path: &str,
    patience: Duration,
) -> Result<T, EngineError> {
    let answer = tokio::time::timeout(patience, get(transport, path)).await;
    let answer = answer
        .map_err(|_| call.lost("no answer in time"))?
        .map_err(|why| call.lost(&why.to_string()))?;
    if answer.status != 200 {
        let refusal: Option<serde_json::Value> = serde_json::from_str(answer.body()).ok();
        let message = refusal
            .as_ref()
            .and_then(|refusal| refusal["message"].as_str());
        return Err(EngineError::Refused {
            action: call.action.clone(),
            status: answer.status,
            message: message.unwrap_or(answer.body().trim()).to_owned(),
        });
    }
    serde_json::from_str(answer.body()).map_err(|why| EngineError::Answer {
        action: call.action.clone(),
        message: why.to_string(),
    })
}

/// Encodes a string as a part of a query.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// Requests a path.
pub(super) async fn get(transport: &Transport, path: &str) -> std::io::Result<Answer> {
    exchange(transport.connect().await?, path).await
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    path: &str,
) -> std::io::Result<Answer> {
    // In HTTP 1.0 an answer ends where the connection does, or after the length that it has announced.
    let request = format!("GET {path} HTTP/1.0\r\nHost: engine\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut bytes = Vec::new();
    read_bounded(stream, &mut bytes, LARGEST).await?;
    let text = String::from_utf8(bytes);
    let text = text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    parse(text).ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidData,
            "the answer is not a container engine's",
        )
    })
}

async fn read_bounded(
    mut stream: impl AsyncRead + Unpin,
    bytes: &mut Vec<u8>,
    largest: usize,
) -> std::io::Result<()> {
    let mut end = None;
    while end.is_none_or(|end| bytes.len() < end) {
        match stream.read_buf(bytes).await {
            // Some engines end the connection without TLS's own farewell.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof && !bytes.is_empty() => break,
            Err(error) => return Err(error),
            Ok(0) => break,
            Ok(_) => {}
        }
        if bytes.len() > largest {
            return Err(Error::other(format!(
                "the engine's answer is larger than {} MiB",
                largest >> 20
            )));
        }
        if end.is_none() {
            end = announced_end(bytes);
        }
    }
    Ok(())
}

/// Returns the length of an answer whose head is there and announces it.
fn announced_end(bytes: &[u8]) -> Option<usize> {
    // Only the head is looked at, however large the rest is.
    let start = &bytes[..bytes.len().min(LARGEST_HEAD)];
    let head = start
        .windows(END.len())
        .position(|window| window == END.as_bytes())?;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then_some(value.trim())
    })?;
    (head + END.len()).checked_add(length.parse().ok()?)
}

fn parse(text: String) -> Option<Answer> {
    let head = text.find(END)?;
    let status = text[..head].strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    Some(Answer {
        status: status.parse().ok()?,
        head,
        body: head + END.len(),
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_without_end_is_refused() {
        let mut bytes = Vec::new();
        let error = read_bounded(tokio::io::repeat(b'x'), &mut bytes, 1 << 20).await;
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "the engine's answer is larger than 1 MiB");
    }

    #[tokio::test]
    async fn an_answer_ends_at_its_announced_length_though_the_connection_stays() {
        let (mut engine, ours) = tokio::io::duplex(1 << 10);
        let answer = b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH: 2\r\n\r\nOK";
        engine.write_all(answer).await.unwrap();
        let mut bytes = Vec::new();
        read_bounded(ours, &mut bytes, LARGEST).await.unwrap();
        assert_eq!(bytes, answer);
    }

    #[test]
    fn answers_are_parsed() {
        let text = "HTTP/1.0 200 OK\r\nApi-Version: 1.41\r\nserver: Docker/20 (linux)\r\n\r\nOK";
        let answer = parse(text.to_owned()).unwrap();
        assert_eq!((answer.status, answer.body()), (200, "OK"));
        assert_eq!(answer.header("api-version"), Some("1.41"));
        assert_eq!(answer.header("server"), Some("Docker/20 (linux)"));
        assert_eq!(answer.header("date"), None);
        for wrong in ["", "SSH-2.0\r\n\r\n", "HTTP/1.1 x\r\n\r\n"] {
            assert!(parse(wrong.to_owned()).is_none(), "{wrong}");
        }
    }
}
