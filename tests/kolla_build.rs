//! `slipway` called as kolla-build: the build script people have, with its INI file, sources and a
//! registry behind TLS and a password; and builds that are killed.
//!
//! SLIPWAY_KILLS says how many builds are killed, SLIPWAY_SEED when.

// A test says what is wrong by panicking.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use end_to_end::{Run, repository, run, slipway};

const PASSWORD: &str = "s3cret-of-the-registry";

/// A folder with images of its own, and what was built of them, removed in the end.
struct Place {
    folder: PathBuf,
    namespace: String,
}

impl Place {
    fn new(name: &str) -> Place {
        let namespace = format!("slipway-kolla-build-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(&namespace);
        fs::create_dir_all(&folder).expect("a folder");
        let place = Place { folder, namespace };
        place.write(
            "share/images/base/Dockerfile.j2",
            "FROM {{ base_image }}:{{ base_distro_tag }}\nLABEL of=\"{{ maintainer }}\"\n\
             {% block base_footer %}{% endblock %}\n",
        );
        symlink(slipway().get_program(), place.path("kolla-build")).expect("a link");
        place
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.join(inside)
    }

    fn write(&self, inside: &str, text: &str) -> PathBuf {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    /// An image of this name that is built from `base`.
    fn image(&self, name: &str, rest: &str) {
        self.write(
            &format!("share/images/{name}/Dockerfile.j2"),
            &format!("FROM {{{{ namespace }}}}/{{{{ image_prefix }}}}base:{{{{ tag }}}}\n{rest}"),
        );
    }

    /// kolla-build with this place's images, its own home and nothing of the caller's.
    fn kolla_build(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.path("kolla-build"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("SLIPWAY_SHARE", self.path("share"))
            .env("HOME", self.path("home"))
            .env("DOCKER_CONFIG", self.path("docker"))
            .env_remove("SLIPWAY_KOLLA");
        command
    }

    fn docker(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("docker");
        run(command.args(arguments)).exits(0).out
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let images = Command::new("docker")
            .args(["images", "--format", "{{.Repository}}:{{.Tag}}"])
            .output();
        let images = images.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        for image in images
            .unwrap_or_default()
            .lines()
            .filter(|name| name.contains(&self.namespace))
        {
            let _ = Command::new("docker")
                .args(["rmi", "--force", image])
                .output();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A registry of this test alone, ended with it.
struct Registry {
    process: Child,
    port: u16,
    data: PathBuf,
}

impl Registry {
    fn start(place: &Place) -> Registry {
        let folder = place.path("registry");
        let data = folder.join("data");
        fs::create_dir_all(&data).expect("a folder");
        let program = registry_program();
        let port = free_port();
        let certificate = [
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ];
        let mut openssl = Command::new("openssl");
        run(openssl.args(certificate).current_dir(&folder)).exits(0);
        // bcrypt, which is all that the registry takes.
        let script = "print crypt($ARGV[0], '$2b$05$abcdefghijklmnopqrstuu')";
        let mut perl = Command::new("perl");
        let hash = run(perl.args(["-e", script, PASSWORD])).exits(0).out;
        fs::write(folder.join("htpasswd"), format!("builder:{hash}\n")).expect("a file");
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {data}}}}}\n\
             http:\n  addr: 127.0.0.1:{port}\n  tls: {{certificate: {folder}/cert.pem, key: {folder}/key.pem}}\n\
             auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n",
            data = data.display(),
            folder = folder.display(),
        );
        fs::write(folder.join("config.yml"), config).expect("a file");
        let process = Command::new(program)
            .args(["serve", "config.yml"])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the registry starts");
        let registry = Registry {
            process,
            port,
            data,
        };
        let end = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the registry does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        registry
    }

    fn name(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The digest that a tag has there.
    fn digest(&self, image: &str, tag: &str) -> Option<String> {
        let link =
            format!("docker/registry/v2/repositories/{image}/_manifests/tags/{tag}/current/link");
        fs::read_to_string(self.data.join(link)).ok()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Debian's docker-registry: the one that is installed, or the package's, unpacked under target/.
fn registry_program() -> PathBuf {
    let installed = Path::new("/usr/bin/docker-registry");
    if installed.exists() {
        return installed.to_owned();
    }
    let folder = repository().join("target/docker-registry");
    let program = folder.join("usr/bin/docker-registry");
    if !program.exists() {
        fs::create_dir_all(&folder).expect("a folder");
        let mut apt = Command::new("apt-get");
        run(apt
            .args(["download", "docker-registry"])
            .current_dir(&folder))
        .exits(0);
        let package = fs::read_dir(&folder)
            .expect("the folder")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .expect("the package");
        let mut dpkg = Command::new("dpkg-deb");
        run(dpkg.arg("-x").arg(package).arg(&folder)).exits(0);
    }
    program
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Serves one file to whoever asks, until the test ends.
fn serve(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut asked = [0; 1024];
            let count = stream.read(&mut asked).unwrap_or_default();
            let is_known = asked[..count].starts_with(b"GET /app.tar.gz ");
            let (status, body) = match is_known {
                true => ("200 OK", bytes.as_slice()),
                false => ("404 Not Found", &b""[..]),
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(body));
        }
    });
    format!("http://{address}")
}

/// A folder `app-1` with a file, packed.
fn packed(place: &Place) -> (Vec<u8>, String) {
    place.write("upstream/app-1/setup.py", "print('app')\n");
    let mut tar = Command::new("tar");
    run(tar
        .args(["-czf", "app.tar.gz", "app-1"])
        .current_dir(place.path("upstream")))
    .exits(0);
    let mut sum = Command::new("sha256sum");
    let sum = run(sum.arg(place.path("upstream/app.tar.gz"))).exits(0).out;
    let digest = sum.split_whitespace().next().unwrap_or_default().to_owned();
    (
        fs::read(place.path("upstream/app.tar.gz")).expect("the archive"),
        digest,
    )
}

fn names(summary: &serde_json::Value, key: &str) -> Vec<String> {
    let images = summary[key].as_array().cloned().unwrap_or_default();
    images
        .iter()
        .filter_map(|image| Some(image["name"].as_str()?.to_owned()))
        .collect()
}

fn login(place: &Place, registry: &Registry, password: &str) {
    let mut base64 = Command::new("base64");
    let mut child = base64
        .arg("-w0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("base64");
    let text = format!("builder:{password}");
    child
        .stdin
        .take()
        .expect("its input")
        .write_all(text.as_bytes())
        .expect("written");
    let auth = child.wait_with_output().expect("its output").stdout;
    let auth = String::from_utf8_lossy(&auth);
    let config = format!(
        "{{\"auths\": {{\"{}\": {{\"auth\": \"{auth}\"}}}}}}",
        registry.name()
    );
    place.write("docker/config.json", &config);
}

#[test]
fn the_script_people_have_builds_and_pushes() {
    let place = Place::new("push");
    place.image("app", "{% set app_packages = ['one'] %}\nENV P=\"{{ app_packages | customizable('packages') | join(' ') }}\"\n");
    let registry = Registry::start(&place);
    let first = place.write(
        "first.j2",
        "{% extends parent_template %}\n{% set app_packages_append = ['puppet'] %}\n",
    );
    let second = place.write(
        "second.j2",
        "{% extends parent_template %}\n{% block base_footer %}ENV FOOTER=yes\n{% endblock %}\n",
    );
    let ini = format!(
        "[DEFAULT]\nbase = debian\nnamespace = {}\nregistry = {}\ntag = ${{base}}-7\n\
         template_override = {}\ntemplate_override = {}\npush = true\npush_threads = 2\n",
        place.namespace,
        registry.name(),
        first.display(),
        second.display()
    );
    let ini = place.write("kolla-build.conf", &ini);
    let ini = ini.display().to_string();
    let build = |arguments: &[&str]| -> Run {
        let all = [&["--config-file", &ini], arguments].concat();
        run(&mut place.kolla_build(&all))
    };

    login(&place, &registry, "wrong");
    let refused = build(&["--retries", "0"]).exits(1);
    let summary = refused.json();
    assert!(names(&summary, "built").is_empty(), "{summary}");
    assert_eq!(summary["failed"][0]["status"], "push_error", "{summary}");
    refused.says(&["cannot push", "unauthorized"]);

    login(&place, &registry, PASSWORD);
    let pushed = build(&["--summary-json-file", "summary.json"]).exits(0);
    assert!(!pushed.err.contains(PASSWORD) && pushed.out.is_empty());
    let text = fs::read_to_string(place.path("summary.json")).expect("the summary");
    let summary: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(names(&summary, "built"), ["app", "base"]);
    for image in summary["built"].as_array().expect("a list") {
        let name = format!(
            "{}/{}",
            place.namespace,
            image["name"].as_str().unwrap_or_default()
        );
        let there = registry.digest(&name, "debian-7");
        assert_eq!(there.as_deref(), image["digest"].as_str(), "{name}");
        assert!(there.is_some());
    }
    let app = format!("{}/{}/app:debian-7", registry.name(), place.namespace);
    let config = place.docker(&["inspect", "--format", "{{.Config.Env}}", &app]);
    assert!(
        config.contains("P=one puppet") && config.contains("FOOTER=yes"),
        "{config}"
    );

    // A helper keeps the password now; nothing is built, and what the registry has is not sent.
    let helper = place.write(
        "bin/docker-credential-keeper",
        &format!("#!/bin/sh\nread registry\nprintf '{{\"Username\": \"builder\", \"Secret\": \"{PASSWORD}\"}}'\n"),
    );
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).expect("a mode");
    place.write("docker/config.json", "{\"credsStore\": \"keeper\"}");
    let path = format!(
        "{}:{}",
        place.path("bin").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut again = place.kolla_build(&["--config-file", &ini]);
    let again = run(again.env("PATH", path))
        .exits(0)
        .says(&["nothing has changed", "already exists"]);
    assert_eq!(names(&again.json(), "built"), ["app", "base"]);
    assert!(!again.err.contains(PASSWORD));
}

#[test]
fn sources_are_fetched_checked_and_added() {
    let place = Place::new("sources");
    let (archive, digest) = packed(&place);
    let address = serve(archive);
    place.image(
        "app",
        "ADD app-archive /source\nADD plugins-archive /\nADD additions-archive /\n\
         RUN test -f /source/app-1/setup.py && test -f /plugins/local/file \\\n\
         \x20   && test -d /plugins/app-plugin-git-archive-v1-0/.git && test -d /additions \\\n\
         \x20   && test \"$(stat -c %u:%Y /plugins/local/file)\" = 0:0\n",
    );
    place.write("local/file", "x");
    let git = place.path("repository");
    fs::create_dir_all(&git).expect("a folder");
    let script = "git init -q . && git config user.email a@b && git config user.name a && \
                  echo 1 >f && git add f && git commit -qm one && git tag v1/0";
    run(Command::new("sh").args(["-c", script]).current_dir(&git)).exits(0);
    let ini = |digest: &str, name: &str| {
        let text = format!(
            "[DEFAULT]\nnamespace = {}\nbase = debian\ntarballs_base = {address}\nlocals_base = {}\n\
             [app]\ntype = url\nlocation = $tarballs_base/{name}.tar.gz\nsha256 = amd64:{digest},arm64:{digest}\n\
             [app-plugin-local]\ntype = local\nlocation = $locals_base/local\n\
             [app-plugin-git]\ntype = git\nlocation = {}\nreference = v1/0\n",
            place.namespace,
            place.folder.display(),
            git.display(),
        );
        place.write("kolla-build.conf", &text).display().to_string()
    };
    let build = |ini: &str| run(&mut place.kolla_build(&["--config-file", ini, "--retries", "0"]));

    build(&ini(&"0".repeat(64), "app")).exits(1).says(&[
        "image app: source app:",
        "has the sha256",
        &digest,
    ]);
    build(&ini(&digest, "no-such"))
        .exits(1)
        .says(&["the server answers 404"]);
    build(&ini(&digest, "app")).exits(0);
    // git's own files differ from clone to clone, and the image is the same nevertheless.
    build(&ini(&digest, "app"))
        .exits(0)
        .says(&["nothing has changed"]);
    place.write("local/file", "y");
    build(&ini(&digest, "app"))
        .exits(0)
        .says(&["app: file plugins-archive in context changed"]);
}

#[test]
fn what_is_wrong_is_said_before_anything_is_built() {
    let place = Place::new("wrong");
    let build = |ini: &str, arguments: &[&str]| {
        let ini = place.write("k.conf", ini).display().to_string();
        run(&mut place.kolla_build(&[&["--config-file", &ini], arguments].concat())).exits(2)
    };
    build("[DEFAULT]\nnamespce = x\n", &[]).says(&["k.conf:2:", "did you mean namespace?"]);
    build("[DEFAULT]\nthreads = x\n", &[]).says(&["k.conf:2:", "must be a whole number"]);
    build("[bse]\ntype = git\n", &[]).says(&["k.conf:2:", "did you mean base?"]);
    build("[DEFAULT\n", &[]).says(&["k.conf:1:", "does not end with ]"]);
    build("", &["--namespace", "Upper"]).says(&["'Upper' is no namespace"]);
    build("", &["--profile", "none"]).says(&["there is no profile none"]);
    build("", &["--buildkit-builder", "x"]).says(&["cannot be honoured"]);
    build("", &["--config-file", "/nowhere.conf"]).says(&["/nowhere.conf"]);
    build("", &["--skip-exsting"]).says(&["--skip-existing"]);
}

/// A number that is anything, and the same for the same seed.
fn scattered(seed: u64) -> u64 {
    let mut value = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn number(variable: &str, default: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn a_killed_build_is_made_up_for_by_the_next() {
    let place = Place::new("kill");
    for name in ["one", "two", "three"] {
        place.image(
            name,
            "COPY file /file\nRUN sleep 0.2\nCOPY file /again\nRUN cmp /file /again\n",
        );
    }
    let touch = |round: u64| {
        for name in ["one", "two", "three"] {
            place.write(&format!("share/images/{name}/file"), &format!("{round}\n"));
        }
    };
    // The containers of a build have their image's labels, and the name of no image.
    let conf = place.write(
        "kill.conf",
        &format!(
            "[DEFAULT]\nbase = debian\nnamespace = {0}\nmaintainer = {0}\n",
            place.namespace
        ),
    );
    let arguments = ["--config-file", conf.to_str().expect("UTF-8")];
    touch(0);
    run(&mut place.kolla_build(&arguments)).exits(0);
    let (rounds, seed) = (number("SLIPWAY_KILLS", 4), number("SLIPWAY_SEED", 1));
    println!("{rounds} builds are killed, seed {seed}");
    for round in 1..=rounds {
        touch(round);
        let mut command = place.kolla_build(&arguments);
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
        let next = run(&mut place.kolla_build(&arguments)).exits(0).json();
        assert_eq!(
            names(&next, "built"),
            ["base", "one", "three", "two"],
            "round {round}"
        );
        for name in ["one", "two", "three"] {
            let image = format!("{}/{name}:latest", place.namespace);
            let file = place.docker(&[
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
    run(&mut place.kolla_build(&arguments))
        .exits(0)
        .says(&["nothing has changed"]);
    let end = Instant::now() + Duration::from_secs(30);
    let label = format!("label=of={}", place.namespace);
    let stray = || {
        let listed = place.docker(&["ps", "--all", "--quiet", "--filter", &label]);
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
