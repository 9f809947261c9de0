//! A Docker engine of one's own, to be killed and started again.

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Its daemon, and all of its files.
pub struct PrivateEngine {
    folder: tempfile::TempDir,
    daemon: Option<Child>,
}

impl PrivateEngine {
    /// Starts one, with the image that tests use; `None` where this user may not.
    pub fn start() -> Option<PrivateEngine> {
        if !rustix::process::getuid().is_root() {
            return None;
        }
        let mut engine = PrivateEngine {
            folder: tempfile::tempdir().unwrap(),
            daemon: None,
        };
        engine.begin();
        let mut save = Command::new("docker")
            .args(["save", "debian:trixie"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let loaded = Command::new("docker")
            .args(["--host", &engine.host(), "load"])
            .stdin(save.stdout.take().unwrap())
            .output()
            .unwrap();
        assert!(save.wait().unwrap().success() && loaded.status.success());
        Some(engine)
    }

    /// Its address.
    pub fn host(&self) -> String {
        format!("unix://{}/docker.sock", self.folder.path().display())
    }

    /// Starts the daemon, and waits until it answers.
    pub fn begin(&mut self) {
        let folder = self.folder.path();
        // One that was killed leaves these behind, and takes what is dead for alive.
        for file in ["pid", "exec/containerd/containerd.pid"] {
            let _ = std::fs::remove_file(folder.join(file));
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .unwrap();
        let option = |name: &str, file: &str| format!("--{name}={}/{file}", folder.display());
        // In a network of its own: it would take the other daemon's bridge away.
        let daemon = Command::new("unshare")
            .args(["--net", "dockerd"])
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
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.daemon = Some(daemon);
        let began = Instant::now();
        while !self.answers() {
            if began.elapsed() > Duration::from_secs(60) {
                let log = std::fs::read_to_string(folder.join("log")).unwrap();
                panic!("the engine does not answer:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn answers(&self) -> bool {
        let asked = Command::new("docker")
            .args(["--host", &self.host(), "version"])
            .output();
        asked.unwrap().status.success()
    }

    /// Kills the daemon as nothing can be held against.
    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }
}

impl PrivateEngine {
    /// Asks the daemon to end: it ends its containers, and its containerd.
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
        // Each daemon that was killed has left its data mounted on themselves.
        let data = self.folder.path().join("data");
        let unmount = || Command::new("umount").arg("--lazy").arg(&data).output();
        while unmount().is_ok_and(|said| said.status.success()) {}
    }
}
