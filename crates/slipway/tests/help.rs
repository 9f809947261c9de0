//! The help, completions and manual pages of the binary.
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::process::{Command, Output};

fn slipway(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_slipway"))
        .args(arguments)
        .output()
        .unwrap()
}

#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let output = slipway(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_help_describes_slipway_and_the_exit_statuses() {
    let help = printed(&["--help"]);
    assert!(help.starts_with("Slipway builds "), "{help}");
    for heading in ["Global options:", "Examples:", "Exit status:"] {
        assert!(help.contains(heading), "no {heading} in:\n{help}");
    }
    assert!(printed(&["--version"]).starts_with("slipway "));
}

#[test]
fn completions_and_manual_pages_are_generated() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(printed(&["completions", shell]).contains("slipway"));
    }
    let directory = tempfile::tempdir().unwrap();
    printed(&["man", directory.path().to_str().unwrap()]);
    for page in ["slipway.1", "slipway-deploy.1"] {
        assert!(directory.path().join(page).is_file(), "no {page}");
    }
}

#[test]
fn a_mistyped_option_is_wrong_usage_and_names_the_nearest() {
    let output = slipway(&["deploy", "--servces", "x"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("--services"), "{error}");
}

#[test]
fn an_invalid_log_filter_is_bad_input() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
    let output = command.arg("--version").env("SLIPWAY_LOG", "slipway=loud");
    let output = output.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("SLIPWAY_LOG"), "{error}");
}
