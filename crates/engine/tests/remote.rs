//! Engines elsewhere: behind TLS, and behind ssh.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use slipway_test_support::{IMAGE, PrivateEngine};

slipway_test_support::harness! {
    [engine, root] fn an_engine_behind_tls_is_reached_with_certificates;
    [engine, root] fn an_engine_behind_ssh_is_reached_as_docker_reaches_it;
}

/// The example that connects to the engine that the environment names.
fn engine_info(environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let test = std::env::current_exe().unwrap();
    let example = test
        .parent()
        .unwrap()
        .parent()
        .unwrap()
        .join("examples/engine_info");
    let mut command = Command::new(example);
    for name in [
        "DOCKER_HOST",
        "DOCKER_CONTEXT",
        "DOCKER_CONFIG",
        "DOCKER_TLS",
        "DOCKER_TLS_VERIFY",
    ] {
        command.env_remove(name);
    }
    let environment = environment.iter().copied();
    command.envs(environment).args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

fn openssl(directory: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    let done = command
        .current_dir(directory)
        .args(arguments.split(' '))
        .output()
        .unwrap();
    assert!(done.status.success(), "openssl {arguments}: {}", out(&done));
}

/// An authority in `DIRECTORY/ca.pem`, and certificates of it for a server and a client.
fn certificates(directory: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(
        directory,
        &format!("req -x509 {key} -keyout ca-key.pem -out ca.pem -subj /CN=authority -days 2"),
    );
    for (name, extensions) in [
        (
            "server",
            "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n",
        ),
        ("client", "extendedKeyUsage=clientAuth\n"),
    ] {
        std::fs::write(directory.join(format!("{name}.ext")), extensions).unwrap();
        openssl(
            directory,
            &format!("req {key} -keyout {name}-key.pem -out {name}.csr -subj /CN={name}"),
        );
        openssl(
            directory,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -out {name}.pem -extfile {name}.ext"
            ),
        );
    }
    std::fs::copy(directory.join("client.pem"), directory.join("cert.pem")).unwrap();
    std::fs::copy(directory.join("client-key.pem"), directory.join("key.pem")).unwrap();
}

fn an_engine_behind_tls_is_reached_with_certificates() {
    let directory = tempfile::tempdir().unwrap();
    let files = directory.path();
    certificates(files);
    let file = |name: &str| files.join(name).display().to_string();
    let engine = PrivateEngine::start_with(&[
        "--host=tcp://0.0.0.0:2376",
        "--tlsverify",
        &format!("--tlscacert={}", file("ca.pem")),
        &format!("--tlscert={}", file("server.pem")),
        &format!("--tlskey={}", file("server-key.pem")),
    ]);
    let host = format!("tcp://127.0.0.1:{}", engine.forward(2376));
    let path = files.display().to_string();
    let verified = [
        ("DOCKER_HOST", host.as_str()),
        ("DOCKER_TLS_VERIFY", "1"),
        ("DOCKER_CERT_PATH", &path),
    ];
    let output = engine_info(&verified, &[IMAGE]);
    assert!(
        out(&output).contains("docker ") && out(&output).contains("[Out(\"hello\")]"),
        "{}",
        out(&output)
    );

    // A docker context with its certificates.
    let id = hex::encode(Sha256::digest(b"far"));
    let meta = files.join("contexts/meta").join(&id);
    let tls = files.join("contexts/tls").join(&id).join("docker");
    std::fs::create_dir_all(&meta).unwrap();
    std::fs::create_dir_all(&tls).unwrap();
    std::fs::write(
        meta.join("meta.json"),
        format!(r#"{{"Name":"far","Endpoints":{{"docker":{{"Host":"{host}"}}}}}}"#),
    )
    .unwrap();
    for name in ["ca.pem", "cert.pem", "key.pem"] {
        std::fs::copy(files.join(name), tls.join(name)).unwrap();
    }
    let output = engine_info(&[("DOCKER_CONFIG", &path), ("DOCKER_CONTEXT", "far")], &[]);
    assert!(out(&output).contains(" containers"), "{}", out(&output));

    // Without a certificate of its own, the engine refuses; with another authority, we do.
    let other = tempfile::tempdir().unwrap();
    let elsewhere = other.path().display().to_string();
    std::fs::copy(files.join("ca.pem"), other.path().join("ca.pem")).unwrap();
    let bare = [
        ("DOCKER_HOST", host.as_str()),
        ("DOCKER_TLS_VERIFY", "1"),
        ("DOCKER_CERT_PATH", &elsewhere),
    ];
    let refused = engine_info(&bare, &[]);
    assert!(
        !refused.status.success() && out(&refused).to_lowercase().contains("certificate"),
        "{}",
        out(&refused)
    );
    certificates(other.path());
    let refused = engine_info(&bare, &[]);
    assert!(
        out(&refused).contains("invalid peer certificate"),
        "{}",
        out(&refused)
    );
    // Without TLS, an engine that speaks it is no engine.
    let refused = engine_info(&[("DOCKER_HOST", &host)], &[]);
    assert!(!refused.status.success(), "{}", out(&refused));
}

/// A server of ssh that ends with the test.
struct Sshd(Child);

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn keygen(file: &Path) {
    let mut command = Command::new("ssh-keygen");
    let done = command
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(file)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", out(&done));
}

fn an_engine_behind_ssh_is_reached_as_docker_reaches_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| -> PathBuf { directory.path().join(name) };
    keygen(&file("host"));
    keygen(&file("user"));
    std::fs::copy(file("user.pub"), file("authorized")).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    std::fs::create_dir_all("/run/sshd").unwrap();
    let server = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f", "/dev/null"])
        .args(["-p", &port.to_string()])
        .arg("-h")
        .arg(file("host"))
        .args([
            "-o",
            "ListenAddress=127.0.0.1",
            "-o",
            "StrictModes=no",
            "-o",
            "UsePAM=no",
        ])
        .args(["-o", "PidFile=none", "-o", "PermitRootLogin=yes"])
        .arg("-o")
        .arg(format!(
            "AuthorizedKeysFile={}",
            file("authorized").display()
        ))
        .stderr(std::fs::File::create(file("log")).unwrap())
        .spawn()
        .expect("sshd: scripts/engine --package openssh-server installs it");
    let _server = Sshd(server);
    let begin = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "sshd does not listen"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    // The user's own configuration stays out of it: ssh itself, with options of the test.
    let programs = file("bin");
    std::fs::create_dir(&programs).unwrap();
    std::fs::write(
        programs.join("ssh"),
        format!(
            "#!/bin/sh\nexec /usr/bin/ssh -F none -i {} -o BatchMode=yes -o StrictHostKeyChecking=no \\\n\
             \x20 -o UserKnownHostsFile={} \"$@\"\n",
            file("user").display(),
            file("known").display()
        ),
    )
    .unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(programs.join("ssh"), executable).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let host = format!("ssh://root@127.0.0.1:{port}");
    let environment = [("PATH", path.as_str()), ("DOCKER_HOST", &host)];
    let output = engine_info(&environment, &[IMAGE]);
    assert!(
        out(&output).contains(&format!("at {host}")) && out(&output).contains("[Out(\"hello\")]"),
        "{}\n{}",
        out(&output),
        std::fs::read_to_string(file("log")).unwrap()
    );
    // A user that sshd does not let in: the error has ssh's own words.
    std::fs::remove_file(file("authorized")).unwrap();
    let refused = engine_info(&environment, &[]);
    assert!(
        out(&refused).contains("Permission denied"),
        "{}",
        out(&refused)
    );
}
