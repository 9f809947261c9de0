//! kolla-build's options on the command line, made from the one table of options.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, value_parser};
use slipway_image::config::OPTIONS;
use slipway_oslo_config::{CommandLine, Kind, OptionDef};

/// Options that `slipway` has for all its subcommands. `slipway build` also has their other names.
const GLOBAL: [&str; 2] = ["format", "quiet"];

/// The heading of configuration files in the help.
const INPUTS: &str = "Inputs";

/// The options that were set, and the configuration files and directories that were named.
#[derive(Clone, Debug, Default)]
pub struct KollaBuild {
    pub options: CommandLine,
    pub config: Vec<PathBuf>,
}

impl KollaBuild {
    /// Returns the command line of kolla-build itself.
    pub fn command() -> Command {
        let command = Command::new("kolla-build")
            .about("Build container images: slipway build with the command line of kolla-build")
            // Python's argparse accepts any unambiguous beginning of an option.
            .infer_long_args(true);
        augment(command, |_| true)
    }
}

fn augment(command: Command, has: impl Fn(&OptionDef) -> bool) -> Command {
    let options = OPTIONS.iter().filter(|option| option.on_command_line);
    let args = options.filter(|option| has(option)).flat_map(args);
    command.args(args).args([
        Arg::new("config-file")
            .long("config-file")
            .value_name("FILE")
            .action(ArgAction::Append)
            .value_parser(value_parser!(PathBuf))
            .help_heading(INPUTS)
            .help(
                "Configuration file, in place of those that are found. Repeatable; later ones win",
            ),
        Arg::new("config-dir")
            .long("config-dir")
            .value_name("DIR")
            .action(ArgAction::Append)
            .value_parser(value_parser!(PathBuf))
            .help_heading(INPUTS)
            .help("Directory of configuration files *.conf, read in the order of their names"),
    ])
}

fn args(option: &'static OptionDef) -> Vec<Arg> {
    let arg = Arg::new(option.name)
        .help(help(option))
        .help_heading(option.heading);
    let arg = match option.short {
        Some(short) => arg.short(short),
        None => arg,
    };
    if option.is_positional {
        return vec![
            arg.value_name("REGEX")
                .action(ArgAction::Append)
                .num_args(0..),
        ];
    }
    if option.kind == Kind::Bool {
        return both_ways(option, arg);
    }
    let spelled_otherwise = option.name.replace('_', "-");
    let arg = match spelled_otherwise == option.name {
        true => arg,
        false => arg.alias(spelled_otherwise),
    };
    let parser = match option.kind {
        Kind::Choice(choices) => PossibleValuesParser::new(choices).into(),
        _ => ValueParser::string(),
    };
    vec![
        arg.long(option.name)
            .value_name(value_name(option))
            .action(ArgAction::Append)
            .value_parser(parser),
    ]
}

/// Returns the help of an option, with its default and the releases that have it.
fn help(option: &OptionDef) -> String {
    let mut help = option.help.to_owned();
    let default = option.default.filter(|default| !default.is_empty());
    if let Some(default) = default
        && option.kind != Kind::Bool
        && !help.contains("[default: ")
    {
        let of_kolla = match option.has_release_default {
            true => ", or the Kolla's",
            false => "",
        };
        help.push_str(&format!(" [default: {default}{of_kolla}]"));
    }
    match (option.releases.first, option.releases.last) {
        (Some(first), Some(last)) => help.push_str(&format!(" (Kolla {first} to {last})")),
        (None, Some(last)) => help.push_str(&format!(" (Kolla up to {last})")),
        (_, None) => {}
    }
    help
}

/// Returns `--name` and `--noname`; the one that changes nothing is hidden.
fn both_ways(option: &'static OptionDef, arg: Arg) -> Vec<Arg> {
    let is_on = option.default == Some("true");
    let opposite = format!("no{}", option.name);
    // The last one counts, however often each is given.
    let either = [option.name.to_owned(), opposite.clone()];
    let help = match option.help.split_at_checked(1) {
        Some((first, rest)) => format!("Do not {}{rest}", first.to_lowercase()),
        None => String::new(),
    };
    vec![
        arg.long(option.name)
            .action(ArgAction::SetTrue)
            .overrides_with_all(either.clone())
            .hide(is_on),
        Arg::new(opposite.clone())
            .help_heading(option.heading)
            .long(opposite)
            .action(ArgAction::SetTrue)
            .overrides_with_all(either)
            .help(help)
            .hide(!is_on),
    ]
}

