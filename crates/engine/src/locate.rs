//! The places where an engine may answer, in the order in which the docker command looks, then
//! Podman's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use slipway_events::Events;

use crate::address::{Address, TlsFiles};
use crate::{Event, Limits};

/// The engine to connect to, and the limits of its calls.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// `unix:///path`, an absolute path, `tcp://host[:port]` or `ssh://[user@]host[:port]`. Nothing
    /// else is tried when set.
    pub host: Option<String>,
    /// Name of a docker context. Nothing else is tried when set.
    pub context: Option<String>,
    /// Accept only an engine of this name (`docker` or `podman`).
    pub name: Option<String>,
    /// The time that one place on this machine has to answer. Places elsewhere have ten times as long.
    pub timeout: Duration,
    /// The deadlines of calls.
    pub limits: Limits,
    /// Hears of calls that take long.
    pub events: Events<Event>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        ConnectOptions {
            host: None,
            context: None,
            name: None,
            timeout: Duration::from_secs(3),
            limits: Limits::default(),
            events: Events::ignore(),
        }
    }
}

/// A place where an engine may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The setting that named it, for messages: `DOCKER_HOST`, `the default socket`, …
    pub(crate) origin: String,
    /// The address, or the reason why none can be tried.
    pub(crate) address: Result<Address, String>,
}

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The places to try. An explicit choice (option, DOCKER_HOST, context) is the only one: going on
/// to another engine would run things where nobody asked for them.
pub(crate) fn candidates(options: &ConnectOptions, env: Env<'_>) -> Vec<Candidate> {
    let env = |name: &str| env(name).filter(|value| !value.is_empty());
    if let Some(host) = &options.host {
        return vec![chosen("the host option", host, &env)];
    }
    if let Some(name) = &options.context {
        return vec![context("the context option", name, &env)];
    }
    if let Some(host) = env("DOCKER_HOST") {
        return vec![chosen("DOCKER_HOST", &host, &env)];
    }
    if let Some(name) = env("DOCKER_CONTEXT").filter(|name| name != "default") {
        return vec![context("DOCKER_CONTEXT", &name, &env)];
    }
    if env("DOCKER_CONTEXT").is_none() {
        match current_context(&env) {
            Ok(Some(name)) => return vec![context("the current docker context", &name, &env)],
            Ok(None) => {}
            Err(why) => {
                return vec![Candidate {
                    origin: "the docker configuration".to_owned(),
                    address: Err(why),
                }];
            }
        }
    }
    default_places(&env)
}

fn default_places(env: Env<'_>) -> Vec<Candidate> {
    let socket = |origin: &str, path: PathBuf| Candidate {
        origin: origin.to_owned(),
        address: Ok(Address::Unix(path)),
    };
    let runtime_dir = env("XDG_RUNTIME_DIR").map(PathBuf::from);
    let mut places = vec![socket("docker", "/var/run/docker.sock".into())];
    if let Some(dir) = &runtime_dir {
        places.push(socket("rootless docker", dir.join("docker.sock")));
    }
    if let Some(host) = env("CONTAINER_HOST") {
        places.push(Candidate {
            origin: "CONTAINER_HOST".to_owned(),
            address: Address::parse(&host, None),
        });
    }
    places.push(socket("podman", "/run/podman/podman.sock".into()));
    if let Some(dir) = &runtime_dir {
        places.push(socket("rootless podman", dir.join("podman/podman.sock")));
    }
    places
}

fn chosen(origin: &str, host: &str, env: Env<'_>) -> Candidate {
    Candidate {
        origin: origin.to_owned(),
        address: Address::parse(host, tls_of_environment(env)),
    }
}

/// TLS as the environment asks for it: verified with DOCKER_TLS_VERIFY, or at least encrypted with
/// DOCKER_TLS; its files are in DOCKER_CERT_PATH, or beside the docker configuration.
fn tls_of_environment(env: Env<'_>) -> Option<TlsFiles> {
    let verify = env("DOCKER_TLS_VERIFY").is_some();
    if !verify && env("DOCKER_TLS").is_none() {
        return None;
    }
    let directory = env("DOCKER_CERT_PATH")
        .map(PathBuf::from)
        .or_else(|| docker_config_dir(env));
    Some(TlsFiles::in_directory(
        &directory.unwrap_or_default(),
        verify,
    ))
}

