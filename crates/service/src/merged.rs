//! Role data that is merged already, such as by TripleO's templates.

use std::path::Path;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use crate::load::{parse_as, unreadable};
use crate::{
    ByStep, Containers, Hiera, Places, PuppetConfig, Result, RoleData, Scripts, ServiceError,
    Tasks, lenient,
};

/// Role data as TripleO writes it. Keys that are not for a node are ignored: subscriptions, tasks that
/// run elsewhere.
#[derive(Deserialize)]
#[serde(expecting = "role data (a mapping)")]
struct Merged {
    #[serde(default, deserialize_with = "lenient::list")]
    service_names: Vec<String>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    config_settings: Hiera,
    #[serde(default, deserialize_with = "lenient::or_default")]
    global_config_settings: Hiera,
    #[serde(default, deserialize_with = "lenient::or_default")]
    service_config_settings: IndexMap<String, Value>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    puppet_config: Vec<PuppetConfig>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    kolla_config: IndexMap<String, slipway_kolla_config::Config>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    docker_config: ByStep<Containers>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    docker_config_scripts: Scripts,
    #[serde(default, deserialize_with = "lenient::or_default")]
    container_config_scripts: Scripts,
    #[serde(default, deserialize_with = "lenient::lines")]
    step_config: String,
    #[serde(default, deserialize_with = "lenient::tasks")]
    docker_puppet_tasks: ByStep<Vec<TaskOfService>>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    container_puppet_tasks: ByStep<Vec<TaskOfService>>,
    #[serde(default, deserialize_with = "lenient::or_default")]
    host_prep_tasks: Tasks,
    #[serde(default, deserialize_with = "lenient::or_default")]
    external_deploy_tasks: Tasks,
    #[serde(default, deserialize_with = "lenient::or_default")]
    update_tasks: Tasks,
    #[serde(default, deserialize_with = "lenient::or_default")]
    post_update_tasks: Tasks,
    #[serde(default, deserialize_with = "lenient::or_default")]
    external_update_tasks: Tasks,
    #[serde(default, deserialize_with = "lenient::or_default")]
    pre_upgrade_rolling_tasks: Tasks,
    #[serde(default, deserialize_with = "lenient::or_default")]
    upgrade_batch_tasks: Tasks,
    #[serde(default, deserialize_with = "lenient::or_default")]
    upgrade_tasks: Tasks,
    #[serde(default, deserialize_with = "lenient::or_default")]
    post_upgrade_tasks: Tasks,
    #[serde(default, deserialize_with = "lenient::or_default")]
    external_upgrade_tasks: Tasks,
    #[serde(default, deserialize_with = "lenient::or_default")]
    fast_forward_upgrade_tasks: Tasks,
    #[serde(default, deserialize_with = "lenient::or_default")]
    fast_forward_post_upgrade_tasks: Tasks,
}

/// A task with its service. Later releases run it on the bootstrap node of that service.
#[derive(Deserialize)]
struct TaskOfService {
    #[serde(flatten)]
    task: PuppetConfig,
}

/// Removes the position: a program made the text, so no file has its lines.
fn without_position(mut error: ServiceError) -> ServiceError {
    if let ServiceError::Invalid { place, .. } = &mut error {
        place.position = None;
    }
    error
}

