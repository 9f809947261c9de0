//! The base image in containers: the start of a service, and the healthchecks.

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use slipway_end_to_end::{Deployment, Run, run};

slipway_test_support::harness! {
    [engine, root] fn a_container_of_the_base_image_behaves_as_kollas;
}

/// A small service: it prints its user and arguments, listens on a port and a socket, and holds a
/// connection open.
const SERVICE: &str = r#"
use strict; use warnings;
use IO::Socket::INET; use IO::Socket::UNIX;
$| = 1;
print "service of ", scalar getpwuid($>), " was given (@ARGV)\n";
unlink '/tmp/service.sock';
my $unix = IO::Socket::UNIX->new(Local => '/tmp/service.sock', Listen => 1) or die "no socket: $!";
my $tcp = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 7001, Listen => 5) or die "no port: $!";
my $connection = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => 7001) or die "no connection: $!";
my $other_end = $tcp->accept;
print "service is ready\n";
while (my $client = $tcp->accept) {
    my $request = <$client>;
    while (my $line = <$client>) { last if $line =~ /^\s*$/ }
    print $client 'HTTP/1.0 ', ($request =~ m{ /good } ? '200 Good' : '500 Bad'), "\r\n\r\n";
    close $client;
}
"#;

/// The start script extension of an image, as Kolla's images write it.
const EXTEND_START: &str = r#"
if [[ "${KOLLA_BOOTSTRAP+set}" ]]; then
    echo "bootstrapping"
    exit 0
fi
ARGS="--extended twice"
"#;

const CONFIGS: &str = "/var/lib/kolla/config_files";
const READY: &str = "service is ready";

fn a_container_of_the_base_image_behaves_as_kollas() {
    let deployment = Deployment::new("base-image");
    run(deployment.build().arg("^base$")).exits(0);
    declare(&deployment);
    a_service_is_started_as_its_user_with_its_files_in_place(&deployment);
    the_image_may_extend_the_start_or_bootstrap_instead(&deployment);
    each_restart_copies_again_unless_once_is_enough(&deployment);
    only_the_mounted_file_selects_the_files_that_root_copies(&deployment);
    a_broken_config_starts_nothing(&deployment);
    each_healthcheck_distinguishes_healthy_from_unhealthy(&deployment);
    deployment.remove();
}

/// The directory that the containers mount as their config_files.
fn declare(deployment: &Deployment) {
    std::fs::create_dir(deployment.file("config_files")).expect("a directory");
    let config = json!({
        "command": format!("/usr/bin/perl {CONFIGS}/service.pl"),
        "config_files": [{"source": format!("{CONFIGS}/service.conf"), "dest": "/etc/service/service.conf",
            "owner": "memcached", "perm": "0600"}],
        "permissions": [{"path": "/var/log/kolla", "owner": "memcached:kolla", "recurse": true}],
    });
    deployment.write("config_files/config.json", &config.to_string());
    deployment.write("config_files/service.conf", "first\n");
    deployment.write("config_files/service.pl", SERVICE);
    deployment.write("extend_start", EXTEND_START);
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(deployment.file("config_files/config.json"), private).expect("a mode");
}

fn a_service_is_started_as_its_user_with_its_files_in_place(deployment: &Deployment) {
    let container = Container::start(deployment, "start", &[]);
    container.says(&["service of memcached was given ()", READY]);
    let copied = container.exec(&["stat", "--format", "%U:%G %a", "/etc/service/service.conf"]);
    assert_eq!(copied.exits(0).out, "memcached:memcached 600\n");
    let logs = container.exec(&["stat", "--format", "%U:%G", "/var/log/kolla"]);
    assert_eq!(logs.exits(0).out, "memcached:kolla\n");
    container
        .exec(&["sudo", "-n", "/usr/local/bin/kolla_set_configs", "--check"])
        .exits(0);
    // The service replaced the shell, and the init process forwards signals to it.
    let processes = container.exec(&["pgrep", "--list-name", "."]).exits(0).out;
    assert!(!processes.contains("bash"), "{processes}");
    container.exec(&["sudo", "-n", "true"]).exits(1);
}

