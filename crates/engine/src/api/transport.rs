//! How requests get to the engine: each on a connection of its own.

use std::error::Error as StdError;

use bollard::errors::Error;
use bollard::{BollardRequest, ClientVersion, Docker};
use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::locate::Address;

/// How much of an answer is read at once. Of what builds print, hyper by itself collects 400 KB for
/// each of them.
const READ: usize = 16 * 1024;

/// The client library on top of it.
pub(super) fn client(
    address: &Address,
    seconds: u64,
    version: &ClientVersion,
) -> Result<Docker, Error> {
    let address = address.clone();
    let transport = move |request: BollardRequest| {
        let address = address.clone();
        async move { send(&address, request).await }
    };
    Docker::connect_with_custom_transport(transport, Some("http://engine"), seconds, version)
}

/// Sends a request. The connection ends when the answer has been read or nobody wants it any more.
pub(super) async fn send<B>(
    address: &Address,
    mut request: Request<B>,
) -> Result<Response<Incoming>, Error>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    if let Some(path) = request.uri().path_and_query() {
        *request.uri_mut() = Uri::from(path.clone());
    }
    let host = match address {
        Address::Unix(_) => HeaderValue::from_static("engine"),
        Address::Tcp(host) => HeaderValue::from_str(host).map_err(hyper::http::Error::from)?,
    };
    request.headers_mut().insert(HOST, host);
    match address {
        Address::Unix(path) => talk(UnixStream::connect(path).await?, request).await,
        Address::Tcp(host) => talk(TcpStream::connect(host).await?, request).await,
    }
}

async fn talk<B>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<B>,
) -> Result<Response<Incoming>, Error>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(READ)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::spawn(connection.with_upgrades());
    Ok(sender.send_request(request).await?)
}
