//! The command that repeats a build for one image.

use anyhow::bail;
use slipway_image::BuildConfig;
use slipway_image::config::OPTIONS;
use slipway_oslo_config::Kind;

use crate::cli;
use crate::engine_command::quoted;

/// The options that select images: one image takes their place.
const SELECTING: [&str; 3] = ["regex", "profile", "skip-parents"];

/// Returns the command as a shell reads it, without the options that select images. The values of
/// build arguments are left out: they may be passwords.
pub fn command(args: &cli::Build, global: &cli::Global) -> String {
    let pair = |option: &str, value: &str| [format!("--{option}"), quoted(value)];
    let mut words = match args.as_kolla_build {
        true => vec!["kolla-build".to_owned()],
        false => vec!["slipway".to_owned(), "build".to_owned()],
    };
    words.extend(global.host.iter().flat_map(|host| pair("host", host)));
    let paths = args.kolla.iter().map(|path| ("kolla", path));
    let files = args.options.config.iter().map(|path| match path.is_dir() {
        true => ("config-dir", path),
        false => ("config-file", path),
    });
    for (option, path) in paths.chain(files) {
        words.extend(pair(option, &path.display().to_string()));
    }
    for (name, values) in &args.options.options {
        if !SELECTING.contains(&name.as_str()) {
            words.extend(values.iter().flat_map(|value| option_words(name, value)));
        }
    }
    let flags = [
        (args.rebuild, "--rebuild"),
        (!args.is_strict() && !args.as_kolla_build, "--no-strict"),
        (args.no_parents, "--no-parents"),
    ];
    let set = flags.into_iter().filter(|(is_set, _)| *is_set);
    words.extend(set.map(|(_, flag)| flag.to_owned()));
    words.join(" ")
}

/// Returns the command of a CI job, which builds one image. Its parents are those that their own jobs
/// have built: with `--push`, on whichever machine.
pub fn job_command(
    args: &cli::Build,
    global: &cli::Global,
    config: &BuildConfig,
) -> anyhow::Result<String> {
    if args.options.options.contains_key("build-args") {
        bail!(
            "--build-args: a pipeline would show the values; set build_args in the configuration \
             file, or OS_DEFAULT__BUILD_ARGS in the environment of the jobs"
        );
    }
    // A job may run where another engine answers.
    let anywhere = cli::Global {
        host: None,
        ..global.clone()
    };
    let mut command = command(args, &anywhere);
    command.push_str(" --no-parents");
    // An engine that has built before may have a stale parent.
    if config.push && config.pull && !config.pull_always {
        command.push_str(" --pull");
    }
    Ok(command)
}

/// Returns an option with one of its values.
fn option_words(name: &str, value: &str) -> Vec<String> {
    let option = OPTIONS.iter().find(|option| option.name == name);
    let is_switch = option.is_some_and(|option| option.kind == Kind::Bool);
    match (name, value) {
        (_, "true") if is_switch => vec![format!("--{name}")],
        _ if is_switch => vec![format!("--no{name}")],
        ("build-args", pairs) => vec![format!("--{name}"), quoted(&masked(pairs))],
        _ => vec![format!("--{name}"), quoted(value)],
    }
}

/// Returns `name:value` pairs without their values.
fn masked(pairs: &str) -> String {
    let names = pairs
        .split(',')
        .map(|pair| pair.split(':').next().unwrap_or_default());
    names
        .map(|name| format!("{name}:***"))
        .collect::<Vec<_>>()
        .join(",")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn repeated(words: &[&str]) -> String {
        let cli = cli::Cli::try_parse_from(words).unwrap();
        match cli.command {
            cli::Command::Build(args) => command(&args, &cli.global),
            _ => String::new(),
        }
    }

    #[test]
    fn the_command_is_repeated() {
        let arguments = [
            "slipway",
            "--host",
            "unix:///x y",
            "build",
            "^a$",
            "--config-file",
            "k.conf",
            "--nocache",
            "--template-override",
            "a",
            "--template-override",
            "b",
            "-p",
            "main",
            "--tag",
            "x",
        ];
        assert_eq!(
            repeated(&arguments[..]),
            "slipway build --host 'unix:///x y' --config-file k.conf --nocache --tag x \
             --template-override a --template-override b"
        );
    }

    #[test]
    fn a_job_builds_one_image_of_pulled_parents() {
        let job = |words: &[&str], push| {
            let words = ["slipway", "--host", "unix:///x", "build"]
                .iter()
                .chain(words);
            let cli = cli::Cli::try_parse_from(words).unwrap();
            let cli::Command::Build(args) = cli.command else {
                panic!("a build");
            };
            let mut config = BuildConfig::new("images").unwrap();
            config.push = push;
            job_command(&args, &cli.global, &config)
        };
        let command = job(&["--tag", "x", "^a$"], false).unwrap();
        assert_eq!(command, "slipway build --tag x --no-parents");
        let command = job(&["--push", "^a$"], true).unwrap();
        assert_eq!(command, "slipway build --push --no-parents --pull");
        let error = job(&["--build-args", "token:s3cret"], false).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }

    #[test]
    fn build_arguments_are_not_shown() {
        let shown = repeated(&["slipway", "build", "--build-args", "token:s3cret,b:c"]);
        assert_eq!(shown, "slipway build --build-args 'token:***,b:***'");
    }
}