impl RoleData {
    /// Reads role data that is merged already; `path` is only for messages.
    pub fn parse(name: &str, path: &Path, text: &str) -> Result<Self> {
        let merged: Merged = parse_as(path, text).map_err(without_position)?;
        let mut config_settings = merged.config_settings;
        config_settings.extend(merged.global_config_settings);
        let mut service_config_settings = IndexMap::new();
        for (service, settings) in merged.service_config_settings {
            match settings {
                Value::Object(settings) => {
                    service_config_settings.insert(service, settings);
                }
                // TripleO 10 has a few for a service named map_merge, which there is not.
                _ if !merged.service_names.contains(&service) => {}
                _ => {
                    let message = format!("service_config_settings.{service}: it must be a map");
                    return Err(unreadable(path, None, message));
                }
            }
        }
        let mut docker_puppet_tasks = ByStep::<Vec<PuppetConfig>>::new();
        let tasks = merged.docker_puppet_tasks.into_iter();
        for (step, tasks) in tasks.chain(merged.container_puppet_tasks) {
            let tasks = tasks.into_iter().map(|of_service| of_service.task);
            docker_puppet_tasks.entry(step).or_default().extend(tasks);
        }
        Ok(Self {
            name: name.to_owned(),
            service_names: merged.service_names,
            config_settings,
            service_config_settings,
            puppet_config: merged.puppet_config,
            kolla_config: merged.kolla_config,
            docker_config: merged.docker_config,
            docker_config_scripts: merged.docker_config_scripts,
            container_config_scripts: merged.container_config_scripts,
            step_config: merged.step_config,
            docker_puppet_tasks,
            host_prep_tasks: merged.host_prep_tasks,
            external_deploy_tasks: merged.external_deploy_tasks,
            update_tasks: merged.update_tasks,
            post_update_tasks: merged.post_update_tasks,
            external_update_tasks: merged.external_update_tasks,
            pre_upgrade_rolling_tasks: merged.pre_upgrade_rolling_tasks,
            upgrade_batch_tasks: merged.upgrade_batch_tasks,
            upgrade_tasks: merged.upgrade_tasks,
            post_upgrade_tasks: merged.post_upgrade_tasks,
            external_upgrade_tasks: merged.external_upgrade_tasks,
            fast_forward_upgrade_tasks: merged.fast_forward_upgrade_tasks,
            fast_forward_post_upgrade_tasks: merged.fast_forward_post_upgrade_tasks,
            metadata: IndexMap::new(),
            places: Places::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Step;

    #[test]
    fn later_releases_have_other_names_for_the_same() {
        let text = "{\"container_puppet_tasks\": {\"step_3\": [{\"config_volume\": \"tasks\", \
            \"step_config\": \"include a\", \"config_image\": \"a\", \"service_name\": \"keystone\"}]}, \
            \"docker_puppet_tasks\": {\"step_4\": {\"step_config\": \"b\", \"service_name\": \"b\"}}, \
            \"service_names\": [\"a\"], \"service_config_settings\": {\"map_merge\": [{\"b\": {}}]}, \
            \"container_config_scripts\": {\"a.sh\": {\"content\": \"#!/bin/sh\", \"mode\": \"0755\"}}}";
        let role = RoleData::parse("Controller", Path::new("role"), text).unwrap();
        let step = Step::new(3).unwrap();
        assert_eq!(role.docker_puppet_tasks[&step][0].step_config, "include a");
        let step = Step::new(4).unwrap();
        assert_eq!(role.docker_puppet_tasks[&step][0].step_config, "b");
        assert!(role.service_config_settings.is_empty());
        let wrong = "{\"service_names\": [\"a\"], \"service_config_settings\": {\"a\": []}}";
        assert!(RoleData::parse("Controller", Path::new("role"), wrong).is_err());
        assert_eq!(role.container_config_scripts[0].mode, 0o755);
    }

    #[test]
    fn merged_role_data_is_a_role() {
        let text = "{\"service_names\": [\"a\"], \"config_settings\": {\"x\": 1, \"y\": 1}, \
            \"global_config_settings\": {\"y\": 2}, \"monitoring_subscriptions\": [], \
            \"service_config_settings\": {\"a\": {\"z\": 3}, \"b\": {\"z\": 4}}, \
            \"puppet_config\": [{\"config_volume\": \"a\", \"step_config\": \"include a\", \
            \"config_image\": \"a\"}], \"docker_config\": {\"step_2\": {\"a\": {\"image\": \"a\"}}}, \
            \"upgrade_tasks\": null}";
        let role = RoleData::parse("Controller", Path::new("role"), text).unwrap();
        assert_eq!(
            serde_json::Value::Object(role.hiera()),
            serde_json::json!({"x": 1, "y": 2, "z": 3})
        );
        assert_eq!(role.puppet_config.len(), 1);
        let step = Step::new(2).unwrap();
        assert!(role.docker_config[&step].0.contains_key("a"));
        let error_of = |text| {
            let role = RoleData::parse("Controller", Path::new("role"), text);
            role.unwrap_err().to_string()
        };
        assert_eq!(
            error_of("{\"docker_config\": {\"step_0\": {}}}"),
            "role: docker_config.step_0: `step_0` is not a step: steps are step_1 to step_5"
        );
        assert!(error_of("{\"docker_config\": []}").starts_with("role: docker_config: "));
    }
}
