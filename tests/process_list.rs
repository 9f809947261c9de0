//! No secret in the process list: every command line of the machine, those in containers included, is
//! read while Slipway builds, pushes, generates, applies and deploys with secrets.

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use slipway_end_to_end::{PASSWORD, ProcessWatch, Registry, Run, Workspace, login, run, slipway};

slipway_test_support::harness! {
    [engine] fn a_build_and_a_push_keep_their_secrets;
    [engine, root] fn config_apply_and_deploy_keep_their_secrets;
}

const BUILD_ARGUMENT: &str = "a-secret-build-argument-5d0c";
const GIT_PASSWORD: &str = "a-secret-of-git-77ab";
const HIERA: &str = "a-secret-in-hieradata-19e2";
const ENVIRONMENT: &str = "a-secret-in-an-environment-c3f8";

/// Runs commands under the watch. The last words are a decoy, which must be found.
fn watched(secrets: &[&str], commands: impl FnOnce() -> Vec<Run>) {
    let encoded = secrets.iter().map(|secret| base64(secret));
    let words: Vec<String> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    let decoy = "not-a-secret-but-watched-for";
    let all = words.iter().cloned().chain(encoded);
    let watch = ProcessWatch::start(all.chain([decoy.to_owned()]).collect());
    let runs = commands();
    run(Command::new("sh").args(["-c", "sleep 1; :", decoy])).exits(0);
    let (seen, found) = watch.finish();
    let shown: Vec<&String> = found.iter().filter(|line| !line.contains(decoy)).collect();
    assert!(shown.is_empty(), "{shown:?}");
    assert!(
        seen > 0 && found.len() > shown.len(),
        "the watch sees nothing"
    );
    for finished in runs {
        for word in &words {
            let is_told = finished.err.contains(word) || finished.out.contains(word);
            assert!(!is_told, "{word}: {}{}", finished.out, finished.err);
        }
    }
}

fn base64(text: &str) -> String {
    let script = "printf %s \"$SECRET\" | base64 --wrap=0";
    run(Command::new("sh").args(["-c", script]).env("SECRET", text))
        .exits(0)
        .out
}

/// Serves the files of a directory to those who know the password, as git's servers do.
fn serve(directory: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let authorized = format!("basic {}", base64(&format!("reader:{GIT_PASSWORD}")));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = answer(stream, &directory, &authorized.to_lowercase());
        }
    });
    port
}

fn answer(mut stream: TcpStream, directory: &Path, authorized: &str) -> std::io::Result<()> {
    let lines = BufReader::new(stream.try_clone()?).lines();
    let head: Vec<String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let request = head.first().map(String::as_str).unwrap_or_default();
    let path = request.split(['?', ' ']).nth(1).unwrap_or_default();
    let headers: BTreeMap<String, String> = head
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_lowercase()))
        .collect();
    let is_known = headers
        .get("authorization")
        .is_some_and(|value| value == authorized);
    let file = fs::read(directory.join(path.trim_start_matches('/')));
    let (status, body) = match (is_known, file) {
        (false, _) => (
            "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\"",
            Vec::new(),
        ),
        (true, Ok(body)) => ("200 OK", body),
        (true, Err(_)) => ("404 Not Found", Vec::new()),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}

