//! Between the API's models and the seam's types.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::models;

use slipway_service::{Device, Healthcheck, RestartPolicy, Ulimit};

use crate::{
    ContainerSpec, ContainerState, ContainerSummary, Health, HealthReport, HealthResult,
    ImageSummary,
};

/// A container in a list. Podman has words for its state that the client library does not know.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    id: Option<String>,
    names: Option<Vec<String>>,
    image: Option<String>,
    #[serde(rename = "ImageID")]
    image_id: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    state: Option<String>,
    status: Option<String>,
    created: Option<i64>,
}

/// A list of volumes.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedVolumes {
    volumes: Option<Vec<ListedVolume>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedVolume {
    name: String,
}

impl ListedVolumes {
    pub(super) fn names(self) -> Vec<String> {
        let volumes = self.volumes.into_iter().flatten();
        volumes.map(|volume| volume.name).collect()
    }
}

pub(super) fn container_from_list(listed: Listed) -> ContainerSummary {
    let status = listed.status.unwrap_or_default();
    ContainerSummary {
        id: listed.id.unwrap_or_default(),
        name: own_name(&listed.names.unwrap_or_default()),
        image: listed.image.unwrap_or_default(),
        image_id: image_id(listed.image_id),
        labels: listed.labels.unwrap_or_default(),
        state: container_state(listed.state.as_deref().unwrap_or_default()),
        health: health_in_status(&status),
        status,
        created: listed.created.unwrap_or_default(),
        restarts: None,
        command: Vec::new(),
        env: Vec::new(),
        pid: None,
        started: None,
        stop_timeout: None,
    }
}

/// A container looked up.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Inspected {
    id: String,
    name: String,
    created: Option<String>,
    image: Option<String>,
    restart_count: Option<i64>,
    config: InspectedConfig,
    state: InspectedState,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedConfig {
    image: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    stop_timeout: Option<u64>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedState {
    status: Option<String>,
    exit_code: Option<i64>,
    health: Option<InspectedHealth>,
    pid: Option<i32>,
    started_at: Option<String>,
}

/// The health of a container looked up, or of a check that Podman has just run.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InspectedHealth {
    status: Option<String>,
    log: Option<Vec<InspectedCheck>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedCheck {
    exit_code: Option<i64>,
    output: Option<String>,
}

impl InspectedHealth {
    pub(super) fn into_report(self) -> Option<HealthReport> {
        let result = |check: InspectedCheck| HealthResult {
            exit_code: check.exit_code.unwrap_or_default(),
            output: check.output.unwrap_or_default(),
        };
        Some(HealthReport {
            health: health_word(self.status.as_deref()?)?,
            log: self.log.into_iter().flatten().map(result).collect(),
        })
    }
}

/// A container looked up for its health.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InspectedHealthOnly {
    state: Option<InspectedStateHealth>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InspectedStateHealth {
    health: Option<InspectedHealth>,
}

impl InspectedHealthOnly {
    pub(super) fn into_report(self) -> Option<HealthReport> {
        self.state?.health?.into_report()
    }
}

/// The inspect call has the same facts in other places; the status line is put together from them.
pub(super) fn container_from_inspect(found: Inspected) -> ContainerSummary {
    let word = found.state.status.unwrap_or_default();
    let health = found.state.health.and_then(|health| health.status);
    let status = match container_state(&word) {
        ContainerState::Exited => format!("Exited ({})", found.state.exit_code.unwrap_or_default()),
        _ => word.clone(),
    };
    ContainerSummary {
        id: found.id,
        name: own_name(&[found.name]),
        image: found.config.image.unwrap_or_default(),
        image_id: image_id(found.image),
        labels: found.config.labels.unwrap_or_default(),
        state: container_state(&word),
        health: health.as_deref().and_then(health_word),
        status,
        created: found
            .created
            .as_deref()
            .and_then(time)
            .map(jiff::Timestamp::as_second)
            .unwrap_or_default(),
        restarts: Some(found.restart_count.unwrap_or_default()),
        command: found.config.cmd.unwrap_or_default(),
        env: found.config.env.unwrap_or_default(),
        // 0 where none runs.
        pid: found.state.pid.filter(|pid| *pid > 0),
        // The year 1 where it was never started.
        started: found
            .state
            .started_at
            .as_deref()
            .and_then(time)
            .map(jiff::Timestamp::as_nanosecond)
            .filter(|nanoseconds| *nanoseconds > 0),
        stop_timeout: found.config.stop_timeout.map(Duration::from_secs),
    }
}

/// A container linked to others has names like `/other/alias` beside its own.
fn own_name(names: &[String]) -> String {
    let trimmed = |name: &String| name.trim_start_matches('/').to_owned();
    names
        .iter()
        .map(trimmed)
        .find(|name| !name.contains('/'))
        .or_else(|| names.first().map(trimmed))
        .unwrap_or_default()
}

fn image_id(id: Option<String>) -> String {
    match id.unwrap_or_default() {
        id if id.is_empty() || id.contains(':') => id,
        bare => format!("sha256:{bare}"),
    }
}

fn container_state(word: &str) -> ContainerState {
    match word {
        "running" | "stopping" => ContainerState::Running,
        "paused" => ContainerState::Paused,
        "restarting" => ContainerState::Restarting,
        "removing" => ContainerState::Removing,
        "exited" | "stopped" => ContainerState::Exited,
        "dead" => ContainerState::Dead,
        _ => ContainerState::Created,
    }
}

fn health_in_status(status: &str) -> Option<Health> {
    let inside = status.rsplit_once('(')?.1.trim_end_matches(')');
    health_word(inside.trim_start_matches("health: "))
}

fn health_word(word: &str) -> Option<Health> {
    match word {
        "starting" => Some(Health::Starting),
        "healthy" => Some(Health::Healthy),
        "unhealthy" => Some(Health::Unhealthy),
        _ => None,
    }
}

/// Reads a time as engines write it.
fn time(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok()
}

/// An image in a list, as far as it is of interest: lists are long.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListedImage {
    id: Option<String>,
    repo_tags: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
    size: Option<i64>,
}

