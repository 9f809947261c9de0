//! Checks of a container engine.

use std::path::Path;

use slipway_engine::{Engine, EngineError, SystemInfo};

use crate::report::{Check, Status, Subject};
use crate::space;

/// The difference between two clocks that certificates and tokens bear, in seconds.
const SKEW: i64 = 5;

/// The check of an engine that does not answer.
pub fn no_engine(error: &EngineError) -> Check {
    let advice = "start Docker (systemctl start docker) or Podman (systemctl start podman.socket), or \
                  name an engine with --host";
    Check::bad(Subject::Engine, Status::Failed, error.to_string(), advice)
}

/// Checks an engine: its version, storage, control groups and clock.
pub async fn check_engine(engine: &dyn Engine) -> Vec<Check> {
    let mut checks = vec![version(engine)];
    let system = match engine.system().await {
        Ok(system) => system,
        Err(error) => {
            checks.push(no_engine(&error));
            return checks;
        }
    };
    checks.push(storage_driver(&system));
    checks.push(cgroups(&system));
    match engine.info().is_local() {
        true if !system.storage_directory.is_empty() => {
            checks.push(space::check("images", Path::new(&system.storage_directory)));
        }
        true => {}
        false => checks.extend(remote_clock(&system, jiff::Timestamp::now())),
    }
    checks
}

fn version(engine: &dyn Engine) -> Check {
    let info = engine.info();
    let found = format!("{} {} at {}", info.name(), info.version, info.address);
    match numbers(&info.version) < numbers(info.oldest_version()) {
        true => Check::warning(
            Subject::Engine,
            found,
            format!(
                "update it: Slipway is tested with {} and newer",
                info.oldest_version()
            ),
        ),
        false => Check::good(Subject::Engine, found),
    }
}

/// Returns the numbers of a version, such as `20.10.24+dfsg1`.
fn numbers(version: &str) -> Vec<u32> {
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.');
    let digits = &version[..end.unwrap_or(version.len())];
    digits
        .split('.')
        .filter_map(|number| number.parse().ok())
        .collect()
}

fn storage_driver(system: &SystemInfo) -> Check {
    let driver = system.storage_driver.as_str();
    let advice = match driver {
        "vfs" => "use overlay2: vfs copies every layer, which takes minutes and much space",
        "aufs" | "devicemapper" | "overlay" if system.cgroup_version == "1" => {
            "use overlay2: this driver is no longer maintained"
        }
        _ => return Check::good(Subject::StorageDriver, driver),
    };
    Check::warning(Subject::StorageDriver, driver, advice)
}

fn cgroups(system: &SystemInfo) -> Check {
    let found = format!(
        "version {}, managed by {}",
        system.cgroup_version, system.cgroup_driver
    );
    match system.cgroup_version.as_str() {
        "1" => Check::warning(
            Subject::Cgroups,
            found,
            "boot with systemd.unified_cgroup_hierarchy=1: engines give up version 1",
        ),
        _ => Check::good(Subject::Cgroups, found),
    }
}

/// Compares the clock of an engine elsewhere with ours; nothing if it does not tell its time.
fn remote_clock(system: &SystemInfo, now: jiff::Timestamp) -> Option<Check> {
    let there: jiff::Timestamp = system.system_time.parse().ok()?;
    let skew = (there.as_second() - now.as_second()).abs();
    Some(match skew > SKEW {
        true => Check::warning(
            Subject::Clock,
            format!("the engine's clock differs from this machine's by {skew} s"),
            "run a time service such as chrony on both",
        ),
        false => Check::good(
            Subject::Clock,
            "the engine's clock agrees with this machine's",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use slipway_test_support::FakeEngine;

    fn system(driver: &str, cgroups: &str) -> SystemInfo {
        SystemInfo {
            storage_driver: driver.to_owned(),
            cgroup_version: cgroups.to_owned(),
            system_time: "2026-01-01T00:00:10Z".to_owned(),
            ..SystemInfo::default()
        }
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(numbers("20.10.24+dfsg1") >= numbers("20.10"));
        assert!(numbers("4.3.1") >= numbers("4.3"));
        assert!(numbers("19.03.15") < numbers("20.10"));
        assert!(numbers("4.10.0") > numbers("4.3"));
    }

    #[test]
    fn slow_storage_and_old_control_groups_are_warnings() {
        assert_eq!(
            storage_driver(&system("overlay2", "2")).status,
            Status::Good
        );
        assert_eq!(storage_driver(&system("vfs", "2")).status, Status::Warning);
        assert_eq!(cgroups(&system("overlay2", "1")).status, Status::Warning);
        assert_eq!(cgroups(&system("overlay2", "2")).status, Status::Good);
    }

    #[test]
    fn clocks_are_compared() {
        let status = |now: &str| {
            let now = now.parse().unwrap();
            remote_clock(&system("x", "2"), now).unwrap().status
        };
        assert_eq!(status("2026-01-01T00:00:12Z"), Status::Good);
        assert_eq!(status("2026-01-01T00:01:12Z"), Status::Warning);
        assert_eq!(
            remote_clock(&SystemInfo::default(), jiff::Timestamp::now()),
            None
        );
    }

    #[tokio::test]
    async fn an_old_engine_is_named() {
        let checks = check_engine(&FakeEngine::with_image("a")).await;
        assert_eq!(checks[0].subject, Subject::Engine);
        assert_eq!(checks[0].status, Status::Warning, "{checks:?}");
        assert!(
            checks
                .iter()
                .any(|check| check.subject == Subject::StorageDriver)
        );
    }
}
