use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use base64::Engine;

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// A repository with a file `README` and a directory of branches and tags.
struct Origin {
    dir: tempfile::TempDir,
}

impl Origin {
    fn new() -> Origin {
        let origin = Origin {
            dir: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(origin.path()).unwrap();
        origin.git(&["init", "-q", "-b", "main"]);
        fs::write(origin.path().join("README"), "one").unwrap();
        origin.git(&["add", "README"]);
        origin.git(&["commit", "-q", "-m", "one"]);
        origin.git(&["tag", "v1"]);
        origin.git(&["checkout", "-q", "-b", "stable/2025.1"]);
        fs::write(origin.path().join("README"), "stable").unwrap();
        origin.git(&["commit", "-q", "-a", "-m", "stable"]);
        origin.git(&["checkout", "-q", "main"]);
        fs::write(origin.path().join("README"), "two").unwrap();
        origin.git(&["commit", "-q", "-a", "-m", "two"]);
        origin
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("origin")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = process::Command::new("git")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.dir.path())
            .args(["-c", "user.name=x", "-c", "user.email=x@example.org", "-C"])
            .arg(self.path())
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn check_out(&self, reference: &str) -> Result<(String, String), GitError> {
        self.check_out_from(&self.path().display().to_string(), reference, PATIENCE)
    }

    /// Checks out a reference: the commit, and the text of `README`.
    fn check_out_from(
        &self,
        address: &str,
        reference: &str,
        timeout: Duration,
    ) -> Result<(String, String), GitError> {
        let into = tempfile::tempdir_in(self.dir.path()).unwrap();
        let checkout = into.path().join("checkout");
        let commit = check_out(address, reference, &checkout, timeout)?;
        let text = fs::read_to_string(checkout.join("README")).unwrap();
        let entries: Vec<_> = fs::read_dir(into.path()).unwrap().collect();
        assert_eq!(entries.len(), 1, "no credentials stay beside it");
        let config = fs::read_to_string(checkout.join(".git/config")).unwrap();
        assert!(!config.contains("remote"), "{config}");
        Ok((commit, text))
    }
}

#[test]
fn branches_tags_and_commits_are_checked_out() {
    let origin = Origin::new();
    let commit = origin.git(&["rev-parse", "v1"]);
    for (reference, text) in [
        ("v1", "one"),
        ("main", "two"),
        ("stable/2025.1", "stable"),
        ("origin/stable/2025.1", "stable"),
        ("v1^{}", "one"),
        (&commit[..10], "one"),
        (commit.as_str(), "one"),
    ] {
        let (found, readme) = origin.check_out(reference).unwrap();
        assert_eq!(readme, text, "{reference}");
        assert_eq!(found.len(), 40);
    }
}

#[test]
fn a_reference_is_a_commit_and_never_a_file_or_an_option() {
    let origin = Origin::new();
    for reference in [
        "README",
        "",
        "-f",
        "--detach",
        "none",
        "HEAD:README",
        "v1^{tree}",
    ] {
        let error = origin.check_out(reference).unwrap_err();
        assert!(
            matches!(error, GitError::Reference(_)),
            "{reference}: {error}"
        );
    }
}

#[test]
fn only_the_protocols_of_sources_are_spoken() {
    let origin = Origin::new();
    let mark = origin.dir.path().join("ran");
    let address = format!("ext::touch {}", mark.display());
    let error = origin
        .check_out_from(&address, "main", PATIENCE)
        .unwrap_err()
        .to_string();
    assert!(error.contains("'ext' not allowed"), "{error}");
    assert!(!mark.exists());
}

/// Runs this test again, alone, in a process with these variables.
fn in_environment(test: &str, variables: &[(&str, &str)]) -> bool {
    const AGAIN: &str = "SLIPWAY_TEST_IN_ENVIRONMENT";
    if std::env::var_os(AGAIN).is_some() {
        return true;
    }
    let status = process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(AGAIN, "1")
        .envs(variables.iter().copied())
        .status()
        .unwrap();
    assert!(status.success());
    false
}

#[test]
fn the_repository_of_a_git_hook_is_left_alone() {
    let victim = Origin::new();
    let git_dir = victim.path().join(".git").display().to_string();
    let variables = [
        ("GIT_DIR", git_dir.as_str()),
        ("GIT_INDEX_FILE", "index"),
        ("GIT_CONFIG_PARAMETERS", "'core.bare=true'"),
        ("SLIPWAY_TEST_SECRET", "seen"),
    ];
    victim.git(&["remote", "add", "origin", "/nowhere"]);
    let test = "checkout::tests::the_repository_of_a_git_hook_is_left_alone";
    if in_environment(test, &variables) {
        let other = Origin::new();
        assert_eq!(other.check_out("stable/2025.1").unwrap().1, "stable");
        return;
    }
    assert_eq!(victim.git(&["remote"]), "origin");
    assert_eq!(victim.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
}

#[test]
fn git_sees_only_the_chosen_environment() {
    let variables = [
        ("SLIPWAY_TEST_SECRET", "seen"),
        ("GIT_TRACE", "1"),
        ("LANG", "C"),
    ];
    let test = "checkout::tests::git_sees_only_the_chosen_environment";
    if in_environment(test, &variables) {
        let seen = Command::new("env")
            .args(["-c", "alias.seen=!env", "seen"])
            .run()
            .unwrap();
        assert!(seen.contains("PATH=") && seen.contains("LANG=C"), "{seen}");
        assert!(
            !seen.contains("SLIPWAY_TEST") && !seen.contains("GIT_TRACE"),
            "{seen}"
        );
    }
}

/// A server of a repository's files, for one user with a password.
struct Server {
    address: String,
    seen: Arc<Mutex<Vec<String>>>,
}

const USER: &str = "operator";
const PASSWORD: &str = "s3cret-p@ss";

impl Server {
    fn of(repository: PathBuf) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        std::thread::spawn({
            let seen = Arc::clone(&seen);
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    let _ = serve(stream, &repository, &seen);
                }
            }
        });
        Server { address, seen }
    }
}