fn docker_config_dir(env: Env<'_>) -> Option<PathBuf> {
    env("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| env("HOME").map(|home| Path::new(&home).join(".docker")))
}

fn current_context(env: Env<'_>) -> Result<Option<String>, String> {
    let Some(file) = docker_config_dir(env).map(|dir| dir.join("config.json")) else {
        return Ok(None);
    };
    let Ok(text) = slipway_files::read_input(&file) else {
        return Ok(None);
    };
    let config: serde_json::Value =
        serde_json::from_str(&text).map_err(|why| format!("{}: {why}", file.display()))?;
    let name = config.get("currentContext").and_then(|name| name.as_str());
    Ok(name
        .filter(|name| !name.is_empty() && *name != "default")
        .map(str::to_owned))
}

fn context(origin: &str, name: &str, env: Env<'_>) -> Candidate {
    Candidate {
        origin: format!("{origin} {name}"),
        address: context_address(name, env),
    }
}

fn context_address(name: &str, env: Env<'_>) -> Result<Address, String> {
    if name == "default" {
        return Ok(Address::Unix("/var/run/docker.sock".into()));
    }
    let dir = docker_config_dir(env).ok_or("neither DOCKER_CONFIG nor HOME is set")?;
    let id = hex::encode(Sha256::digest(name.as_bytes()));
    let file = dir.join("contexts/meta").join(&id).join("meta.json");
    let text = slipway_files::read_input(&file)
        .map_err(|why| format!("no such context ({}: {why})", file.display()))?;
    let meta: serde_json::Value =
        serde_json::from_str(&text).map_err(|why| format!("{}: {why}", file.display()))?;
    let host = meta
        .pointer("/Endpoints/docker/Host")
        .and_then(|host| host.as_str())
        .ok_or_else(|| format!("{}: no Endpoints.docker.Host", file.display()))?;
    let skip_verify = meta.pointer("/Endpoints/docker/SkipTLSVerify");
    let verify = skip_verify.and_then(|skip| skip.as_bool()) != Some(true);
    let directory = dir.join("contexts/tls").join(&id).join("docker");
    let has_tls = directory.is_dir() || !verify;
    let tls = has_tls.then(|| TlsFiles::in_directory(&directory, verify));
    Address::parse(host, tls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn found(options: &ConnectOptions, env: &[(&str, &str)]) -> Vec<String> {
        let env: BTreeMap<String, String> = env
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        candidates(options, &|name| env.get(name).cloned())
            .into_iter()
            .map(|candidate| match candidate.address {
                Ok(address) => address.to_string(),
                Err(why) => format!("! {why}"),
            })
            .collect()
    }

    #[test]
    fn default_places_end_with_podman() {
        let places = found(
            &ConnectOptions::default(),
            &[("XDG_RUNTIME_DIR", "/run/user/7"), ("DOCKER_CONTEXT", "")],
        );
        assert_eq!(
            places,
            [
                "unix:///var/run/docker.sock",
                "unix:///run/user/7/docker.sock",
                "unix:///run/podman/podman.sock",
                "unix:///run/user/7/podman/podman.sock",
            ]
        );
    }

    #[test]
    fn an_explicit_choice_is_the_only_place() {
        let env = [
            ("DOCKER_HOST", "tcp://there"),
            ("DOCKER_CONTEXT", "elsewhere"),
        ];
        assert_eq!(
            found(&ConnectOptions::default(), &env),
            ["tcp://there:2375"]
        );
        let options = ConnectOptions {
            host: Some("/tmp/e.sock".to_owned()),
            ..ConnectOptions::default()
        };
        assert_eq!(found(&options, &env), ["unix:///tmp/e.sock"]);
    }

    #[test]
    fn the_environment_asks_for_tls() {
        let env = [("DOCKER_HOST", "tcp://there"), ("DOCKER_TLS_VERIFY", "1")];
        let places = found(&ConnectOptions::default(), &env);
        assert_eq!(places, ["tcp://there:2376"]);
        let env = [
            ("DOCKER_HOST", "ssh://me@there"),
            ("DOCKER_TLS_VERIFY", "1"),
        ];
        let places = found(&ConnectOptions::default(), &env);
        assert_eq!(places, ["ssh://me@there"]);
    }

    #[test]
    fn the_current_context_is_looked_up_by_the_hash_of_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().to_str().unwrap();
        std::fs::write(
            dir.path().join("config.json"),
            r#"{"currentContext": "lab"}"#,
        )
        .unwrap();
        let missing = found(&ConnectOptions::default(), &[("DOCKER_CONFIG", config)]);
        assert!(missing[0].starts_with("! no such context"), "{missing:?}");

        let meta = dir
            .path()
            .join("contexts/meta")
            .join(hex::encode(Sha256::digest(b"lab")));
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            r#"{"Name":"lab","Endpoints":{"docker":{"Host":"unix:///lab.sock"}}}"#,
        )
        .unwrap();
        assert_eq!(
            found(&ConnectOptions::default(), &[("DOCKER_CONFIG", config)]),
            ["unix:///lab.sock"]
        );
    }
}
