//! `slipway` called as kolla-build: a usual build script with its INI file, sources, and a registry
//! behind TLS and a password.

// A test fails by panicking.
#![allow(clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use slipway_end_to_end::{PASSWORD, Registry, Run, Workspace, login, names, run, slipway};

slipway_test_support::harness! {
    [engine] fn a_usual_script_builds_and_pushes;
    [engine] fn sources_are_fetched_checked_and_added;
    [engine] fn errors_are_reported_before_anything_is_built;
    [engine] fn kolla_build_warns_where_slipway_build_refuses;
    [engine] fn the_log_and_the_lists_are_kolla_builds;
}

/// Serves one file over HTTP until the test ends.
fn serve(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 1024];
            let count = stream.read(&mut request).unwrap_or_default();
            let is_known = request[..count].starts_with(b"GET /app.tar.gz ");
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

/// Returns an archive of a directory `app-1` with one file.
fn packed(workspace: &Workspace) -> (Vec<u8>, String) {
    workspace.write("upstream/app-1/setup.py", "print('app')\n");
    let mut tar = Command::new("tar");
    run(tar
        .args(["-czf", "app.tar.gz", "app-1"])
        .current_dir(workspace.path("upstream")))
    .exits(0);
    let mut sum = Command::new("sha256sum");
    let sum = run(sum.arg(workspace.path("upstream/app.tar.gz")))
        .exits(0)
        .out;
    let digest = sum.split_whitespace().next().unwrap_or_default().to_owned();
    (
        fs::read(workspace.path("upstream/app.tar.gz")).expect("the archive"),
        digest,
    )
}

fn a_usual_script_builds_and_pushes() {
    let workspace = Workspace::new("push");
    workspace.image("app", "{% set app_packages = ['one'] %}\nENV P=\"{{ app_packages | customizable('packages') | join(' ') }}\"\n");
    let registry = Registry::start(&workspace);
    let first = workspace.write(
        "first.j2",
        "{% extends parent_template %}\n{% set app_packages_append = ['puppet'] %}\n",
    );
    let second = workspace.write(
        "second.j2",
        "{% extends parent_template %}\n{% block base_footer %}ENV FOOTER=yes\n{% endblock %}\n",
    );
    let ini = format!(
        "[DEFAULT]\nbase = debian\nnamespace = {}\nregistry = {}\ntag = ${{base}}-7\n\
         template_override = {}\ntemplate_override = {}\npush = true\npush_threads = 2\n",
        workspace.namespace,
        registry.name(),
        first.display(),
        second.display()
    );
    let ini = workspace.write("kolla-build.conf", &ini);
    let ini = ini.display().to_string();
    let build = |arguments: &[&str]| -> Run {
        let all = [&["--config-file", &ini], arguments].concat();
        run(&mut workspace.kolla_build(&all))
    };

    login(&workspace, &registry.name(), "wrong");
    let refused = build(&["--retries", "0"]).exits(1);
    let summary = refused.json();
    assert!(names(&summary, "built").is_empty(), "{summary}");
    assert_eq!(summary["failed"][0]["status"], "push_error", "{summary}");
    refused.says(&["cannot push", "unauthorized"]);

    login(&workspace, &registry.name(), PASSWORD);
    let pushed = build(&["--summary-json-file", "summary.json"]).exits(0);
    assert!(!pushed.err.contains(PASSWORD) && pushed.out.is_empty());
    let text = fs::read_to_string(workspace.path("summary.json")).expect("the summary");
    let summary: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(names(&summary, "built"), ["app", "base"]);
    for image in summary["built"].as_array().expect("a list") {
        let name = format!(
            "{}/{}",
            workspace.namespace,
            image["name"].as_str().unwrap_or_default()
        );
        let there = registry.digest(&name, "debian-7");
        assert_eq!(there.as_deref(), image["digest"].as_str(), "{name}");
        assert!(there.is_some());
    }
    let app = format!("{}/{}/app:debian-7", registry.name(), workspace.namespace);
    let config = workspace.docker(&["inspect", "--format", "{{.Config.Env}}", &app]);
    assert!(
        config.contains("P=one puppet") && config.contains("FOOTER=yes"),
        "{config}"
    );

    // A credential helper has the password now. Nothing is built, and the registry already has every
    // layer.
    let helper = workspace.write(
        "bin/docker-credential-keeper",
        &format!("#!/bin/sh\nread registry\nprintf '{{\"Username\": \"builder\", \"Secret\": \"{PASSWORD}\"}}'\n"),
    );
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).expect("a mode");
    workspace.write("docker/config.json", "{\"credsStore\": \"keeper\"}");
    let path = format!(
        "{}:{}",
        workspace.path("bin").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut second = workspace.kolla_build(&["--config-file", &ini]);
    let second = run(second.env("PATH", path))
        .exits(0)
        .says(&["nothing has changed", "already exists"]);
    assert_eq!(names(&second.json(), "built"), ["app", "base"]);
    assert!(!second.err.contains(PASSWORD));

    a_pushed_image_is_pulled_only_with_a_login(&workspace, &registry, &ini);
}

