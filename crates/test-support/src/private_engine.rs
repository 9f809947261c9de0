//! A private Docker engine, whose daemon has the options that a test needs.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::relay::join;

/// A private dockerd with a directory of its own. Needs root, and an engine that has the test image.
#[derive(Debug)]
pub struct PrivateEngine {
    directory: tempfile::TempDir,
    daemon: Option<Child>,
    /// Arguments of the daemon beside the usual ones.
    arguments: Vec<String>,
}

impl PrivateEngine {
    /// Starts an engine that has the test image, with more arguments for its daemon.
    pub fn start_with(arguments: &[&str]) -> PrivateEngine {
        let mut engine = PrivateEngine {
            directory: tempfile::tempdir().unwrap(),
            daemon: None,
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        };
        engine.begin();
        let mut save = Command::new("docker")
            .args(["save", crate::IMAGE])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let loaded = Command::new("docker")
            .args(["--host", &engine.host(), "load"])
            .stdin(save.stdout.take().unwrap())
            .output()
            .unwrap();
        assert!(save.wait().unwrap().success() && loaded.status.success());
        engine
    }

    /// The engine's address.
    pub fn host(&self) -> String {
        format!("unix://{}/docker.sock", self.directory.path().display())
    }

    /// Starts the daemon, and waits until it answers.
    fn begin(&mut self) {
        let directory = self.directory.path();
        let log = File::options()
            .create(true)
            .append(true)
            .open(directory.join("log"))
            .unwrap();
        let option = |name: &str, file: &str| format!("--{name}={}/{file}", directory.display());
        // A network namespace of its own: the daemon would remove the other daemon's bridge.
        let daemon = Command::new("unshare")
            .args([
                "--net",
                "sh",
                "-c",
                "ip link set lo up; exec dockerd \"$@\"",
                "dockerd",
            ])
            .args([
                option("data-root", "data"),
                option("exec-root", "exec"),
                option("pidfile", "pid"),
            ])
            .args([
                "--host",
                &self.host(),
                "--bridge=none",
                "--iptables=false",
                "--ip6tables=false",
            ])
            .args(&self.arguments)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.daemon = Some(daemon);
        let began = Instant::now();
        while !self.answers() {
            if began.elapsed() > Duration::from_secs(60) {
                let log = std::fs::read_to_string(directory.join("log")).unwrap();
                panic!("the engine does not answer:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Makes a port of the daemon's network namespace reachable from this one. Returns the port here.
    pub fn forward(&self, port: u16) -> u16 {
        let daemon = self.daemon.as_ref().unwrap().id();
        let namespace = File::open(format!("/proc/{daemon}/ns/net")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let namespace = namespace.try_clone().unwrap();
                // A thread of its own: the namespace is the thread's.
                std::thread::spawn(move || {
                    rustix::thread::move_into_link_name_space(
                        namespace.as_fd(),
                        Some(rustix::thread::LinkNameSpaceType::Network),
                    )
                    .unwrap();
                    join(client, TcpStream::connect(("127.0.0.1", port)).unwrap());
                });
            }
        });
        here
    }

    fn answers(&self) -> bool {
        let answer = Command::new("docker")
            .args(["--host", &self.host(), "version"])
            .output();
        answer.unwrap().status.success()
    }

    /// Ends the daemon, its containers and its containerd.
    fn end(&mut self) {
        let Some(mut daemon) = self.daemon.take() else {
            return;
        };
        let list = Command::new("docker")
            .args(["--host", &self.host(), "ps", "-aq"])
            .output();
        for id in String::from_utf8_lossy(&list.unwrap().stdout).split_whitespace() {
            let _ = Command::new("docker")
                .args(["--host", &self.host(), "rm", "--force", id])
                .output();
        }
        if let Some(pid) = i32::try_from(daemon.id())
            .ok()
            .and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = daemon.wait();
    }
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        self.end();
        // A daemon that does not end well leaves a bind mount over its data directory.
        let data = self.directory.path().join("data");
        let unmount = || Command::new("umount").arg("--lazy").arg(&data).output();
        while unmount().is_ok_and(|said| said.status.success()) {}
    }
}