fn value_name(option: &OptionDef) -> &'static str {
    if let Some(name) = option.value_name {
        return name;
    }
    match option.kind {
        Kind::Int { .. } => "N",
        Kind::Dict => "PAIRS",
        Kind::Choice(_) => "WHICH",
        Kind::Text | Kind::Bool | Kind::List | Kind::Multi => match option.name {
            name if name.ends_with("-dir") => "DIR",
            _ => "NAME",
        },
    }
}

impl Args for KollaBuild {
    fn augment_args(command: Command) -> Command {
        augment(command, |option| !GLOBAL.contains(&option.name)).args([
            Arg::new("f")
                .short('f')
                .value_parser(PossibleValuesParser::new(["json", "none"]))
                .action(ArgAction::Append)
                .hide(true),
            Arg::new("noquiet")
                .long("noquiet")
                .action(ArgAction::SetTrue)
                .overrides_with_all(["noquiet", "quiet"])
                .hide(true),
        ])
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for KollaBuild {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut args = KollaBuild::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for option in OPTIONS.iter().filter(|option| option.on_command_line) {
            let values = match option.kind {
                Kind::Bool => switched(matches, option).into_iter().collect(),
                _ => texts(matches, option.name),
            };
            if !values.is_empty() {
                self.options.insert(option.name.to_owned(), values);
            }
        }
        let format = texts(matches, "f");
        if !format.is_empty() {
            self.options.insert("format".to_owned(), format);
        }
        let named = ["config-file", "config-dir"].iter().flat_map(|name| {
            let places = matches.indices_of(name).into_iter().flatten();
            let paths = matches.get_many::<PathBuf>(name).into_iter().flatten();
            places.zip(paths.cloned())
        });
        let mut named: Vec<(usize, PathBuf)> = named.collect();
        named.sort();
        self.config = named.into_iter().map(|(_, path)| path).collect();
        Ok(())
    }
}

/// Returns the value that a switch was set to, if it was.
fn switched(matches: &ArgMatches, option: &OptionDef) -> Option<String> {
    let is_on = |name: &str| matches.try_get_one::<bool>(name).ok().flatten() == Some(&true);
    if is_on(option.name) {
        Some("true".to_owned())
    } else if is_on(&format!("no{}", option.name)) {
        Some("false".to_owned())
    } else {
        None
    }
}

fn texts(matches: &ArgMatches, name: &str) -> Vec<String> {
    // `slipway` has some of these options for all subcommands.
    let values = matches.try_get_many::<String>(name).ok().flatten();
    values.into_iter().flatten().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> KollaBuild {
        let args = ["kolla-build"].iter().chain(args);
        let matches = KollaBuild::command().try_get_matches_from(args).unwrap();
        KollaBuild::from_arg_matches(&matches).unwrap()
    }

    fn values(args: &KollaBuild, name: &str) -> Vec<String> {
        args.options.get(name).cloned().unwrap_or_default()
    }

    #[test]
    fn options_are_kolla_builds() {
        let args = parse(&[
            "-b",
            "debian",
            "--nopull",
            "--pull",
            "--nocache",
            "-T",
            "4",
            "--network_mode",
            "host",
            "--template-override",
            "a",
            "cron",
            "--template-override=b",
            "^base$",
            "-l",
            "-p",
            "main",
        ]);
        assert_eq!(values(&args, "base"), ["debian"]);
        assert_eq!(values(&args, "pull"), ["true"]);
        assert_eq!(values(&args, "cache"), ["false"]);
        assert_eq!(values(&args, "template-override"), ["a", "b"]);
        assert_eq!(values(&args, "regex"), ["cron", "^base$"]);
        assert_eq!(values(&args, "list-dependencies"), ["true"]);
        assert_eq!(values(&args, "network_mode"), ["host"]);
        assert!(values(&args, "push").is_empty());
    }

    #[test]
    fn beginnings_of_options_are_accepted() {
        assert_eq!(
            values(&parse(&["--template-ov", "x"]), "template-override"),
            ["x"]
        );
    }

    #[test]
    fn files_and_directories_keep_their_order() {
        let args = parse(&["--config-file", "a", "--config-dir", "b", "--config-file=c"]);
        assert_eq!(args.config, ["a", "b", "c"].map(PathBuf::from));
    }
}
