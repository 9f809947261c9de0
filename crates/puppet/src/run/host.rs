//! The manifest that Puppet applies to the host itself.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use serde_json::json;
use slipway_service::{Hiera, Step};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::error::{At, Failure, PuppetError, Result};
use crate::events::Event;
use crate::files;
use crate::input::hiera::{HOST_LEVEL, to_json};
use crate::plan::inputs::modules_of_the_host;
use crate::plan::state::{Record, recorded_keys};
use crate::puppet::Puppet;
use crate::report::{Outcome, RunReport};
use crate::run::staging::HOST_PREFIX;
use crate::run::transcript::Transcript;
use crate::session::Session;

/// Returns the subject of a step's host manifest in events and reports. No config volume has this name.
pub fn host_subject(step: Step) -> String {
    format!("host {step}")
}

impl Puppet {
    /// Applies the host's manifest for a step, with `step` and `slipway::root` in hiera. One that
    /// was applied at this step with the same inputs before is not applied again.
    ///
    /// # Errors
    /// When the host has no Puppet, or when Puppet fails.
    pub async fn apply_host_manifest(&self, step: Step, manifest: &str) -> Result<RunReport> {
        let begun = Instant::now();
        let subject = host_subject(step);
        let mut report = RunReport {
            name: subject.clone(),
            outcome: Outcome::Skipped,
            why: "no service has a host manifest".to_owned(),
            hash: None,
            seconds: 0.0,
            changed_files: Vec::new(),
            diff: None,
        };
        if !manifest.trim().is_empty() {
            let session = Session::begin(self).await?;
            report.why = "unchanged".to_owned();
            if let Some(why) = session.apply(step, &subject, manifest).await? {
                report.why = why;
                report.outcome = Outcome::Changed;
            }
        }
        report.seconds = begun.elapsed().as_secs_f64();
        self.events.send(match report.outcome {
            Outcome::Skipped => Event::Skipped {
                subject,
                reason: report.why.clone(),
            },
            _ => Event::Finished {
                subject,
                seconds: report.seconds,
                changed: true,
                changed_files: Vec::new(),
            },
        });
        Ok(report)
    }
}

