//! Interrupted builds and pushes: killed, ended by Ctrl-C, or stopped by a registry that hangs. The
//! next run succeeds and repeats only what was not done.
//!
//! `SLIPWAY_KILLS` is the number of builds that are killed, `SLIPWAY_SEED` selects the moments, and
//! `SLIPWAY_INTERRUPTS` is the number of builds that Ctrl-C ends.

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use slipway_end_to_end::{PASSWORD, Registry, Workspace, login, names, run};

slipway_test_support::harness! {
    [engine] fn a_killed_build_is_completed_by_the_next;
    [engine] fn an_interrupted_build_leaves_nothing_running;
    [engine] fn a_resumed_push_sends_only_missing_layers;
}

/// Returns a pseudo-random number for a seed.
fn scattered(seed: u64) -> u64 {
    let mut value = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn number(variable: &str, default: u64) -> u64 {
    let value = std::env::var(variable).ok();
    value.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn a_killed_build_is_completed_by_the_next() {
    let workspace = Workspace::new("kill");
    for name in ["one", "two", "three"] {
        workspace.image(
            name,
            "COPY file /file\nRUN sleep 0.2\nCOPY file /again\nRUN cmp /file /again\n",
        );
    }
    let touch = |round: u64| {
        for name in ["one", "two", "three"] {
            workspace.write(&format!("share/images/{name}/file"), &format!("{round}\n"));
        }
    };
    // The containers of a build have their image's labels, but not the name of an image.
    let conf = workspace.write(
        "kill.conf",
        &format!(
            "[DEFAULT]\nbase = debian\nnamespace = {0}\nmaintainer = {0}\n",
            workspace.namespace
        ),
    );
    let arguments = ["--config-file", conf.to_str().expect("UTF-8")];
    touch(0);
    run(&mut workspace.kolla_build(&arguments)).exits(0);
    let (rounds, seed) = (number("SLIPWAY_KILLS", 4), number("SLIPWAY_SEED", 1));
    println!("{rounds} builds are killed, seed {seed}");
    for round in 1..=rounds {
        touch(round);
        let mut command = workspace.kolla_build(&arguments);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a build");
        std::thread::sleep(Duration::from_millis(
            scattered(seed ^ (round << 16)) % 2500,
        ));
        let _ = child.kill();
        let _ = child.wait();
        let next = run(&mut workspace.kolla_build(&arguments)).exits(0).json();
        assert_eq!(
            names(&next, "built"),
            ["base", "one", "three", "two"],
            "round {round}"
        );
        for name in ["one", "two", "three"] {
            let image = format!("{}/{name}:latest", workspace.namespace);
            let file = workspace.docker(&[
                "run",
                "--rm",
                "--network",
                "none",
                &image,
                "cat",
                "/file",
                "/again",
            ]);
            assert_eq!(
                file,
                format!("{round}\n{round}\n"),
                "{image} of round {round}"
            );
        }
    }
    run(&mut workspace.kolla_build(&arguments))
        .exits(0)
        .says(&["nothing has changed"]);
    let end = Instant::now() + Duration::from_secs(30);
    let label = format!("label=of={}", workspace.namespace);
    let stray = || {
        let listed = workspace.docker(&["ps", "--all", "--quiet", "--filter", &label]);
        listed.lines().count()
    };
    while stray() > 0 {
        assert!(
            Instant::now() < end,
            "a container is left of a killed build"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Polls until a condition holds, with a timeout.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !is_so() {
        assert!(Instant::now() < end, "never came: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn start(mut command: Command) -> Child {
    let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().expect("a build")
}

/// Interrupts a program as Ctrl-C does. Returns its exit status and output.
fn interrupt(child: Child) -> (Option<i32>, String) {
    let mut kill = Command::new("sh");
    run(kill.args(["-c", &format!("kill -INT {}", child.id())])).exits(0);
    let ended = child.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    (ended.status.code(), said)
}

/// Returns true if a process with these arguments runs, in a container or on the host.
fn runs(arguments: &[&str]) -> bool {
    let wanted = arguments.join("\0") + "\0";
    let processes = fs::read_dir("/proc").expect("the processes");
    processes
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .any(|line| line == wanted.as_bytes())
}

fn an_interrupted_build_leaves_nothing_running() {
    for builder in ["--nobuildkit", "--buildkit"] {
        let workspace = Workspace::new(&format!("interrupt{builder}"));
        // A duration that identifies the process.
        let seconds = format!("{}.25", 10_000 + std::process::id());
        let sleep = format!("COPY file /file\nRUN test -e /file.none || exec sleep {seconds}\n");
        workspace.image("slow", &sleep);
        let label = format!("label=of={}", workspace.namespace);
        let conf = workspace.write(
            "interrupt.conf",
            &format!(
                "[DEFAULT]\nbase = debian\nnamespace = {0}\nmaintainer = {0}\n",
                workspace.namespace
            ),
        );
        let arguments = ["--config-file", conf.to_str().expect("UTF-8"), builder];
        for round in 0..number("SLIPWAY_INTERRUPTS", 2) {
            workspace.write("share/images/slow/file", &round.to_string());
            let child = start(workspace.kolla_build(&arguments));
            wait_until("the step that sleeps", || runs(&["sleep", &seconds]));
            let (status, said) = interrupt(child);
            assert_eq!(status, Some(130), "round {round}: {said}");
            assert!(said.contains("interrupted; run it again"), "{said}");
            wait_until("the end of the step", || !runs(&["sleep", &seconds]));
            wait_until("the end of its container", || {
                workspace
                    .docker(&["ps", "--all", "--quiet", "--filter", &label])
                    .is_empty()
            });
        }
        workspace.image("slow", "COPY file /file\n");
        let next = run(&mut workspace.kolla_build(&arguments)).exits(0);
        assert_eq!(names(&next.json(), "built"), ["base", "slow"]);
    }
}

/// The number of bytes of a connection that the relay forwards while it is narrow.
const NARROW: u64 = 4 << 20;

/// A relay to a registry that counts the bytes sent, and that stalls large uploads while it is
/// narrow.
#[derive(Clone, Default)]
struct Door {
    port: u16,
    sent: Arc<AtomicU64>,
    is_narrow: Arc<AtomicBool>,
    /// The number of stalled connections.
    held: Arc<AtomicUsize>,
}

impl Door {
    fn to(registry: &str) -> Door {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let door = Door {
            port,
            ..Door::default()
        };
        let (opened, registry) = (door.clone(), registry.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&registry) else {
                    continue;
                };
                let copy = |stream: &TcpStream| stream.try_clone().expect("a second handle");
                let (mut from, mut to, door) = (copy(&server), copy(&client), opened.clone());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
                std::thread::spawn(move || {
                    let _ = door.pass(client, &server);
                    let _ = server.shutdown(Shutdown::Both);
                });
            }
        });
        door
    }

    /// Forwards the bytes of a client.
    fn pass(&self, mut client: TcpStream, mut server: &TcpStream) -> std::io::Result<()> {
        let (mut buffer, mut waiting, mut passed) = ([0; 16 * 1024], Vec::new(), 0);
        let mut is_held = false;
        while let Ok(count @ 1..) = client.read(&mut buffer) {
            waiting.extend_from_slice(&buffer[..count]);
            if passed > NARROW && self.is_narrow.load(Ordering::SeqCst) {
                if !is_held {
                    self.held.fetch_add(1, Ordering::SeqCst);
                }
                is_held = true;
                // Keep reading slowly: the engine checks that its client is connected before it sends
                // more.
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
            if std::mem::take(&mut is_held) {
                self.held.fetch_sub(1, Ordering::SeqCst);
            }
            server.write_all(&waiting)?;
            passed += waiting.len() as u64;
            self.sent.fetch_add(waiting.len() as u64, Ordering::SeqCst);
            waiting.clear();
        }
        if is_held {
            self.held.fetch_sub(1, Ordering::SeqCst);
        }
        Ok(())
    }

    fn name(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Returns the number of bytes sent since the last call.
    fn sent(&self) -> u64 {
        self.sent.swap(0, Ordering::SeqCst)
    }

    fn narrow(&self, is_narrow: bool) {
        self.is_narrow.store(is_narrow, Ordering::SeqCst);
    }

    fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst) > 0
    }
}

fn a_resumed_push_sends_only_missing_layers() {
    let workspace = Workspace::new("resume");
    let random = |count: &str| format!("RUN head -c {count} /dev/urandom >/{count}\n");
    workspace.image("app", &["16K", "17K", "18K", "32M"].map(random).concat());
    let registry = Registry::start(&workspace);
    let door = Door::to(&registry.name());
    login(&workspace, &door.name(), PASSWORD);
    let push = |image: &str| {
        let (registry, namespace) = (door.name(), &workspace.namespace);
        workspace.kolla_build(&[
            "--base",
            "debian",
            "--registry",
            &registry,
            "--namespace",
            namespace,
            "--push",
            image,
        ])
    };
    run(&mut push("^base$")).exits(0);
    let app = format!("{}/app", workspace.namespace);
    let layers_there = || registry.layers(&app).len();

    door.narrow(true);
    let mut killed = start(push("^app$"));
    // The layers of the base image, and all but the large one.
    wait_until("the small layers", || door.is_held() && layers_there() >= 4);
    let there = layers_there();
    killed.kill().expect("a running push");
    killed.wait().expect("its end");
    wait_until("the end of the engine's push", || !door.is_held());
    assert_eq!(registry.digest(&app, "latest"), None);

    let child = start(push("^app$"));
    wait_until("the large layer again", || door.is_held());
    assert_eq!(interrupt(child).0, Some(130));
    wait_until("the end of the engine's push", || !door.is_held());
    assert_eq!(layers_there(), there);

    door.sent();
    door.narrow(false);
    let whole = run(&mut push("^app$")).exits(0);
    let sent = door.sent();
    assert!(sent > 32 << 20 && sent < 33 << 20, "{sent} bytes were sent");
    assert_eq!(
        whole.err.matches("Layer already exists").count(),
        5,
        "{}",
        whole.err
    );
    let summary = whole.json();
    let digest = registry.digest(&app, "latest").expect("the tag");
    let of_app = summary["built"].as_array().expect("a list").iter();
    let said: Vec<_> = of_app.map(|image| image["digest"].as_str()).collect();
    assert!(said.contains(&Some(digest.as_str())), "{digest}: {summary}");
    // The large layer, and the configuration.
    assert_eq!(layers_there(), there + 2);
    registry.check();

    run(&mut push("^app$")).exits(0).says(&["already exists"]);
    assert!(door.sent() < 100_000);
    assert_eq!(registry.digest(&app, "latest"), Some(digest));
}
