//! Credentials as `docker login` stores them: in `config.json`, or with a helper.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::auth::DockerCredentials;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::environment;
use super::reference::named_registry;

/// The name of Docker Hub among credentials.
const HUB: &str = "https://index.docker.io/v1/";

/// The deadline of a helper. Some ask a person for a password first.
const PATIENCE: Duration = Duration::from_secs(100);

/// The number of characters shown of a helper's error message.
const SHOWN: usize = 200;

/// Variables that helpers need beside those that every child gets: where keys, password stores and
/// cloud accounts are found.
const VARIABLES: &[&str] = &[
    "DOCKER_CONFIG",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "GNUPGHOME",
    "GPG_TTY",
    "PASSWORD_STORE_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "CLOUDSDK_CONFIG",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "AZURE_CONFIG_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
];

/// The reason why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub(super) enum CredentialError {
    /// `config.json` cannot be read.
    #[error("{}: {message}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The reason.
        message: String,
    },
    /// A credential helper failed.
    #[error("credential helper docker-credential-{helper}, for {registry}: {message}")]
    Helper {
        /// The helper's name.
        helper: String,
        /// The registry it was asked about.
        registry: String,
        /// Its error message.
        message: String,
    },
}

/// The credentials for one registry.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    registry: String,
    username: Option<String>,
    password: Option<String>,
    identity_token: Option<String>,
}

/// Shows no secret.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("registry", &self.registry)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

impl From<Credentials> for DockerCredentials {
    fn from(known: Credentials) -> DockerCredentials {
        DockerCredentials {
            username: known.username,
            password: known.password,
            identitytoken: known.identity_token,
            serveraddress: Some(known.registry),
            ..DockerCredentials::default()
        }
    }
}

/// Returns true if `docker login` stored credentials for the registry of an image's reference.
///
/// # Errors
/// The docker configuration cannot be read, or a credential helper fails.
pub async fn has_login(reference: &str) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    Ok(for_image(reference).await?.is_some())
}

/// The credentials for the registry that an image's reference names, if there are any.
pub(super) async fn for_image(reference: &str) -> Result<Option<Credentials>, CredentialError> {
    let config = DockerConfig::read()?;
    config.get(registry_of(reference)).await
}

/// The parts of `config.json` that count here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    // The docker command takes null for a missing key.
    auths: Option<BTreeMap<String, Option<Auth>>>,
    creds_store: Option<String>,
    cred_helpers: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

/// The answer of a helper.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// The registry that a reference names, as credentials name it.
fn registry_of(reference: &str) -> &str {
    match named_registry(reference) {
        Some("docker.io" | "index.docker.io") | None => HUB,
        Some(registry) => registry,
    }
}

impl DockerConfig {
    /// `$DOCKER_CONFIG/config.json`, or that of `~/.docker`. None is as good as an empty one.
    fn read() -> Result<DockerConfig, CredentialError> {
        let directory = std::env::var_os("DOCKER_CONFIG")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")));
        let Some(path) = directory.map(|directory| directory.join("config.json")) else {
            return Ok(DockerConfig::default());
        };
        let fault = |message: String| CredentialError::Config {
            path: path.clone(),
            message,
        };
        match slipway_files::read_input_bytes(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| fault(position(&error))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(fault(error.to_string())),
        }
    }

    /// The credentials for a registry, if there are any.
    async fn get(&self, registry: &str) -> Result<Option<Credentials>, CredentialError> {
        let own = self.cred_helpers.as_ref().and_then(|all| all.get(registry));
        let store = self.creds_store.as_ref().filter(|store| !store.is_empty());
        if let Some(helper) = own.or(store) {
            let command = Command::new(format!("docker-credential-{helper}"));
            return ask(command, helper, registry, PATIENCE).await;
        }
        let Some(auths) = &self.auths else {
            return Ok(None);
        };
        let alike = || {
            let mut auths = auths.iter();
            auths.find(|(name, _)| host(name) == host(registry))
        };
        let found = auths.get(registry).or_else(|| Some(alike()?.1));
        let auth = found.and_then(Option::as_ref);
        Ok(auth.map(|auth| auth.credentials(registry)))
    }
}

/// The place where a file is invalid, without its contents.
fn position(error: &serde_json::Error) -> String {
    format!("invalid at line {}", error.line())
}

/// A registry's name without scheme and path.
fn host(name: &str) -> &str {
    let name = name
        .strip_prefix("https://")
        .or_else(|| name.strip_prefix("http://"))
        .unwrap_or(name);
    name.split('/').next().unwrap_or(name)
}

impl Auth {
    fn credentials(&self, registry: &str) -> Credentials {
        let decoded = self.auth.as_ref().and_then(|auth| {
            let bytes = STANDARD.decode(auth.trim()).ok()?;
            let text = String::from_utf8(bytes).ok()?;
            let (username, password) = text.split_once(':')?;
            Some((
                username.to_owned(),
                password.trim_end_matches('\0').to_owned(),
            ))
        });
        let (username, password) = match decoded {
            Some((username, password)) => (Some(username), Some(password)),
            None => (self.username.clone(), self.password.clone()),
        };
        Credentials {
            registry: registry.to_owned(),
            username,
            password,
            identity_token: self.identitytoken.clone().filter(|token| !token.is_empty()),
        }
    }
}

