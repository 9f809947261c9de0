//! Settings as defaults of options.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory, FromArgMatches, Parser};
use slipway_settings::{Setting, Settings, Sources};

use crate::cli::{self, Cli};
use crate::exit::bad_input;

/// Parses the command line. Settings take the place of options that were not typed. Ends the process
/// on wrong usage, and after `--help` and `--version`.
pub fn parse(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<Cli> {
    let arguments: Vec<OsString> = arguments.collect();
    match load(config_option(&arguments)) {
        Ok(settings) => {
            let command = with_defaults(Cli::command(), &settings);
            let matches = command.get_matches_from(arguments);
            Cli::from_arg_matches(&matches).map_err(|error| error.exit())
        }
        Err(error) => {
            let cli = Cli::parse_from(arguments);
            match cli.command {
                cli::Command::Completions { .. } | cli::Command::Man { .. } => Ok(cli),
                _ => Err(error),
            }
        }
    }
}

/// Reads the settings of a file, or those of the machine and of the user.
pub fn load(config: Option<PathBuf>) -> anyhow::Result<Settings> {
    let sources = Sources::find(config, |name| env::var_os(name));
    Settings::load(&sources, |name| env::var_os(name)).map_err(bad_input)
}

/// The options that take a setting's value: subcommands, and the option's id there. Commands that
/// work on a file of containers alone (apply, debug, cleanup) take none of a deployment.
pub fn options(setting: Setting) -> &'static [(&'static [&'static str], &'static str)] {
    const DEPLOYMENT: &[&str] = &["config", "deploy", "ps", "logs", "delete", "doctor"];
    const KEYED: &[&str] = &["config", "deploy", "doctor"];
    const BUILD: &[&str] = &["build", "graph images"];
    match setting {
        Setting::Host => &[(&[], "host")],
        Setting::Services => &[(
            &["config", "deploy", "doctor", "services", "graph services"],
            "services",
        )],
        Setting::Hiera => &[(&["config", "deploy", "doctor"], "hiera")],
        Setting::VaultPasswordFile => &[(KEYED, "vault_password_file")],
        Setting::EyamlPrivateKey => &[(KEYED, "eyaml_private_key")],
        Setting::Root => &[(DEPLOYMENT, "root")],
        Setting::Role => &[(DEPLOYMENT, "role"), (&["graph services"], "role")],
        Setting::Jobs => &[
            (&["config", "deploy"], "process_count"),
            (&["build"], "threads"),
        ],
        Setting::Kolla => &[(BUILD, "kolla")],
        Setting::Base => &[(BUILD, "base")],
        Setting::Namespace => &[(BUILD, "namespace")],
        Setting::Tag => &[(BUILD, "tag")],
        Setting::Registry => &[(BUILD, "registry")],
        Setting::TemplateOverride => &[(BUILD, "template-override")],
    }
}

fn with_defaults(mut command: Command, settings: &Settings) -> Command {
    for &setting in Setting::ALL {
        let Some(value) = settings.get(setting) else {
            continue;
        };
        for &(subcommands, id) in options(setting) {
            let default = |command: Command| {
                command.mut_arg(id, |arg| arg.default_values(value.values().to_vec()))
            };
            if subcommands.is_empty() {
                command = default(command);
                continue;
            }
            for path in subcommands {
                command = mut_subcommand(command, path, &default);
            }
        }
    }
    command
}

/// Changes a subcommand, which may be one of another subcommand: `graph services`.
fn mut_subcommand(command: Command, path: &str, change: &dyn Fn(Command) -> Command) -> Command {
    match path.split_once(' ') {
        Some((name, rest)) => {
            command.mut_subcommand(name, |command| mut_subcommand(command, rest, change))
        }
        None => command.mut_subcommand(path, change),
    }
}