fn the_image_may_extend_the_start_or_bootstrap_instead(deployment: &Deployment) {
    let extension = format!(
        "{}:/usr/local/bin/kolla_extend_start:ro",
        deployment.file("extend_start").display()
    );
    let extended = Container::start(deployment, "extended", &["--volume", &extension]);
    extended.says(&["service of memcached was given (--extended twice)", READY]);

    let skip = ["--volume", &extension, "--env", "KOLLA_SKIP_EXTEND_START="];
    let skipped = Container::start(deployment, "skipped", &skip);
    skipped.says(&["service of memcached was given ()", READY]);

    let bootstrap = ["--volume", &extension, "--env", "KOLLA_BOOTSTRAP="];
    let bootstrapped = Container::start(deployment, "bootstrap", &bootstrap);
    assert_eq!(bootstrapped.ends(), "0");
    let log = bootstrapped.says(&["bootstrapping"]);
    assert!(!log.contains("service of"), "{log}");
}

fn each_restart_copies_again_unless_once_is_enough(deployment: &Deployment) {
    let always = Container::start(deployment, "always", &[]);
    let once = Container::start(
        deployment,
        "once",
        &["--env", "KOLLA_CONFIG_STRATEGY=COPY_ONCE"],
    );
    for container in [&always, &once] {
        container.says(&[READY]);
    }
    deployment.write("config_files/service.conf", "second\n");
    for (container, expected) in [(&always, "second\n"), (&once, "first\n")] {
        run(Command::new("docker").args(["restart", "--time", "5", &container.name])).exits(0);
        container.says_times(READY, 2);
        let copied = container.exec(&["cat", "/etc/service/service.conf"]);
        assert_eq!(copied.exits(0).out, expected);
    }
    deployment.write("config_files/service.conf", "first\n");
}

/// A service's user may run kolla_set_configs as root, so its environment must not select what is
/// copied.
fn only_the_mounted_file_selects_the_files_that_root_copies(deployment: &Deployment) {
    let other = json!({"command": "other", "config_files": [
        {"source": "/etc/shadow", "dest": "/tmp/shadow", "owner": "memcached", "perm": "0644"}]});
    let variable = format!("KOLLA_CONFIG={other}");
    let container = Container::start(deployment, "environment", &["--env", &variable]);
    container.says(&[READY]);
    container
        .exec(&["sudo", "-n", "-E", "/usr/local/bin/kolla_set_configs"])
        .says(&["sorry, you are not allowed to preserve the environment"]);
    container.exec(&["test", "-e", "/tmp/shadow"]).exits(1);
}

fn a_broken_config_starts_nothing(deployment: &Deployment) {
    let config = std::fs::read_to_string(deployment.file("config_files/config.json"));
    let config = config.expect("config.json");
    deployment.replace("config_files/config.json", "\"command\"", "\"comand\"");
    let broken = Container::start(deployment, "broken", &[]);
    assert_eq!(broken.ends(), "1");
    let log = broken.says(&["InvalidConfig", "\"command\""]);
    assert!(!log.contains("Running command"), "{log}");
    deployment.write("config_files/config.json", &config);
}

