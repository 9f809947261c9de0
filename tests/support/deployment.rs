//! A deployment of the bundled services, beside any other on this machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::{Response, Run, repository, request, run, slipway};

/// Hiera keys with passwords, and their values in the test deployment. The values are long enough to
/// be found wherever they leak.
pub const SECRETS: [(&str, &str); 9] = [
    ("mysql_root_password", "e2e-Root%pw/1f8a0d"),
    ("keystone::db::mysql::password", "e2eKeystoneDb7c41ee"),
    ("rabbitmq_password", "e2eRabbit93b2d5"),
    ("rabbitmq_admin_password", "e2eRabbitAdmin0c6e17"),
    ("keystone_admin_password", ADMIN_PASSWORD),
    (
        "keystone_fernet_key_0",
        "ZTJlLWZlcm5ldC1rZXktbnVtYmVyLTAtMzItYnl0ZXM=",
    ),
    (
        "keystone_fernet_key_1",
        "ZTJlLWZlcm5ldC1rZXktbnVtYmVyLTEtMzItYnl0ZXM=",
    ),
    (
        "keystone_credential_key_0",
        "ZTJlLWNyZWQtLWtleS1udW1iZXItMC0zMi1ieXRlczA=",
    ),
    (
        "keystone_credential_key_1",
        "ZTJlLWNyZWQtLWtleS1udW1iZXItMS0zMi1ieXRlczA=",
    ),
];

const ADMIN_PASSWORD: &str = "e2e-Admin$pw\"25c7f3";

const VIP: &str = "127.0.9.1";
const NODE: &str = "127.0.9.2";

/// The directory of deployments in a checkout.
const DIRECTORY: &str = "target/end-to-end";

/// A root, with copies of the services, images and overrides that a test may change.
#[derive(Debug)]
pub struct Deployment {
    directory: PathBuf,
}

impl Deployment {
    /// Returns a deployment with nothing deployed yet. Removes what an earlier, interrupted run left,
    /// in this checkout or another: every such deployment has the same addresses, and the engine
    /// restarts its containers when it starts.
    pub fn new(name: &str) -> Deployment {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(DIRECTORY)
            .join(name);
        let deployment = Deployment { directory };
        deployment.remove();
        remove_containers_of_other_checkouts();
        std::fs::create_dir_all(deployment.root()).expect("the root");
        deployment.restore();
        deployment
    }

    /// Puts back the services, images, overrides and hiera data that a test may have changed.
    pub fn restore(&self) {
        for part in ["services", "images", "overrides"] {
            remove_directory(&self.file(part));
            copy(&repository().join(part), &self.file(part));
        }
        self.replace_in_services("slipway/", "slipway-e2e/");
        let mut hiera = json!({
            "internal_api_vip": VIP,
            "internal_api_ip": NODE,
            "rabbitmq_epmd_port": 14369,
            "rabbitmq_dist_port": 35672,
        });
        for (key, value) in SECRETS {
            hiera[key] = json!(value);
        }
        self.write("hiera.json", &hiera.to_string());
    }

    /// `--root` of this deployment.
    pub fn root(&self) -> PathBuf {
        self.directory.join("root")
    }