/// Returns the value of `--config`, which must be known before the other options are parsed.
fn config_option(arguments: &[OsString]) -> Option<PathBuf> {
    let mut arguments = arguments
        .iter()
        .skip(1)
        .take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(value) = argument
            .to_str()
            .and_then(|text| text.strip_prefix("--config="))
        {
            return Some(Path::new(OsStr::new(value)).to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> Settings {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Settings::load(&Sources::named(file.path()), |_| None).unwrap()
    }

    fn parsed(text: &str, arguments: &[&str]) -> Cli {
        let command = with_defaults(Cli::command(), &settings(text));
        let matches = command.try_get_matches_from(arguments).unwrap();
        Cli::from_arg_matches(&matches).unwrap()
    }

    /// mut_arg adds an argument of an unknown id, which would then take a value from nowhere.
    #[test]
    fn every_setting_has_options_that_exist() {
        let command = Cli::command();
        for &setting in Setting::ALL {
            for &(subcommands, id) in options(setting) {
                let has = |command: &Command| command.get_arguments().any(|arg| arg.get_id() == id);
                match subcommands {
                    [] => assert!(has(&command), "{id}"),
                    paths => paths.iter().for_each(|path| {
                        let find = |command: &Command, name: &str| {
                            command.find_subcommand(name).unwrap().clone()
                        };
                        let found = path.split(' ').fold(command.clone(), |c, n| find(&c, n));
                        assert!(has(&found), "{path} {id}");
                    }),
                }
            }
        }
    }

    #[test]
    fn a_setting_counts_where_its_option_was_not_typed() {
        let text = "services: [/a, /b]\nroot: /srv/first\njobs: 3\nhost: unix:///e.sock\n";
        let cli = parsed(text, &["slipway", "deploy"]);
        assert_eq!(cli.global.host.as_deref(), Some("unix:///e.sock"));
        let cli::Command::Deploy(deploy) = cli.command else {
            panic!("not deploy");
        };
        assert_eq!(deploy.services.services, ["/a", "/b"].map(PathBuf::from));
        assert_eq!(deploy.root.root, PathBuf::from("/srv/first"));
        assert_eq!(deploy.generating.process_count.get(), 3);

        let cli = parsed(text, &["slipway", "deploy", "--services", "c", "--root=/"]);
        let cli::Command::Deploy(deploy) = cli.command else {
            panic!("not deploy");
        };
        assert_eq!(deploy.services.services, [PathBuf::from("c")]);
        assert_eq!(deploy.root.root, PathBuf::from("/"));
    }

    #[test]
    fn settings_of_builds_count_as_typed_options() {
        let text = "base: debian\nnamespace: team\ntemplate_override: /o.j2\njobs: 2\n";
        let cli = parsed(text, &["slipway", "build", "--namespace", "mine"]);
        let cli::Command::Build(build) = cli.command else {
            panic!("not build");
        };
        let options = &build.options.options;
        assert_eq!(options["base"], ["debian"]);
        assert_eq!(options["namespace"], ["mine"]);
        assert_eq!(options["template-override"], ["/o.j2"]);
        assert_eq!(options["threads"], ["2"]);
    }

    #[test]
    fn a_deletion_takes_the_root_from_the_settings() {
        let cli = parsed("root: /srv/first\n", &["slipway", "delete", "--all"]);
        let cli::Command::Delete(delete) = cli.command else {
            panic!("not delete");
        };
        assert_eq!(delete.root, Some(PathBuf::from("/srv/first")));
    }

    #[test]
    fn the_file_is_found_before_the_options_are_parsed() {
        let found = |arguments: &[&str]| {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            config_option(&arguments)
        };
        let file = Some(PathBuf::from("f"));
        assert_eq!(found(&["slipway", "--config", "f", "ps"]), file);
        assert_eq!(found(&["slipway", "ps", "--config=f"]), file);
        assert_eq!(found(&["slipway", "config", "--file", "f"]), None);
        assert_eq!(found(&["slipway", "debug", "--", "--config", "f"]), None);
    }
}