fn a_pushed_image_is_pulled_only_with_a_login(
    workspace: &Workspace,
    registry: &Registry,
    ini: &str,
) {
    let image = |name: &str| {
        let (registry, namespace) = (registry.name(), &workspace.namespace);
        format!("{registry}/{namespace}/{name}:debian-7")
    };
    workspace.docker(&["rmi", &image("app"), &image("base")]);
    let child = ["--config-file", ini, "--skip-parents", "app"];
    let declared = format!(
        "one: {{image: '{}', command: 'true', detach: false, net: none}}",
        image("app")
    );
    let declared = workspace.write("one.yaml", &declared).display().to_string();
    let set = ["--config-id", &workspace.namespace];
    let apply = [
        &["apply", "--managed-by", "slipway-e2e", "--file", &declared],
        &set[..],
    ]
    .concat();
    let here = |command: &mut Command| run(command.env("DOCKER_CONFIG", workspace.path("docker")));

    // With a missing helper, public images can still be pulled; this one is not public.
    workspace.write("docker/config.json", "{\"credsStore\": \"no-such\"}");
    let words = ["no credentials were sent", "docker-credential-no-such"];
    run(&mut workspace.kolla_build(&child))
        .exits(1)
        .says(&words);
    here(slipway().args(&apply)).exits(1).says(&words);
    login(workspace, &registry.name(), "wrong");
    run(&mut workspace.kolla_build(&child))
        .exits(1)
        .says(&["base", "unauthorized"]);

    login(workspace, &registry.name(), PASSWORD);
    let built = run(&mut workspace.kolla_build(&child)).exits(0);
    assert_eq!(names(&built.json(), "built"), ["app"]);
    workspace.docker(&["rmi", &image("app")]);
    let applied = here(slipway().args(&apply)).exits(0);
    let delete = ["delete", "--managed-by", "slipway-e2e"];
    here(slipway().args(delete).args(set)).exits(0);
    for told in [built, applied] {
        assert!(!told.err.contains(PASSWORD) && !told.out.contains(PASSWORD));
    }
}