fn each_healthcheck_distinguishes_healthy_from_unhealthy(deployment: &Deployment) {
    let options = [
        "--health-cmd=healthcheck_filemod /tmp/alive 600",
        "--health-interval=500ms",
        "--health-retries=1",
    ];
    let container = Container::start(deployment, "health", &options);
    container.says(&[READY]);
    container.becomes("unhealthy");
    container.exec(&["touch", "/tmp/alive"]).exits(0);
    container.becomes("healthy");
    container
        .exec(&["touch", "--date", "1 hour ago", "/tmp/stale"])
        .exits(0);

    for (healthy, unhealthy) in [
        (
            "healthcheck_filemod /tmp/alive 600",
            "healthcheck_filemod /tmp/stale 600",
        ),
        (
            "healthcheck_filemod /tmp/stale 7200",
            "healthcheck_filemod /tmp/nothing 600",
        ),
        (
            "healthcheck_curl http://127.0.0.1:7001/good",
            "healthcheck_curl http://127.0.0.1:7001/bad",
        ),
        (
            "healthcheck_curl --head http://127.0.0.1:7001/good",
            "healthcheck_curl http://127.0.0.1:7002/good",
        ),
        (
            "healthcheck_listen perl 7001",
            "healthcheck_listen perl 7002",
        ),
        (
            "healthcheck_listen service.pl 7002 7001",
            "healthcheck_listen nobody 7001",
        ),
        ("healthcheck_port perl 7001", "healthcheck_port perl 7002"),
        (
            "healthcheck_port service.pl 7002 7001",
            "healthcheck_port nobody 7001",
        ),
        (
            "healthcheck_socket perl /tmp/service.sock",
            "healthcheck_socket perl /tmp/other.sock",
        ),
        (
            "healthcheck_socket perl /tmp/service.sock",
            "healthcheck_socket nobody /tmp/service.sock",
        ),
    ] {
        for (check, expected) in [(healthy, 0), (unhealthy, 1)] {
            let words: Vec<&str> = check.split(' ').collect();
            let checked = container.exec(&words);
            assert_eq!(checked.code, Some(expected), "{check}: {checked:?}");
        }
    }
}

/// A container of the base image that runs the service. Removed on drop.
struct Container {
    name: String,
}

impl Container {
    fn start(deployment: &Deployment, name: &str, options: &[&str]) -> Container {
        let container = Container {
            name: format!("slipway-e2e-base-{name}"),
        };
        container.remove();
        let configs = format!("{}:{CONFIGS}:ro", deployment.file("config_files").display());
        let mut command = Command::new("docker");
        command.args([
            "run",
            "--detach",
            "--network",
            "none",
            "--name",
            &container.name,
        ]);
        // Like the image of a service: a user of its own, in the group that may copy.
        command.args([
            "--user",
            "memcached",
            "--group-add",
            "kolla",
            "--volume",
            &configs,
        ]);
        command.args(["--env", "KOLLA_CONFIG_STRATEGY=COPY_ALWAYS"]);
        run(command.args(options).arg("slipway-e2e/base:latest")).exits(0);
        container
    }

    fn exec(&self, command: &[&str]) -> Run {
        run(Command::new("docker")
            .args(["exec", &self.name])
            .args(command))
    }

    fn log(&self) -> String {
        let log = run(Command::new("docker").args(["logs", &self.name]));
        log.out + &log.err
    }

    /// Waits until its output contains all of these words. Returns the output.
    #[track_caller]
    fn says(&self, words: &[&str]) -> String {
        let log =
            wait(|| Some(self.log()).filter(|log| words.iter().all(|word| log.contains(word))));
        log.unwrap_or_else(|| panic!("not all of {words:?} in:\n{}", self.log()))
    }

    #[track_caller]
    fn says_times(&self, word: &str, times: usize) {
        let said = wait(|| Some(()).filter(|()| self.log().matches(word).count() == times));
        said.unwrap_or_else(|| panic!("{word:?} not {times} times in:\n{}", self.log()));
    }

    /// Waits for its end. Returns the exit status.
    fn ends(&self) -> String {
        let ended = run(Command::new("docker").args(["wait", &self.name])).exits(0);
        ended.out.trim().to_owned()
    }

    /// Waits until the engine reports this health.
    #[track_caller]
    fn becomes(&self, health: &str) {
        let format = "{{.State.Health.Status}}";
        let inspected =
            || run(Command::new("docker").args(["inspect", "--format", format, &self.name]));
        let became = wait(|| Some(()).filter(|()| inspected().out.trim() == health));
        became.unwrap_or_else(|| panic!("not {health}: {:?}", inspected()));
    }

    fn remove(&self) {
        // It may be missing.
        let _ = run(Command::new("docker").args(["rm", "--force", "--volumes", &self.name]));
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Polls until there is an answer, with a generous timeout.
fn wait<T>(answer: impl Fn() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        match answer() {
            None if began.elapsed() < Duration::from_secs(60) => {
                std::thread::sleep(Duration::from_millis(100));
            }
            answer => return answer,
        }
    }
}