/// Calls a helper: it gets the registry on standard input and prints JSON. The helper is ended with
/// the push that it is asked for, and when it takes too long.
async fn ask(
    mut command: Command,
    helper: &str,
    registry: &str,
    patience: Duration,
) -> Result<Option<Credentials>, CredentialError> {
    let fault = |message: String| CredentialError::Helper {
        helper: helper.to_owned(),
        registry: registry.to_owned(),
        message,
    };
    environment::clear_all_but(&mut command, VARIABLES);
    let mut child = command
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| fault(error.to_string()))?;
    let input = child.stdin.take();
    let answered = tokio::time::timeout(patience, async {
        if let Some(mut input) = input {
            // One that does not listen has its own way of saying so.
            let _ = input.write_all(registry.as_bytes()).await;
        }
        child.wait_with_output().await
    });
    let output = answered
        .await
        .map_err(|_| fault(format!("no answer in {} s", patience.as_secs())))?
        .map_err(|error| fault(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        // The words that all helpers use, which the docker command looks for too.
        return match said.contains("credentials not found") {
            true => Ok(None),
            false => Err(fault(complaint(&said, output.status))),
        };
    }
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|error| fault(format!("its answer is {}", position(&error))))?;
    let is_token = answer.username == "<token>";
    Ok(Some(Credentials {
        registry: registry.to_owned(),
        username: (!is_token).then_some(answer.username),
        password: (!is_token).then(|| answer.secret.clone()),
        identity_token: is_token.then_some(answer.secret),
    }))
}

/// The error message of a helper that failed: one short line, and never its answer.
fn complaint(said: &str, status: ExitStatus) -> String {
    let line = said.lines().map(str::trim).find(|line| !line.is_empty());
    let line = line.filter(|line| !line.starts_with('{') && !said.contains("Secret"));
    let shown: Option<String> = line.map(|line| {
        let letters = line.chars().filter(|c| !c.is_control());
        letters.take(SHOWN).collect()
    });
    shown.unwrap_or_else(|| status.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_named_by_references() {
        assert_eq!(registry_of("kolla/base:1"), HUB);
        assert_eq!(registry_of("docker.io/kolla/base:1"), HUB);
        assert_eq!(registry_of("localhost/base"), "localhost");
        assert_eq!(registry_of("reg:5000/a/b:1"), "reg:5000");
    }

    #[tokio::test]
    async fn logins_are_found_under_any_spelling() {
        let config: DockerConfig = serde_json::from_str(
            r#"{"auths": {"https://reg:5000/v2/": {"auth": "bWU6YTpi"}, "other": {"identitytoken": "t", "auth": ""}}}"#,
        )
        .unwrap();
        let found = config.get("reg:5000").await.unwrap().unwrap();
        assert_eq!(found.username.as_deref(), Some("me"));
        assert_eq!(found.password.as_deref(), Some("a:b"));
        assert!(!format!("{found:?}").contains("a:b"));
        let token = config.get("other").await.unwrap().unwrap();
        assert_eq!(token.identity_token.as_deref(), Some("t"));
        assert!(config.get("third").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_missing_helper_is_named() {
        let config: DockerConfig =
            serde_json::from_str(r#"{"credHelpers": {"reg:5000": "none-such"}}"#).unwrap();
        let error = config.get("reg:5000").await.unwrap_err().to_string();
        assert!(
            error.contains("docker-credential-none-such, for reg:5000"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn null_is_nothing() {
        let text = r#"{"auths": {"reg:5000": null}, "credHelpers": null, "credsStore": null}"#;
        for text in [text, r#"{"auths": null}"#] {
            let config: DockerConfig = serde_json::from_str(text).unwrap();
            assert!(config.get("reg:5000").await.unwrap().is_none());
        }
    }

    #[tokio::test]
    async fn a_helper_that_fails_or_hangs_is_named_and_its_answer_is_not_shown() {
        let error_of = async |script: &str, seconds| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            let answer = ask(command, "keeper", "reg:5000", Duration::from_secs(seconds));
            answer.await.unwrap_err().to_string()
        };
        let named = "credential helper docker-credential-keeper, for reg:5000: ";
        let answer = r#"{"Username": "me", "Secret": "s3cret"}"#;
        for (script, said) in [
            ("exit 3".to_owned(), "exit status: 3"),
            ("kill -9 $$".to_owned(), "signal: 9 (SIGKILL)"),
            ("echo; echo locked; echo more; exit 1".to_owned(), "locked"),
            ("printf 'a\\033[2Jb\\n'; exit 1".to_owned(), "a[2Jb"),
            (format!("echo '{answer}'; exit 1"), "exit status: 1"),
            (
                format!("echo Secret: s3cret; echo '{answer}'; exit 1"),
                "exit status: 1",
            ),
            ("echo s3cret".to_owned(), "its answer is invalid at line 1"),
        ] {
            assert_eq!(error_of(&script, 60).await, format!("{named}{said}"));
        }
        let long = error_of("head -c 9999 /dev/zero | tr '\\0' x; exit 1", 60).await;
        assert_eq!(long.len(), named.len() + SHOWN);
        let hanging = error_of("exec sleep 1000.125", 0).await;
        assert_eq!(hanging, format!("{named}no answer in 0 s"));
    }
}
