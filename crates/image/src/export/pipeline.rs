//! Writes a plan as a CI pipeline: one job for each image that would be built.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;

use super::names::target_names;
use crate::decide::Plan;
use crate::graph::Images;

/// The CI system that runs a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ci {
    /// GitLab CI.
    GitLab,
    /// GitHub Actions.
    GitHub,
}

/// The job of one image.
struct Job<'a> {
    id: String,
    image: &'a str,
    /// The ids of its parents' jobs.
    needs: Vec<String>,
    command: String,
}

/// Returns the pipeline of a plan; see [`ImageSet::pipeline`](crate::ImageSet::pipeline).
pub(crate) fn pipeline(images: &Images, plan: &Plan, ci: Ci, command: &str) -> String {
    let jobs = jobs(images, plan, command);
    let (name, text) = match ci {
        Ci::GitLab => ("gitlab", yaml(&gitlab(jobs))),
        Ci::GitHub => ("github", yaml(&github(jobs))),
    };
    format!("# Written by slipway build --export-pipeline {name}.\n{text}")
}

/// Returns the jobs, parents first.
fn jobs<'a>(images: &'a Images, plan: &'a Plan, command: &str) -> Vec<Job<'a>> {
    let to_build: Vec<&str> = plan.to_build().map(|d| d.image.as_str()).collect();
    // Both systems reserve names; none begins like this.
    let ids: BTreeMap<&str, String> = target_names(to_build.iter().copied())
        .into_iter()
        .map(|(image, name)| (image, format!("build-{name}")))
        .collect();
    let nodes = &images.graph.nodes;
    let job = |image: &'a str| {
        let node = images.graph.node(image);
        let parents = node.map_or(&[][..], |node| &node.parents);
        let parents = parents.iter().map(|&parent| nodes[parent].name.as_str());
        Job {
            id: ids[image].clone(),
            image,
            needs: parents
                .filter_map(|parent| ids.get(parent).cloned())
                .collect(),
            command: format!("{command} '^{}$'", image.replace('.', "\\.")),
        }
    };
    to_build.iter().map(|image| job(image)).collect()
}

/// The message of the only job, where nothing would be built: neither system takes a pipeline without
/// jobs.
const UNCHANGED: &str = "echo 'no image has changed'";

#[derive(Serialize)]
struct GitLabJob {
    stage: &'static str,
    needs: Vec<String>,
    script: Vec<String>,
}

fn gitlab(jobs: Vec<Job<'_>>) -> IndexMap<String, GitLabJob> {
    let job = |needs, command| GitLabJob {
        stage: "build",
        needs,
        script: vec![command],
    };
    if jobs.is_empty() {
        let only = job(Vec::new(), UNCHANGED.to_owned());
        return IndexMap::from([("unchanged".to_owned(), only)]);
    }
    jobs.into_iter()
        .map(|it| (it.id, job(it.needs, it.command)))
        .collect()
}