fn sources_are_fetched_checked_and_added() {
    let workspace = Workspace::new("sources");
    let (archive, digest) = packed(&workspace);
    let address = serve(archive);
    workspace.image(
        "app",
        "ADD app-archive /source\nADD plugins-archive /\nADD additions-archive /\n\
         RUN test -f /source/app-1/setup.py && test -f /plugins/local/file \\\n\
         \x20   && test -d /plugins/app-plugin-git-archive-v1-0/.git && test -d /additions \\\n\
         \x20   && test \"$(stat -c %u:%Y /plugins/local/file)\" = 0:0\n",
    );
    workspace.write("local/file", "x");
    let git = workspace.path("repository");
    fs::create_dir_all(&git).expect("a directory");
    let script = "git init -q . && git config user.email a@b && git config user.name a && \
                  echo 1 >f && git add f && git commit -qm one && git tag v1/0";
    run(Command::new("sh").args(["-c", script]).current_dir(&git)).exits(0);
    let ini = |digest: &str, name: &str| {
        let text = format!(
            "[DEFAULT]\nnamespace = {}\nbase = debian\ntarballs_base = {address}\nlocals_base = {}\n\
             [app]\ntype = url\nlocation = $tarballs_base/{name}.tar.gz\nsha256 = amd64:{digest},arm64:{digest}\n\
             [app-plugin-local]\ntype = local\nlocation = $locals_base/local\n\
             [app-plugin-git]\ntype = git\nlocation = {}\nreference = v1/0\n",
            workspace.namespace,
            workspace.directory.display(),
            git.display(),
        );
        workspace
            .write("kolla-build.conf", &text)
            .display()
            .to_string()
    };
    let build =
        |ini: &str| run(&mut workspace.kolla_build(&["--config-file", ini, "--retries", "0"]));

    build(&ini(&"0".repeat(64), "app")).exits(1).says(&[
        "image app: source app:",
        "has the sha256",
        &digest,
    ]);
    build(&ini(&digest, "no-such"))
        .exits(1)
        .says(&["the server answers 404"]);
    build(&ini(&digest, "app")).exits(0);
    // git's own files differ between clones; the image is the same.
    build(&ini(&digest, "app"))
        .exits(0)
        .says(&["nothing has changed"]);
    workspace.write("local/file", "y");
    build(&ini(&digest, "app"))
        .exits(0)
        .says(&["app:file plugins-archive in context changed"]);
}

fn errors_are_reported_before_anything_is_built() {
    let workspace = Workspace::new("wrong");
    let build = |ini: &str, arguments: &[&str]| {
        let ini = workspace.write("k.conf", ini).display().to_string();
        run(&mut workspace.kolla_build(&[&["--config-file", &ini], arguments].concat())).exits(2)
    };
    build("[DEFAULT]\nthreads = x\n", &[]).says(&["k.conf:2:", "must be an integer"]);
    build("[DEFAULT\n", &[]).says(&["k.conf:1:", "does not end with ]"]);
    build("", &["--namespace", "Upper"]).says(&["namespace: 'Upper' is invalid"]);
    build("", &["--registry", "a registry"]).says(&["registry: 'a registry' is invalid"]);
    build("", &["--profile", "none"]).says(&["unknown profile none"]);
    build("", &["--config-file", "/nowhere.conf"]).says(&["/nowhere.conf"]);
    build("", &["--timeout", "0"]).says(&["timeout"]);
    build("", &["--template-only", "--work-dir", "share/images"])
        .says(&["the directory of templates"]);
    build("", &["--skip-exsting"]).says(&["--skip-existing"]);
}

/// A configuration that kolla-build ignores in part, without an error.
const IGNORED: &str = "[DEFAULT]\nnamespce = x\ninclude_header = /a\ntype = binary\n\
                           [doni-base]\ntype = zip\nlocation = x\n[base]\nowner = me\n";

fn kolla_build_warns_where_slipway_build_refuses() {
    let workspace = Workspace::new("lenient");
    workspace.image("app", "RUN true\n");
    let ini = workspace.write("k.conf", IGNORED).display().to_string();
    let arguments = [
        "--config-file",
        &ini,
        "--list-images",
        "app",
        "no-such-image",
    ];

    let listed = run(&mut workspace.kolla_build(&arguments)).exits(0);
    assert_eq!(listed.out, "1 : app\n2 : base\n");
    for warning in [
        "k.conf:2: unknown option namespce in section [DEFAULT]; did you mean namespace?",
        "k.conf:3: unknown option include_header in section [DEFAULT]",
        "k.conf:4: unknown option type in section [DEFAULT]; did you mean install_type?",
        "k.conf:6: unknown section [doni-base]",
        "k.conf:9: unknown option owner in section [base]",
        "no image matches no-such-image",
    ] {
        let is_warning = |line: &&str| {
            line.starts_with("WARNING:kolla.common.utils:") && line.ends_with(warning)
        };
        assert_eq!(
            listed.err.lines().filter(is_warning).count(),
            1,
            "{warning}: {}",
            listed.err
        );
    }
    let unpatched = ["--patches-path", "/nowhere", "--list-images"];
    run(&mut workspace.kolla_build(&unpatched))
        .exits(0)
        .says(&["--patches-path: patches_path: missing directory /nowhere"]);
    // No image matches: nothing to do.
    let none = run(&mut workspace.kolla_build(&["--list-images", "no-such-image"])).exits(0);
    assert!(none.out.is_empty());

    let slipway = |arguments: &[&str]| {
        let mut command = slipway();
        command.arg("build").args(arguments);
        command.env("SLIPWAY_SHARE", workspace.path("share"));
        run(command
            .env("HOME", workspace.path("home"))
            .env_remove("SLIPWAY_KOLLA"))
    };
    slipway(&arguments).exits(2).says(&[
        "k.conf:2: unknown option namespce in section [DEFAULT]",
        "did you mean namespace?",
    ]);
    slipway(&[&arguments[..], &["--no-strict"]].concat())
        .exits(0)
        .says(&["warning: ", "k.conf:6: unknown section [doni-base]"]);
    slipway(&unpatched)
        .exits(2)
        .says(&["/nowhere: No such file"]);
    slipway(&["--list-images", "no-such-image"])
        .exits(2)
        .says(&["no image matches no-such-image"]);
}