pub(super) fn image_from_list(listed: ListedImage) -> ImageSummary {
    ImageSummary {
        id: image_id(listed.id),
        tags: real_tags(listed.repo_tags.unwrap_or_default()),
        labels: listed.labels.unwrap_or_default(),
        size: u64::try_from(listed.size.unwrap_or_default()).unwrap_or_default(),
        platform: None,
    }
}

pub(super) fn image_from_inspect(found: models::ImageInspect) -> ImageSummary {
    let labels = found.config.and_then(|config| config.labels);
    let platform = found.os.zip(found.architecture);
    let platform = platform.map(|(os, architecture)| format!("{os}/{architecture}"));
    ImageSummary {
        id: image_id(found.id),
        tags: real_tags(found.repo_tags.unwrap_or_default()),
        labels: labels.unwrap_or_default().into_iter().collect(),
        size: found
            .size
            .and_then(|size| u64::try_from(size).ok())
            .unwrap_or_default(),
        platform,
    }
}

fn real_tags(tags: Vec<String>) -> Vec<String> {
    tags.into_iter()
        .filter(|tag| tag != "<none>:<none>")
        .collect()
}

pub(super) fn create_body(spec: &ContainerSpec) -> models::ContainerCreateBody {
    models::ContainerCreateBody {
        hostname: spec.hostname.clone(),
        domainname: spec.domainname.clone(),
        exposed_ports: filled(&exposed_ports(spec)),
        user: spec.user.clone(),
        attach_stdin: Some(spec.attach && spec.interactive),
        attach_stdout: Some(spec.attach),
        attach_stderr: Some(spec.attach),
        stdin_once: Some(spec.attach && spec.interactive),
        tty: Some(spec.tty),
        open_stdin: Some(spec.interactive),
        env: Some(spec.env.clone()),
        cmd: spec.command.clone(),
        healthcheck: spec.healthcheck.as_ref().map(healthcheck),
        image: Some(spec.image.clone()),
        volumes: filled(&anonymous_volumes(spec)),
        working_dir: spec.working_dir.clone(),
        entrypoint: spec.entrypoint.clone(),
        labels: Some(hash_map(&spec.labels)),
        stop_signal: spec.stop_signal.clone(),
        stop_timeout: spec.stop_timeout.map(whole_seconds),
        host_config: Some(host_config(spec)),
        ..models::ContainerCreateBody::default()
    }
}

