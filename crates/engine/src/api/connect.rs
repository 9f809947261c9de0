//! Finding the engine that answers.

use std::sync::Arc;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, ClientVersion};

use super::buildkit::Endpoint;
use super::fault::chain;
use super::transport::Transport;
use super::{ApiEngine, http};
use crate::address::Address;
use crate::locate::candidates;
use crate::{ConnectOptions, Engine, EngineError, EngineInfo, Result};

/// The client library's own limit of a quick call. Deadlines of calls are shorter.
const QUICK_SECONDS: u64 = 600;
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
        match dial(&address, options).await {
            Ok(engine) => return Ok(crate::timed(engine, options)),
            Err(why) => tried.push((format!("{} at {address}", candidate.origin), why)),
        }
    }
    let is_forbidden = tried
        .iter()
        .any(|(_, why)| why.contains("Permission denied"));
    let hint = match is_forbidden {
        true => "use it as root, or as a user of its socket's group",
        false => {
            "start one, or run scripts/engine, which finds or installs one; \
             DOCKER_HOST says where to look"
        }
    };
    Err(EngineError::NotFound {
        tried,
        hint: hint.to_owned(),
    })
}

async fn dial(address: &Address, options: &ConnectOptions) -> Result<ApiEngine, String> {
    let transport = Transport::new(address)?;
    let patience = match address {
        Address::Unix(_) => options.timeout,
        // Names are looked up, and strangers greeted.
        Address::Tcp { .. } | Address::Ssh(_) => options.timeout * 10,
    };
    let info = tokio::time::timeout(patience, greet(&transport, address)).await;
    let mut info = info.map_err(|_| format!("no answer within {} s", patience.as_secs_f32()))??;
    if let Some(name) = options.name.as_ref().filter(|name| *name != info.name()) {
        return Err(format!("it is {}, and {name} is wanted", info.name()));
    }
    let version = common_version(&info.api_version);
    info.api_version = version.to_string();
    let client = transport.client(QUICK_SECONDS, &version);
    let client = client.map_err(|error| chain(&error))?;
    let patient = client
        .clone()
        .with_timeout(Duration::from_secs(LONG_SECONDS));
    Ok(ApiEngine {
        quick: client,
        patient,
        endpoint: Endpoint {
            transport,
            api_version: version.to_string(),
        },
        info,
    })
}

/// Pings an engine; the answer has its version. The version call would return the same,
/// and runs other programs for that.
async fn greet(transport: &Transport, address: &Address) -> Result<EngineInfo, String> {
    let answer = http::get(transport, "/_ping")
        .await
        .map_err(|why| match why.kind() {
            std::io::ErrorKind::NotFound => "no such socket".to_owned(),
            _ => why.to_string(),
        })?;
    let api_version = match answer.header("api-version") {
        Some(version) if answer.status == 200 => version.to_owned(),
        _ => return Err("the answer is not a container engine's".to_owned()),
    };
    let server = answer.header("server").unwrap_or_default();
    let (name, version) = server.split_once('/').unwrap_or((server, ""));
    let version = version.split(' ').next().unwrap_or_default();
    let address = address.to_string();
    Ok(match name {
        "Libpod" => EngineInfo::podman(version, &api_version, &address),
        _ => EngineInfo::docker(version, &api_version, &address),
    })
}

/// The newest API version that both sides speak.
fn common_version(theirs: &str) -> ClientVersion {
    let ours = *API_DEFAULT_VERSION;
    let number = |text: &str| text.parse::<usize>().ok();
    let theirs = theirs
        .split_once('.')
        .and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
    match theirs {
        Some((major, minor)) if (major, minor) < (ours.major_version, ours.minor_version) => {
            ClientVersion {
                major_version: major,
                minor_version: minor,
            }
        }
        _ => ours,
    }
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

    #[test]
    fn the_older_of_two_versions_is_spoken() {
        assert_eq!(common_version("1.41").to_string(), "1.41");
        let ours = API_DEFAULT_VERSION.to_string();
        assert_eq!(common_version("1.999").to_string(), ours);
        assert_eq!(common_version("new").to_string(), ours);
    }

    #[tokio::test]
    async fn a_socket_that_never_answers_times_out() {
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