fn the_log_and_the_lists_are_kolla_builds() {
    let workspace = Workspace::new("log");
    workspace.image("good", "RUN true\n");
    workspace.image("bad", "RUN false\n");
    workspace.image("ugly", "RUN false\n");
    workspace.image("top", "RUN true\n");
    workspace.write(
        "share/images/child/Dockerfile.j2",
        "FROM {{ namespace }}/{{ image_prefix }}bad:{{ tag }}\nRUN true\n",
    );
    let ini = format!(
        "[DEFAULT]\nnamespace = {}\nallowed_to_fail = ugly\n",
        workspace.namespace
    );
    let ini = workspace.write("k.conf", &ini).display().to_string();
    let all = ["--config-file", &ini, "--retries", "0"];
    let built = run(&mut workspace.kolla_build(&all)).exits(1);
    let log = "kolla.common.utils";
    for line in [
        "Using engine: docker".to_owned(),
        "Added image base to queue".to_owned(),
        "Attempt number: 1 to run task: BuildTask(good) ".to_owned(),
        "=========================\nSuccessfully built images\n=========================\nbase\ngood\ntop".to_owned(),
        "===========================\nImages that failed to build\n===========================".to_owned(),
    ] {
        let text: Vec<String> = line.lines().map(|line| format!("INFO:{log}:{line}\n")).collect();
        assert!(built.err.contains(&text.concat()), "{line}: {}", built.err);
    }
    for line in [
        "bad Failed with status: error",
        "child Failed with status: parent_error",
        "ugly Failed with status: error (allowed to fail)",
    ] {
        assert!(
            built.err.contains(&format!("ERROR:{log}:{line}\n")),
            "{line}: {}",
            built.err
        );
    }
    let built = built.says(&[
        &format!("INFO:{log}.good:Building started at "),
        &format!("INFO:{log}.good:Built at "),
        &format!("ERROR:{log}.bad:Unknown container engine error when building"),
        &format!("ERROR:{log}.child:Parent image error'd with message \"Status.ERROR\""),
    ]);
    assert_eq!(names(&built.json(), "failed"), ["bad", "child", "ugly"]);

    // kolla-build's -q silences only images.
    let quiet = run(&mut workspace.kolla_build(&[&all[..], &["-q", "good"]].concat())).exits(0);
    assert!(
        !quiet.err.contains(&format!("INFO:{log}.")),
        "{}",
        quiet.err
    );
    quiet.says(&[&format!("INFO:{log}:Successfully built images")]);

    // Images that the engine has are left out of lists and of the rendered tree.
    let listed = run(
        &mut workspace.kolla_build(&[&all[..], &["--skip-existing", "--list-images"]].concat())
    );
    assert_eq!(listed.exits(0).out, "1 : bad\n2 : child\n3 : ugly\n");
    let skip = [
        "--skip-existing",
        "--template-only",
        "--work-dir",
        "rendered",
    ];
    run(&mut workspace.kolla_build(&[&all[..], &skip].concat())).exits(0);
    assert!(workspace.path("rendered/docker/bad/Dockerfile").is_file());
    assert!(!workspace.path("rendered/docker/good").exists());
}