    /// A file of this deployment, outside its root: `services/keystone.yaml`, `hiera.json`, ….
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Writes such a file.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).expect("a file of the deployment");
    }

    /// Replaces a string in such a file; the file must contain it.
    #[track_caller]
    pub fn replace(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.file(name)).expect("a file of the deployment");
        assert!(text.contains(from), "{name} has no {from:?}");
        self.write(name, &text.replace(from, to));
    }

    /// Sets a hiera value.
    pub fn set_hiera(&self, key: &str, value: serde_json::Value) {
        let text = std::fs::read_to_string(self.file("hiera.json")).expect("hiera.json");
        let mut hiera: serde_json::Value = serde_json::from_str(&text).expect("hiera.json");
        hiera[key] = value;
        self.write("hiera.json", &hiera.to_string());
    }

    /// `slipway build` of this deployment's images, not run yet.
    pub fn build(&self) -> Command {
        let mut command = slipway();
        command
            .args([
                "build",
                "--base",
                "debian",
                "--namespace",
                "slipway-e2e",
                "--docker-dir",
            ])
            .arg(self.file("images"))
            .arg("--template-override")
            .arg(self.file("overrides/puppet.j2"));
        command
    }

    /// `slipway deploy` of this deployment, not run yet.
    pub fn deploy(&self) -> Command {
        let mut command = slipway();
        command
            .arg("deploy")
            .arg("--services")
            .arg(self.file("services"));
        command
            .arg("--root")
            .arg(self.root())
            .arg("--hiera")
            .arg(self.file("hiera.json"));
        command
    }

    /// `slipway deploy --rollback` of this deployment, not run yet.
    pub fn roll_back(&self) -> Command {
        let mut command = slipway();
        command.args(["deploy", "--rollback", "--root"]);
        command.arg(self.root());
        command
    }

    /// The containers of this deployment, as `slipway ps --format json` lists them.
    pub fn containers(&self) -> Vec<serde_json::Value> {
        let mut command = slipway();
        command
            .args(["ps", "--format", "json", "--root"])
            .arg(self.root());
        let listed = run(&mut command).exits(0).json();
        listed.as_array().cloned().expect("a list")
    }

    /// Name in its set → engine id of every container.
    pub fn ids(&self) -> std::collections::BTreeMap<String, String> {
        let pair = |container: &serde_json::Value| {
            let text = |key: &str| container[key].as_str().expect("a text").to_owned();
            (text("container"), text("id"))
        };
        self.containers().iter().map(pair).collect()
    }

    /// A request to Keystone through haproxy.
    pub fn keystone(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&serde_json::Value>,
    ) -> Response {
        let address: SocketAddr = format!("{VIP}:5000").parse().expect("an address");
        let headers: Vec<(&str, &str)> = token
            .map(|token| ("X-Auth-Token", token))
            .into_iter()
            .collect();
        request(address, method, path, &headers, body).expect("Keystone's answer through haproxy")
    }

    /// A token for the administrator: the response that carries it.
    pub fn token(&self) -> Response {
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": "admin", "domain": {"id": "default"}, "password": ADMIN_PASSWORD}}},
            "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
        }});
        self.keystone("POST", "/v3/auth/tokens", None, Some(&body))
    }

    /// Deletes the containers, then the files.
    pub fn remove(&self) {
        if self.root().is_dir() {
            let mut command = slipway();
            command.args(["delete", "--all", "--root"]).arg(self.root());
            let _: Run = run(&mut command).exits(0);
        }
        remove_directory(&self.directory);
    }

    fn replace_in_services(&self, from: &str, to: &str) {
        for entry in std::fs::read_dir(self.file("services")).expect("services") {
            let name = entry.expect("an entry").file_name();
            let name = Path::new("services").join(name).display().to_string();
            let text = std::fs::read_to_string(self.file(&name)).expect("a service definition");
            self.write(&name, &text.replace(from, to));
        }
    }
}

/// Removes every container whose labels name the directory of a deployment: its files, its volumes,
/// or the templates of its image.
fn remove_containers_of_other_checkouts() {
    let docker = |arguments: &[&str]| run(Command::new("docker").args(arguments)).exits(0).out;
    let listed = docker(&["ps", "--all", "--format", "{{.ID}} {{.Labels}}"]);
    let containers: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, labels)| labels.contains(&format!("/{DIRECTORY}/")))
        .map(|(id, _)| id)
        .collect();
    if !containers.is_empty() {
        docker(&[&["rm", "--force", "--volumes"], &containers[..]].concat());
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status()
        .expect("cp");
    assert!(status.success(), "cannot copy {}", from.display());
}

fn remove_directory(path: &Path) {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            panic!("cannot remove {}: {error}", path.display())
        }
        _ => {}
    }
}
