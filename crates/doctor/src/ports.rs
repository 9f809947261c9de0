//! Checks of ports: those that other programs of this machine listen on.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;

use crate::host::Host;
use crate::report::{Check, Subject};

/// The state of a listening socket in /proc/net/tcp.
const LISTENS: &str = "0A";

/// Parts of the control group's path of a container's process.
const CONTAINER: [&str; 4] = ["docker", "libpod", "containerd", "crio"];

/// Checks that no program outside of a container listens on one of the ports.
pub(crate) fn check(host: &Host, ports: &BTreeMap<u16, String>) -> Check {
    if ports.is_empty() {
        return Check::good(Subject::Ports, "the declarations name none");
    }
    let listening = listening(host);
    let taken: Vec<(u16, &str, String)> = ports
        .iter()
        .filter_map(|(port, key)| {
            let inode = listening.get(port)?;
            let owner = owner(host, inode)?;
            Some((*port, key.as_str(), owner))
        })
        .collect();
    if taken.is_empty() {
        let list: Vec<String> = ports.keys().map(u16::to_string).collect();
        return Check::good(
            Subject::Ports,
            format!("free or used by containers: {}", list.join(", ")),
        );
    }
    let found = taken
        .iter()
        .map(|(port, _, owner)| format!("{port} is used by {owner}"));
    let keys = taken.iter().map(|(_, key, _)| *key);
    Check::warning(
        Subject::Ports,
        found.collect::<Vec<_>>().join("; "),
        format!(
            "stop the program, or change the port: {}",
            keys.collect::<Vec<_>>().join(", ")
        ),
    )
}

/// Returns the inode of a listening socket of each port.
fn listening(host: &Host) -> BTreeMap<u16, String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| host.text(path));
    let lines = tables.iter().flat_map(|table| table.lines().skip(1));
    lines.filter_map(socket).collect()
}

/// Returns port and inode of a listening socket's line.
fn socket(line: &str) -> Option<(u16, String)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, port) = fields.get(1)?.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    (*fields.get(3)? == LISTENS).then_some((port, (*fields.get(9)?).to_owned()))
}

/// Returns the name of the process that has a socket; `None` if it is in a container.
fn owner(host: &Host, inode: &str) -> Option<String> {
    let wanted = format!("socket:[{inode}]");
    let Some(id) = host
        .processes()
        .into_iter()
        .find(|id| has_file(host, *id, &wanted))
    else {
        return Some("a program of another user".to_owned());
    };
    let group = host.text(&format!("/proc/{id}/cgroup"));
    match CONTAINER.iter().any(|part| group.contains(part)) {
        true => None,
        false => Some(format!("{} (process {id})", host.process_name(id))),
    }
}

fn has_file(host: &Host, process: u32, wanted: &str) -> bool {
    let files = std::fs::read_dir(host.path(&format!("/proc/{process}/fd")));
    let mut files = files.into_iter().flatten().flatten();
    files.any(|file| {
        std::fs::read_link(file.path())
            .is_ok_and(|target| target.as_os_str().as_bytes() == wanted.as_bytes())
    })
}
