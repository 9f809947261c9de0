//! Connections to the engine: each request has one of its own.

use std::error::Error as StdError;
use std::sync::Arc;

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
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{ssh, tls};
use crate::address::Address;

/// The number of bytes of an answer that are read at once. By itself, hyper collects 400 KB of the
/// output of each build.
const READ: usize = 16 * 1024;

/// Bytes both ways.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The way to an engine.
#[derive(Clone)]
pub(super) struct Transport {
    address: Address,
    tls: Option<Arc<TlsConnector>>,
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transport")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// Reads the certificates that the address needs. Does not connect.
    pub(super) fn new(address: &Address) -> Result<Transport, String> {
        let tls = match address {
            Address::Tcp {
                tls: Some(files), ..
            } => Some(Arc::new(tls::connector(files)?)),
            Address::Tcp { tls: None, .. } | Address::Unix(_) | Address::Ssh(_) => None,
        };
        Ok(Transport {
            address: address.clone(),
            tls,
        })
    }

    /// Connects.
    pub(super) async fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        match &self.address {
            Address::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            Address::Tcp { host, port, .. } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await?;
                stream.set_nodelay(true)?;
                match &self.tls {
                    None => Ok(Box::new(stream)),
                    Some(tls) => {
                        let name = ServerName::try_from(host.clone());
                        let name = name.map_err(std::io::Error::other)?;
                        Ok(Box::new(tls.connect(name, stream).await?))
                    }
                }
            }
            Address::Ssh(target) => Ok(Box::new(ssh::connect(target)?)),
        }
    }

    /// The client library on top of it. It leaves the version out of its paths.
    pub(super) fn client(&self, seconds: u64, version: &ClientVersion) -> Result<Docker, Error> {
        let this = self.clone();
        let prefix = format!("/v{version}");
        let transport = move |request: BollardRequest| {
            let (this, prefix) = (this.clone(), prefix.clone());
            async move { this.send(&prefix, request).await }
        };
        Docker::connect_with_custom_transport(transport, Some("http://engine"), seconds, version)
    }

    /// Sends a request, its path under `prefix`. The connection ends when the answer has been read
    /// or nobody wants it any more.
    pub(super) async fn send<B>(
        &self,
        prefix: &str,
        mut request: Request<B>,
    ) -> Result<Response<Incoming>, Error>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        if let Some(path) = request.uri().path_and_query() {
            let has_prefix = path.as_str().starts_with(&format!("{prefix}/"));
            let path = match has_prefix {
                true => path.as_str().to_owned(),
                false => format!("{prefix}{path}"),
            };
            let uri: Result<Uri, _> = path.parse();
            *request.uri_mut() = uri.map_err(hyper::http::Error::from)?;
        }
        let host = match &self.address {
            Address::Unix(_) | Address::Ssh(_) => HeaderValue::from_static("engine"),
            tcp @ Address::Tcp { .. } => {
                let host = tcp.to_string();
                let host = host.strip_prefix("tcp://").unwrap_or(&host);
                HeaderValue::from_str(host).map_err(hyper::http::Error::from)?
            }
        };
        request.headers_mut().insert(HOST, host);
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(READ)
            .handshake(TokioIo::new(self.connect().await?))
            .await?;
        tokio::spawn(connection.with_upgrades());
        Ok(sender.send_request(request).await?)
    }
}