#[derive(Serialize)]
struct Workflow {
    name: &'static str,
    on: BTreeMap<&'static str, BTreeMap<&'static str, &'static str>>,
    jobs: IndexMap<String, WorkflowJob>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct WorkflowJob {
    name: String,
    runs_on: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    needs: Vec<String>,
    /// Each step is a map of one key.
    steps: Vec<BTreeMap<&'static str, String>>,
}

/// The runner of all jobs. A repository variable names another.
const RUNNER: &str = "${{ vars.SLIPWAY_RUNNER || 'ubuntu-latest' }}";

fn github(jobs: Vec<Job<'_>>) -> Workflow {
    let job = |name: &str, needs, command: &str| WorkflowJob {
        name: name.to_owned(),
        runs_on: RUNNER,
        needs,
        steps: vec![
            BTreeMap::from([("uses", "actions/checkout@v4".to_owned())]),
            BTreeMap::from([("run", without_expressions(command))]),
        ],
    };
    let jobs = match jobs.is_empty() {
        true => {
            let only = job("unchanged", Vec::new(), UNCHANGED);
            IndexMap::from([("unchanged".to_owned(), only)])
        }
        false => jobs
            .into_iter()
            .map(|it| (it.id, job(it.image, it.needs, &it.command)))
            .collect(),
    };
    Workflow {
        name: "Images",
        on: BTreeMap::from([
            ("workflow_call", BTreeMap::new()),
            ("workflow_dispatch", BTreeMap::new()),
        ]),
        jobs,
    }
}

/// Returns a command in which GitHub finds no expressions.
fn without_expressions(command: &str) -> String {
    command.replace("${{", "${{ '${{' }}")
}

fn yaml(value: &impl Serialize) -> String {
    // Maps of strings always serialise.
    serde_yaml::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::*;
    use crate::decide::{Action, Decision, Reason};
    use crate::{BuildConfig, ImageSet};

    const COMMAND: &str = "slipway build --tag 'a${{b'";

    /// A plan for a tree of `base`, its children `one` and `t.wo`, and `leaf`, a child of `t.wo`.
    fn exported(ci: Ci, kept: &[&str]) -> Value {
        let dir = tempfile::tempdir().unwrap();
        for (name, parent) in [
            ("one", "base"),
            ("t.wo", "base"),
            ("leaf", "t.wo"),
            ("base", ""),
        ] {
            let from = match parent {
                "" => "FROM debian:trixie\n".to_owned(),
                parent => format!("FROM slipway/{parent}:latest\n"),
            };
            fs::create_dir(dir.path().join(name)).unwrap();
            fs::write(dir.path().join(name).join("Dockerfile.j2"), from).unwrap();
        }
        let images = ImageSet::load(BuildConfig::new(dir.path()).unwrap()).unwrap();
        let decisions = ["base", "one", "t.wo", "leaf"].map(|image| Decision {
            image: image.to_owned(),
            reference: images.options().reference(image),
            action: match kept.contains(&image) {
                true => Action::Keep,
                false => Action::Build,
            },
            reasons: vec![Reason::Forced],
        });
        let plan = Plan {
            decisions: decisions.to_vec(),
            failed: Vec::new(),
        };
        let text = images.pipeline(&plan, ci, COMMAND);
        serde_yaml::from_str(&text).unwrap()
    }

    #[test]
    fn a_job_needs_the_jobs_of_its_parents() {
        let expected = json!({
            "build-one": {
                "stage": "build",
                "needs": [],
                "script": ["slipway build --tag 'a${{b' '^one$'"],
            },
            "build-t_wo": {
                "stage": "build",
                "needs": [],
                "script": ["slipway build --tag 'a${{b' '^t\\.wo$'"],
            },
            "build-leaf": {
                "stage": "build",
                "needs": ["build-t_wo"],
                "script": ["slipway build --tag 'a${{b' '^leaf$'"],
            },
        });
        assert_eq!(exported(Ci::GitLab, &["base"]), expected);
    }

    #[test]
    fn a_workflow_has_the_same_jobs() {
        let workflow = exported(Ci::GitHub, &[]);
        let jobs = workflow["jobs"].as_object().unwrap();
        let names: Vec<&String> = jobs.keys().collect();
        assert_eq!(
            names,
            ["build-base", "build-one", "build-t_wo", "build-leaf"]
        );
        assert_eq!(jobs["build-t_wo"]["needs"], json!(["build-base"]));
        assert_eq!(jobs["build-base"].get("needs"), None);
        let run = &jobs["build-base"]["steps"][1]["run"];
        assert_eq!(run, "slipway build --tag 'a${{ '${{' }}b' '^base$'");
    }

    #[test]
    fn a_pipeline_without_changes_has_one_job() {
        let all = ["base", "one", "t.wo", "leaf"];
        let gitlab = exported(Ci::GitLab, &all);
        assert_eq!(gitlab["unchanged"]["script"][0], UNCHANGED);
        let github = exported(Ci::GitHub, &all);
        assert_eq!(github["jobs"]["unchanged"]["steps"][1]["run"], UNCHANGED);
    }
}