fn host_config(spec: &ContainerSpec) -> models::HostConfig {
    models::HostConfig {
        binds: filled(&binds(spec)),
        volumes_from: filled(&spec.volumes_from),
        tmpfs: (!spec.tmpfs.is_empty()).then(|| hash_map(&spec.tmpfs)),
        network_mode: spec.network_mode.clone(),
        ipc_mode: spec.ipc_mode.clone(),
        pid_mode: spec.pid_mode.clone(),
        uts_mode: spec.uts_mode.clone(),
        extra_hosts: filled(&spec.extra_hosts),
        group_add: filled(&spec.group_add),
        privileged: Some(spec.privileged),
        cap_add: filled(&spec.cap_add),
        cap_drop: filled(&spec.cap_drop),
        security_opt: filled(&spec.security_opt),
        ulimits: Some(spec.ulimits.iter().map(ulimit).collect()),
        restart_policy: spec.restart.as_ref().map(restart_policy),
        auto_remove: Some(spec.auto_remove),
        cpu_shares: spec.cpu_shares,
        cpuset_cpus: spec.cpuset_cpus.clone(),
        memory: spec.memory,
        memory_swap: spec.memory_swap,
        memory_swappiness: spec.memory_swappiness,
        pids_limit: spec.pids_limit,
        cpu_quota: spec.cpu_quota,
        memory_reservation: spec.memory_reservation,
        shm_size: spec.shm_size,
        cgroup_parent: spec.cgroup_parent.clone(),
        readonly_rootfs: Some(spec.read_only),
        init: spec.init.then_some(true),
        sysctls: (!spec.sysctls.is_empty()).then(|| hash_map(&spec.sysctls)),
        log_config: log_config(spec),
        // The docker command sends these empty rather than not at all, and the engine records the
        // difference: a container made either way should look the same.
        devices: Some(spec.devices.iter().map(device).collect()),
        dns: Some(spec.dns.clone()),
        dns_options: Some(Vec::new()),
        dns_search: Some(spec.dns_search.clone()),
        port_bindings: Some(port_bindings(spec)),
        blkio_weight_device: Some(Vec::new()),
        blkio_device_read_bps: Some(Vec::new()),
        blkio_device_write_bps: Some(Vec::new()),
        blkio_device_read_iops: Some(Vec::new()),
        blkio_device_write_iops: Some(Vec::new()),
        ..models::HostConfig::default()
    }
}

/// Mounts of host paths and of named volumes.
fn binds(spec: &ContainerSpec) -> Vec<String> {
    let mounts = spec.mounts.iter().filter(|mount| mount.source.is_some());
    mounts.map(ToString::to_string).collect()
}

/// Paths inside that get a volume without a name.
fn anonymous_volumes(spec: &ContainerSpec) -> Vec<String> {
    let mounts = spec.mounts.iter().filter(|mount| mount.source.is_none());
    mounts.map(|mount| mount.target.clone()).collect()
}

fn log_config(spec: &ContainerSpec) -> Option<models::HostConfigLogConfig> {
    let is_default = spec.log_driver.is_none() && spec.log_options.is_empty();
    (!is_default).then(|| models::HostConfigLogConfig {
        // An empty type is the engine's default driver.
        typ: Some(spec.log_driver.clone().unwrap_or_default()),
        config: Some(hash_map(&spec.log_options)),
    })
}

