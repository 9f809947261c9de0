//! The paths of the host that a run sees, beside its volumes.

use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use slipway_service::VolumeMount;

use crate::settings::HOST_MODULES;
use slipway_paths::Paths;

/// The kind that a source must have: an engine makes a directory of a missing one.
#[derive(Clone, Copy)]
enum Kind {
    File,
    Directory,
    Socket,
}

/// Paths of the running system, not of the deployment: those of docker-puppet.py's distribution.
const OF_THE_SYSTEM: [(Kind, &str); 6] = [
    (Kind::File, "/etc/localtime"),
    (Kind::Directory, "/etc/pki/ca-trust/extracted"),
    (Kind::File, "/etc/pki/tls/certs/ca-bundle.crt"),
    (Kind::File, "/etc/pki/tls/certs/ca-bundle.trust.crt"),
    (Kind::File, "/etc/pki/tls/cert.pem"),
    (Kind::Socket, "/dev/log"),
];

/// Facter's configuration and cache, as either script keeps it under the root.
const FACTER: [&str; 2] = [
    "var/lib/container-puppet/puppetlabs",
    "var/lib/docker-puppet/puppetlabs",
];

/// Returns the mounts whose sources exist and have the right kind.
pub fn of_the_host(paths: &Paths, modules: Option<&Path>, net_host: bool) -> Vec<VolumeMount> {
    below(Path::new("/"), paths, modules, net_host)
}

fn below(system: &Path, paths: &Paths, modules: Option<&Path>, net_host: bool) -> Vec<VolumeMount> {
    let mut wanted = vec![(Kind::Directory, paths.puppet_etc(), "/tmp/puppet-etc")];
    for (kind, path) in OF_THE_SYSTEM {
        wanted.push((kind, system.join(path.trim_start_matches('/')), path));
    }
    if net_host {
        wanted.push((Kind::File, system.join("etc/hosts"), "/etc/hosts"));
    }
    if let Some(modules) = modules {
        wanted.push((Kind::Directory, modules.to_owned(), HOST_MODULES));
    }
    let facter = FACTER.map(|directory| paths.root().join(directory));
    if let Some(directory) = facter.into_iter().find(|directory| directory.is_dir()) {
        let config = directory.join("facter.conf");
        wanted.push((Kind::File, config, "/etc/puppetlabs/facter/facter.conf"));
        wanted.push((Kind::Directory, directory, "/opt/puppetlabs"));
    }
    wanted
        .into_iter()
        .filter(|(kind, source, _)| is_there(*kind, source))
        .map(|(kind, source, target)| {
            let access = if matches!(kind, Kind::Socket) {
                "rw"
            } else {
                "ro"
            };
            bind(&source, target, access)
        })
        .collect()
}

/// Returns one mount.
pub fn bind(source: &Path, target: &str, access: &str) -> VolumeMount {
    VolumeMount {
        source: Some(source.display().to_string()),
        target: target.to_owned(),
        options: vec![access.to_owned()],
    }
}

fn is_there(kind: Kind, path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| match kind {
        Kind::File => metadata.is_file(),
        Kind::Directory => metadata.is_dir(),
        Kind::Socket => metadata.file_type().is_socket(),
    })
}

/// Parses `source:target[:options]`; a path alone is its own target.
pub fn declared(volume: &str) -> VolumeMount {
    let mut parts = volume.splitn(3, ':');
    let source = parts.next().unwrap_or_default();
    let target = parts.next().unwrap_or(source);
    let options = parts.next().unwrap_or_default().split(',');
    VolumeMount {
        source: Some(source.to_owned()),
        target: target.to_owned(),
        options: options
            .filter(|option| !option.is_empty())
            .map(str::to_owned)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_existing_sources_of_the_right_type_are_mounted() {
        let system = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::new(root.path()).unwrap();
        let targets = |net_host: bool, modules: Option<&Path>| -> Vec<String> {
            let binds = below(system.path(), &paths, modules, net_host);
            binds.into_iter().map(|bind| bind.target).collect()
        };
        assert!(targets(true, Some(Path::new("/nowhere"))).is_empty());

        for directory in ["etc/pki/ca-trust/extracted", "etc/pki/tls/cert.pem", "dev"] {
            std::fs::create_dir_all(system.path().join(directory)).unwrap();
        }
        std::fs::write(system.path().join("etc/hosts"), "").unwrap();
        std::fs::create_dir_all(system.path().join("etc/pki/tls/certs")).unwrap();
        std::fs::write(system.path().join("etc/pki/tls/certs/ca-bundle.crt"), "").unwrap();
        let _log = std::os::unix::net::UnixListener::bind(system.path().join("dev/log")).unwrap();
        let facter = root.path().join(FACTER[1]);
        std::fs::create_dir_all(&facter).unwrap();
        std::fs::write(facter.join("facter.conf"), "").unwrap();
        assert_eq!(
            targets(false, Some(root.path())),
            [
                "/etc/pki/ca-trust/extracted",
                "/etc/pki/tls/certs/ca-bundle.crt",
                "/dev/log",
                HOST_MODULES,
                "/etc/puppetlabs/facter/facter.conf",
                "/opt/puppetlabs",
            ],
            "cert.pem is a directory there"
        );
        assert!(targets(true, None).contains(&"/etc/hosts".to_owned()));
    }

    #[test]
    fn declared_volumes_are_mounted() {
        let options = |volume: &str| {
            let bind = declared(volume);
            (bind.source.unwrap(), bind.target, bind.options)
        };
        assert_eq!(options("/a"), ("/a".into(), "/a".into(), vec![]));
        assert_eq!(
            options("/a:/b:ro,z"),
            ("/a".into(), "/b".into(), vec!["ro".into(), "z".into()])
        );
    }
}
