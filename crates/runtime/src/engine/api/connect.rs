//! Finding the engine that answers.

use std::sync::Arc;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};

use super::ApiEngine;
use super::buildkit::Endpoint;
use super::fault::chain;
use crate::engine::locate::{Address, candidates};
use crate::engine::{ConnectOptions, Engine, EngineError, EngineInfo, EngineKind, Result};

/// How long a call that only looks something up may take to begin its answer.
const QUICK_SECONDS: u64 = 120;
/// Builds, waits and logs take as long as they take: a century is no limit.
const LONG_SECONDS: u64 = 100 * 365 * 24 * 3_600;

/// Connects to the first engine that answers, looking where the docker command looks and then
/// where Podman listens.
///
/// # Errors
/// [`EngineError::NotFound`] names every place tried and why it did not do.
pub async fn connect(options: &ConnectOptions) -> Result<Arc<dyn Engine>> {
    let mut tried = Vec::new();
    for candidate in candidates(options, &|name| std::env::var(name).ok()) {
        let address = match candidate.address {
            Ok(address) => address,
            Err(why) => {
                tried.push((candidate.origin, why));
                continue;
            }
        };
        match dial(&address, options.timeout).await {
            Ok(engine) => return Ok(Arc::new(engine)),
            Err(why) => tried.push((format!("{} at {address}", candidate.origin), why)),
        }
    }
    Err(EngineError::NotFound {
        tried,
        hint: "start one, or run scripts/engine, which finds or installs one; \
               DOCKER_HOST says where to look"
            .to_owned(),
    })
}

async fn dial(address: &Address, patience: Duration) -> Result<ApiEngine, String> {
    let client = match address {
        Address::Unix(path) => {
            Docker::connect_with_unix(&path.to_string_lossy(), QUICK_SECONDS, API_DEFAULT_VERSION)
        }
        Address::Tcp(host) => Docker::connect_with_http(host, QUICK_SECONDS, API_DEFAULT_VERSION),
    }
    .map_err(|why| match why {
        bollard::errors::Error::SocketNotFoundError(_) => "no such socket".to_owned(),
        other => chain(&other),
    })?;
    let answer = tokio::time::timeout(patience, greet(client)).await;
    let (client, version) =
        answer.map_err(|_| format!("no answer within {} s", patience.as_secs_f32()))??;
    let is_podman = version
        .components
        .iter()
        .flatten()
        .any(|component| component.name.contains("Podman"));
    let info = EngineInfo {
        kind: if is_podman {
            EngineKind::Podman
        } else {
            EngineKind::Docker
        },
        version: version.version.unwrap_or_default(),
        api_version: client.client_version().to_string(),
        address: address.to_string(),
    };
    let patient = client
        .clone()
        .with_timeout(Duration::from_secs(LONG_SECONDS));
    let endpoint = Endpoint {
        address: address.clone(),
        api_version: info.api_version.clone(),
    };
    Ok(ApiEngine {
        quick: client,
        patient,
        info,
        endpoint,
    })
}

/// Settles on an API version that both sides speak.
async fn greet(client: Docker) -> Result<(Docker, bollard::models::SystemVersion), String> {
    let client = client.negotiate_version().await.map_err(|e| chain(&e))?;
    let version = client.version().await.map_err(|e| chain(&e))?;
    Ok((client, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_socket_is_named_with_the_reason_and_the_way_out() {
        let options = ConnectOptions {
            host: Some("unix:///nonexistent/engine.sock".to_owned()),
            ..ConnectOptions::default()
        };
        let error = connect(&options).await.unwrap_err().to_string();
        assert!(error.contains("the host option at unix:///nonexistent/engine.sock"));
        assert!(error.contains("no such socket"));
        assert!(error.contains("scripts/engine"));
    }

    #[tokio::test]
    async fn a_socket_that_never_answers_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mute.sock");
        let _mute = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let options = ConnectOptions {
            host: Some(format!("unix://{}", path.display())),
            timeout: Duration::from_millis(50),
            ..ConnectOptions::default()
        };
        let error = connect(&options).await.unwrap_err().to_string();
        assert!(error.contains("no answer within"), "{error}");
    }
}