/// Answers one request, slowly enough for who watches the process list meanwhile.
fn serve(
    mut stream: TcpStream,
    repository: &Path,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    std::thread::sleep(Duration::from_millis(100));
    let token = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let is_known = lines
        .iter()
        .any(|line| line.ends_with(&format!("Basic {token}")));
    let path = lines[0].split(' ').nth(1).unwrap_or_default();
    let path = path
        .split('?')
        .next()
        .unwrap_or_default()
        .trim_start_matches('/');
    let (status, body) = match fs::read(repository.join(path)) {
        _ if !is_known => ("401 Unauthorized", Vec::new()),
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    seen.lock().unwrap().push(format!("{path} {status}"));
    let head = format!(
        "HTTP/1.1 {status}\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}

/// Everything that other users can read of the processes that run: their arguments.
fn process_list() -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes
        .filter_map(|process| {
            let mut line = Vec::new();
            let mut file = fs::File::open(process.path().join("cmdline")).ok()?;
            file.read_to_end(&mut line).ok()?;
            Some(String::from_utf8_lossy(&line).replace('\0', " "))
        })
        .collect()
}

#[test]
fn credentials_reach_the_server_and_never_the_process_list() {
    let origin = Origin::new();
    origin.git(&["update-server-info"]);
    let server = Server::of(origin.path().join(".git"));
    let is_done = Arc::new(AtomicBool::new(false));
    let watcher = std::thread::spawn({
        let is_done = Arc::clone(&is_done);
        move || {
            let (mut leaks, mut clones) = (Vec::new(), 0);
            while !is_done.load(Ordering::Relaxed) {
                for line in process_list() {
                    clones += usize::from(
                        line.contains("git-remote-http") || line.contains("remote-http"),
                    );
                    if line.contains("s3cret") {
                        leaks.push(line);
                    }
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            (leaks, clones)
        }
    });
    let encoded = PASSWORD.replace('@', "%40");
    let address = format!("http://{USER}:{encoded}@{}/", server.address);
    let result = origin.check_out_from(&address, "stable/2025.1", PATIENCE);
    is_done.store(true, Ordering::Relaxed);
    let (leaks, clones) = watcher.join().unwrap();
    assert_eq!(result.unwrap().1, "stable");
    assert!(clones > 0, "the watcher saw git at work");
    assert_eq!(leaks, [""; 0]);

    let wrong = format!("http://{USER}:wrong@{}/", server.address);
    let error = origin
        .check_out_from(&wrong, "main", PATIENCE)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("http://operator:***@") && !error.contains("wrong"),
        "{error}"
    );
    assert!(
        server
            .seen
            .lock()
            .unwrap()
            .iter()
            .any(|line| line.ends_with("401 Unauthorized"))
    );
}

#[test]
fn a_mute_server_is_waited_for_no_longer_than_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let origin = Origin::new();
    for scheme in ["http", "git"] {
        let began = Instant::now();
        let address = format!("{scheme}://{address}/x");
        let error = origin
            .check_out_from(&address, "main", Duration::from_secs(1))
            .unwrap_err();
        assert!(
            matches!(error, GitError::TimedOut { seconds: 1, .. }),
            "{error}"
        );
        assert!(began.elapsed() < Duration::from_secs(15));
        let held = listener.local_addr().unwrap().port().to_string();
        let running = process_list();
        let running = running
            .iter()
            .find(|line| line.contains(&held) && line.contains("git"));
        assert_eq!(running, None, "git is gone");
    }
}

#[test]
fn a_commit_of_millions_of_files_is_refused_before_its_checkout() {
    let origin = Origin::new();
    // A tree of ten times itself, six levels deep, has a million files.
    let blob = origin.git(&["hash-object", "-w", "README"]);
    let mut line = format!("100644 blob {blob}");
    let mut tree = String::new();
    for _ in 0..6 {
        let entries: String = (0..10).map(|name| format!("{line}\t{name}\n")).collect();
        fs::write(origin.path().join("entries"), entries).unwrap();
        let made = process::Command::new("git")
            .arg("-C")
            .arg(origin.path())
            .arg("mktree")
            .stdin(fs::File::open(origin.path().join("entries")).unwrap())
            .output()
            .unwrap();
        tree = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        line = format!("040000 tree {tree}");
    }
    let commit = origin.git(&["commit-tree", "-m", "bomb", &tree]);
    origin.git(&["branch", "bomb", &commit]);
    let error = origin.check_out("bomb").unwrap_err().to_string();
    assert!(
        error.ends_with("the commit has more than 500000 files"),
        "{error}"
    );
}