impl Session<'_> {
    /// Applies a manifest to the host, and returns why; `None` if it was not due.
    async fn apply(&self, step: Step, subject: &str, manifest: &str) -> Result<Option<String>> {
        let paths = &self.planner.puppet.settings.paths;
        // Manifests put it in front of TripleO's paths.
        let root = match paths.root() == Path::new("/") {
            true => String::new(),
            false => paths.root().display().to_string(),
        };
        let first = Hiera::from_iter([
            ("step".to_owned(), json!(step.number())),
            ("slipway::root".to_owned(), json!(root)),
        ]);
        let level = paths.hieradata().join(format!("{HOST_LEVEL}.json"));
        files::write(&level, &to_json(&first))?;
        let puppet = match &self.planner.puppet.settings.host_puppet {
            Some(path) => path.is_file().then(|| path.clone()),
            None => find_puppet(),
        };
        let puppet = puppet.ok_or(PuppetError::NoHostPuppet { step })?;
        let modules = self.module_path();
        let installed = format!("{} {}", puppet.display(), modules_of_the_host(&modules));
        let inputs = self
            .planner
            .inputs(manifest, &[("the host's Puppet", &installed)]);
        let name = step.to_string();
        let why = match self.planner.state.load("host", &name) {
            _ if self.planner.puppet.settings.force => "forced".to_owned(),
            None => "not done before".to_owned(),
            Some(before) => {
                let keys = before.lookups.keys().map(String::as_str);
                let lookups = self
                    .planner
                    .state
                    .lookups(keys, &first, &self.planner.puppet.hiera);
                match before.difference(&inputs, &lookups) {
                    Some(why) => why,
                    None => return Ok(None),
                }
            }
        };
        self.planner.puppet.events.send(Event::Started {
            subject: subject.to_owned(),
            reason: why.clone(),
        });
        let begun = Instant::now();
        let keys = self
            .puppet_apply(&puppet, &modules, subject, manifest)
            .await?;
        let record = Record {
            inputs,
            lookups: self.planner.state.lookups(
                keys.iter().map(String::as_str),
                &first,
                &self.planner.puppet.hiera,
            ),
            result: None,
            seconds: begun.elapsed().as_secs_f64(),
        };
        self.planner.state.save("host", &name, &record)?;
        Ok(Some(why))
    }

    fn module_path(&self) -> Vec<PathBuf> {
        let paths = &self.planner.puppet.settings.paths;
        let of_the_host = [
            "/etc/puppet/code/modules",
            "/opt/stack/puppet-modules",
            "/usr/share/openstack-puppet/modules",
            "/usr/share/slipway/puppet/modules",
            "/usr/share/puppet/modules",
        ];
        [paths.puppet_etc().join("modules"), paths.puppet_modules()]
            .into_iter()
            .chain(of_the_host.map(PathBuf::from))
            .collect()
    }

    /// Runs `puppet apply`, and returns the hiera keys that it looked up.
    async fn puppet_apply(
        &self,
        puppet: &Path,
        modules: &[PathBuf],
        subject: &str,
        manifest: &str,
    ) -> Result<std::collections::BTreeSet<String>> {
        let settings = &self.planner.puppet.settings;
        let state = settings.paths.puppet_state();
        let directory = tempfile::Builder::new()
            .prefix(HOST_PREFIX)
            .tempdir_in(&state)
            .at("make a directory in", &state)?;
        let record = directory.path().join("lookups");
        let hieradata = settings.paths.hieradata();
        let hiera = self
            .planner
            .puppet
            .hiera
            .recording_config(HOST_LEVEL, &hieradata, &record);
        let (manifest_path, hiera_path) = (
            directory.path().join("host.pp"),
            directory.path().join("hiera.yaml"),
        );
        for (path, content) in [(&manifest_path, manifest.as_bytes()), (&hiera_path, &hiera)] {
            files::create(path)?.write_all(content).at("write", path)?;
        }
        let module_path: Vec<String> = modules.iter().map(|p| p.display().to_string()).collect();
        let mut command = Command::new(puppet);
        command
            .arg("apply")
            .args([
                "--detailed-exitcodes",
                "--color=false",
                "--logdest",
                "console",
            ])
            .args(["--modulepath", &module_path.join(":")])
            .arg("--hiera_config")
            .arg(&hiera_path)
            .arg(&manifest_path)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let redactor = self.planner.puppet.secrets(manifest).redactor();
        let mut transcript = Transcript::begin(
            settings.paths.logs(),
            &subject.replace(' ', "-"),
            subject,
            &redactor,
            &self.planner.puppet.events,
        )?;
        let ended = tokio::time::timeout(settings.timeout, follow(command, &mut transcript)).await;
        let failure = match ended {
            Err(_) => Failure::TimedOut {
                limit: settings.timeout,
                last: transcript.last().to_owned(),
                log: transcript.path().to_owned(),
            },
            Ok(code) => match code? {
                0 | 2 => return recorded_keys(&record),
                exit => Failure::Puppet {
                    exit: exit.into(),
                    errors: transcript.errors(&manifest_path.display().to_string(), manifest),
                    log: transcript.path().to_owned(),
                },
            },
        };
        self.planner.puppet.events.send(Event::Failed {
            subject: subject.to_owned(),
            error: failure.to_string(),
        });
        Err(PuppetError::Failed {
            failed: vec![(subject.to_owned(), failure)],
        })
    }
}

/// Reads every line of both outputs, and returns the exit code; -1 means an end by a signal.
async fn follow(mut command: Command, transcript: &mut Transcript<'_>) -> Result<i32> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .at("run", "puppet")?;
    let mut out = child
        .stdout
        .take()
        .map(|out| BufReader::new(out).split(b'\n'));
    let mut err = child
        .stderr
        .take()
        .map(|err| BufReader::new(err).split(b'\n'));
    while out.is_some() || err.is_some() {
        let line = tokio::select! {
            line = next(&mut out), if out.is_some() => line,
            line = next(&mut err), if err.is_some() => line,
        };
        if let Some(line) = line.at("read the output of", "puppet")? {
            transcript.line(&String::from_utf8_lossy(&line))?;
        }
    }
    let status = child.wait().await.at("wait for", "puppet")?;
    Ok(status.code().unwrap_or(-1))
}

/// Returns the next line of an output; at its end, takes the output away.
async fn next<R: tokio::io::AsyncBufRead + Unpin>(
    lines: &mut Option<tokio::io::Split<R>>,
) -> std::io::Result<Option<Vec<u8>>> {
    let line = match lines {
        Some(lines) => lines.next_segment().await?,
        None => None,
    };
    if line.is_none() {
        *lines = None;
    }
    Ok(line)
}

fn find_puppet() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/opt/puppetlabs/bin")])
        .map(|directory| directory.join("puppet"))
        .find(|puppet| puppet.is_file())
}