fn a_build_and_a_push_keep_their_secrets() {
    let workspace = Workspace::new("process-list");
    let registry = Registry::start(&workspace);
    login(&workspace, &registry.name(), PASSWORD);
    let script = "git init -q app && cd app && git config user.email a@b && git config user.name a && \
                  echo 1 >f && git add f && git commit -qm one && git branch -M main && cd .. && \
                  git clone -q --bare app served/app.git && git -C served/app.git update-server-info";
    fs::create_dir(workspace.path("served")).expect("a directory");
    let mut prepare = Command::new("sh");
    run(prepare
        .args(["-c", script])
        .current_dir(&workspace.directory))
    .exits(0);
    let port = serve(workspace.path("served"));
    workspace.image(
        "app",
        "ARG TOKEN\nADD app-archive /source\nRUN test -n \"$TOKEN\" && test -f /source/*/f && sleep 1\n",
    );
    let ini = format!(
        "[DEFAULT]\nbase = debian\nnamespace = {}\nregistry = {}\npush = true\n\
         build_args = TOKEN:{BUILD_ARGUMENT}\n\
         [app]\ntype = git\nlocation = http://reader:{GIT_PASSWORD}@127.0.0.1:{port}/app.git\nreference = main\n",
        workspace.namespace,
        registry.name(),
    );
    let ini = workspace
        .write("kolla-build.conf", &ini)
        .display()
        .to_string();
    watched(&[BUILD_ARGUMENT, GIT_PASSWORD, PASSWORD], || {
        let mut build = workspace.kolla_build(&["--config-file", &ini, "--debug"]);
        let built = run(&mut build).exits(0);
        assert!(
            registry
                .digest(&format!("{}/app", workspace.namespace), "latest")
                .is_some()
        );
        let bad = format!("{ini}.bad");
        let text = fs::read_to_string(&ini).expect("the configuration");
        fs::write(&bad, text.replace("reference = main", "reference = none")).expect("a file");
        let failed = run(&mut workspace.kolla_build(&["--config-file", &bad])).exits(1);
        vec![built, failed]
    });
}

/// Builds the image whose `puppet` runs the manifest as a shell script.
fn scripted_puppet() -> &'static str {
    const IMAGE: &str = "slipway-test/scripted-puppet:1";
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("support");
    let mut docker = Command::new("docker");
    let file = directory.join("scripted-puppet.Dockerfile");
    docker
        .args(["build", "--quiet", "--tag", IMAGE, "--file"])
        .arg(file);
    run(docker.arg(directory)).exits(0);
    IMAGE
}

fn config_apply_and_deploy_keep_their_secrets() {
    let workspace = Workspace::new("process-list-deploy");
    let image = scripted_puppet();
    let container = "image: debian:trixie, net: none, stop_signal: SIGKILL, command: sleep 600";
    let name = &workspace.namespace;
    workspace.write(
        "services/a.yaml",
        &format!(
            "service_name: a\nconfig_settings: {{a::password: {HIERA}}}\n\
             puppet_config:\n  config_volume: a\n  puppet_tags: file\n  config_image: {image}\n\
             \x20 step_config: 'grep -r password /etc/puppet >/etc/generated; sleep 1'\n\
             docker_config:\n  step_1:\n    {name}: {{{container}, environment: {{PASSWORD: {ENVIRONMENT}}}}}\n    \
             {name}-boot: {{action: exec, command: [{name}, sh, -c, 'test -n \"$PASSWORD\" && sleep 1']}}\n"
        ),
    );
    workspace.write("hiera.yaml", &format!("b::password: {HIERA}\n"));
    workspace.write(
        "set.yaml",
        &format!("{name}-set: {{{container}, environment: {{PASSWORD: {ENVIRONMENT}}}}}\n"),
    );
    let root = workspace.path("root").display().to_string();
    let within = |arguments: &[&str]| {
        let mut command = slipway();
        command.args(arguments).args(["--root", &root, "-vv"]);
        run(command.current_dir(&workspace.directory))
    };
    let services = ["--services", "services", "--hiera", "hiera.yaml"];
    let set = [
        "apply",
        "--config-id",
        name,
        "--managed-by",
        name,
        "--file",
        "set.yaml",
    ];
    watched(&[HIERA, ENVIRONMENT], || {
        let runs = vec![
            within(&[&["config"], &services[..]].concat()),
            within(&[&["deploy", "--managed-by", name], &services[..]].concat()),
            within(&set),
        ];
        let removed = within(&["delete", "--all", "--managed-by", name]);
        runs.into_iter()
            .chain([removed])
            .map(|run| run.exits(0))
            .collect()
    });
}