fn device(device: &Device) -> models::DeviceMapping {
    models::DeviceMapping {
        path_on_host: Some(device.host.clone()),
        path_in_container: Some(device.inside.clone()),
        cgroup_permissions: Some(device.permissions.clone()),
    }
}

fn port_bindings(spec: &ContainerSpec) -> models::PortMap {
    /// Empty for any address, or any port that is free.
    fn text(part: Option<impl ToString>) -> String {
        part.map(|part| part.to_string()).unwrap_or_default()
    }
    let mut bindings = models::PortMap::new();
    for port in &spec.published_ports {
        let binding = models::PortBinding {
            host_ip: Some(text(port.address)),
            host_port: Some(text(port.host)),
        };
        let bound = bindings.entry(port.inside.to_string()).or_default();
        bound.get_or_insert_default().push(binding);
    }
    bindings
}

fn exposed_ports(spec: &ContainerSpec) -> Vec<String> {
    let published = spec.published_ports.iter().map(|port| &port.inside);
    let mut ports: Vec<String> = spec
        .exposed_ports
        .iter()
        .chain(published)
        .map(ToString::to_string)
        .collect();
    ports.sort();
    ports.dedup();
    ports
}

fn filled<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

pub(super) fn hash_map(map: &BTreeMap<String, String>) -> HashMap<String, String> {
    map.clone().into_iter().collect()
}

fn ulimit(limit: &Ulimit) -> models::ResourcesUlimits {
    models::ResourcesUlimits {
        name: Some(limit.name.clone()),
        soft: Some(limit.soft),
        hard: Some(limit.hard),
    }
}

fn restart_policy(policy: &RestartPolicy) -> models::RestartPolicy {
    use models::RestartPolicyNameEnum as Name;
    let (name, count) = match policy {
        RestartPolicy::No => (Name::NO, None),
        RestartPolicy::Always => (Name::ALWAYS, None),
        RestartPolicy::UnlessStopped => (Name::UNLESS_STOPPED, None),
        RestartPolicy::OnFailure(count) => (Name::ON_FAILURE, count.map(i64::from)),
    };
    models::RestartPolicy {
        name: Some(name),
        maximum_retry_count: count,
    }
}

fn healthcheck(check: &Healthcheck) -> models::HealthConfig {
    models::HealthConfig {
        test: filled(&check.test),
        interval: check.interval.map(nanoseconds),
        timeout: check.timeout.map(nanoseconds),
        retries: check.retries,
        start_period: check.start_period.map(nanoseconds),
        start_interval: None,
    }
}

fn nanoseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

/// Whole seconds, never less than asked for.
pub(super) fn whole_seconds(duration: Duration) -> i64 {
    let more = i64::from(duration.subsec_nanos() > 0);
    i64::try_from(duration.as_secs()).map_or(i64::MAX, |seconds| seconds.saturating_add(more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_read_from_the_status_line() {
        assert_eq!(health_in_status("Up 3 minutes"), None);
        assert_eq!(health_in_status("Exited (1) 2 hours ago"), None);
        assert_eq!(
            health_in_status("Up 1 second (health: starting)"),
            Some(Health::Starting)
        );
        assert_eq!(
            health_in_status("Up 5 hours (unhealthy)"),
            Some(Health::Unhealthy)
        );
    }

    #[test]
    fn times_are_read() {
        let seconds = |text| time(text).map(jiff::Timestamp::as_second);
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2024-02-29T12:30:15.123456Z"), Some(1_709_209_815));
        assert_eq!(seconds("yesterday"), None);
    }

    #[test]
    fn a_grace_period_is_never_cut_short() {
        assert_eq!(whole_seconds(Duration::from_millis(1500)), 2);
        assert_eq!(whole_seconds(Duration::from_secs(10)), 10);
    }
}
