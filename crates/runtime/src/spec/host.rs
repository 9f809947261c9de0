//! Facts of the host that containers take over.

use std::collections::BTreeMap;

/// Facts of this host that a container's specification depends on, beside its configuration.
pub struct Host {
    /// Environment variables passed on by name.
    environment: BTreeMap<String, String>,
    /// The CPUs that containers may use where the kernel isolates some (`isolcpus`).
    cpus: Option<String>,
}

impl Host {
    /// Reads the facts of this host.
    pub fn current() -> Host {
        let command_line = std::fs::read_to_string("/proc/cmdline").unwrap_or_default();
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Host {
            environment: std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
            cpus: usable_cpus(&command_line, &status),
        }
    }

    /// An environment variable of this process.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str)
    }

    /// The CPUs that containers may use, where the kernel isolates some.
    pub(super) fn usable_cpus(&self) -> Option<&str> {
        self.cpus.as_deref()
    }

    #[cfg(test)]
    pub(super) fn with(environment: &[(&str, &str)], cpus: Option<&str>) -> Host {
        let environment = environment.iter();
        Host {
            environment: environment
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            cpus: cpus.map(str::to_owned),
        }
    }
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host")
            .field("cpus", &self.cpus)
            .finish_non_exhaustive()
    }
}

/// The CPUs that this process may run on, one by one (`0,1,4`), where the kernel isolates some.
fn usable_cpus(command_line: &str, status: &str) -> Option<String> {
    if !command_line.contains("isolcpus") {
        return None;
    }
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut cpus = Vec::new();
    for range in line.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        cpus.extend((first..=last).map(|cpu| cpu.to_string()));
    }
    Some(cpus.join(","))
}

#[cfg(test)]
mod tests {
    use super::usable_cpus;

    #[test]
    fn isolated_cpus_are_not_usable() {
        assert_eq!(usable_cpus("ro quiet", "Cpus_allowed_list:\t0-3\n"), None);
        assert_eq!(
            usable_cpus("isolcpus=2", "Cpus_allowed_list:\t0-1,3\n").as_deref(),
            Some("0,1,3")
        );
    }
}
