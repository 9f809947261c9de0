//! The variables of templates, under kolla-build's names.

use std::collections::BTreeMap;

use minijinja::Value;

use crate::config::{BuildConfig, debian_arch};
use crate::error::{Error, Result};
use slipway_kolla_release::User;

/// Returns the variables of every template, except the image's own name. With a Kolla, only the
/// variables that its release has.
pub(super) fn variables(
    options: &BuildConfig,
    users: &BTreeMap<String, User>,
) -> Result<BTreeMap<&'static str, Value>> {
    let mut variables = common(options, users)?;
    variables.extend(distribution(options));
    let release = options.kolla.as_ref().map(|kolla| kolla.release());
    if let Some(names) = release.and_then(|release| release.variables.as_ref()) {
        variables.retain(|name, _| names.contains(*name));
    }
    if release.is_none_or(|release| release.has_env) {
        let env = options.env.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        variables.insert("env", Value::from_pairs(env));
    }
    Ok(variables)
}

fn common(
    options: &BuildConfig,
    users: &BTreeMap<String, User>,
) -> Result<BTreeMap<&'static str, Value>> {
    let text = |value: &str| Value::from(value);
    let default_branch = match options.openstack_release.as_str() {
        "master" => "master".to_owned(),
        release => format!("stable-{release}"),
    };
    let slashed = options.openstack_branch_slashed.clone();
    let slashed = slashed.unwrap_or_else(|| default_branch.replace('-', "/"));
    let branch = options.openstack_branch.clone().unwrap_or(default_branch);
    let repos_yaml = options
        .repos_yaml
        .as_ref()
        .map(|path| path.display().to_string());
    let patches_path = options.patches_path.as_deref();
    let users = users
        .iter()
        .map(|(name, user)| (name.as_str(), user_value(user)));
    Ok(BTreeMap::from([
        ("base_arch", text(&options.base_arch)),
        ("use_dumb_init", options.use_dumb_init.into()),
        ("docker_healthchecks", options.docker_healthchecks.into()),
        ("clean_package_cache", options.clean_package_cache.into()),
        ("image_prefix", options.image_prefix().into()),
        ("namespace", options.full_namespace().into()),
        ("tag", options.tag().into()),
        ("maintainer", text(&options.maintainer)),
        ("kolla_version", text(&options.kolla_version)),
        ("openstack_release", text(&options.openstack_release)),
        (
            "openstack_release_codename",
            text(&options.openstack_release_codename),
        ),
        ("openstack_branch", branch.into()),
        ("openstack_branch_slashed", slashed.into()),
        ("repos_yaml", repos_yaml.unwrap_or_default().into()),
        ("rpm_setup", rpm_setup(options)?),
        ("patches_path", patches_path.map_or(Value::from(()), text)),
        ("users", Value::from_pairs(users)),
        ("build_date", today().into()),
    ]))
}

/// Returns the variables that depend on the distribution and the install type. Most of them come
/// from the Kolla's own worker.
fn distribution(options: &BuildConfig) -> BTreeMap<&'static str, Value> {
    let base = options.base;
    let kolla = options.kolla.as_deref();
    let worker = kolla
        .map(|kolla| kolla.worker(options.conf()))
        .unwrap_or_default();
    let from_worker = |name: &str| worker.get(name)?.as_str().map(str::to_owned);
    let debian_arch = debian_arch(&options.base_arch);
    let non_empty = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    let package_manager = options.distro_package_manager.clone();
    let package_manager = package_manager.or_else(|| from_worker("self.distro_package_manager"));
    let package_type = non_empty(&options.base_package_type);
    let package_type = package_type.or_else(|| from_worker("self.base_package_type"));
    let pretty_name = match kolla {
        Some(kolla) => kolla.distribution("DISTRO_PRETTY_NAME", base.name()),
        None => Some(base.pretty_name().to_owned()),
    };
    let release = kolla.and_then(|kolla| kolla.distribution("DISTRO_RELEASE", base.name()));
    let (install_type, metatype) = options.metatype().unwrap_or_default();
    BTreeMap::from([
        ("base_distro", base.name().into()),
        ("base_image", options.base_image().into()),
        ("base_distro_tag", options.base_tag().into()),
        ("debian_arch", debian_arch.into()),
        (
            "base_package_type",
            package_type
                .unwrap_or_else(|| base.package_type().to_owned())
                .into(),
        ),
        (
            "distro_package_manager",
            package_manager
                .unwrap_or_else(|| base.package_manager().to_owned())
                .into(),
        ),
        (
            "distro_python_version",
            from_worker("self.conf.distro_python_version").into(),
        ),
        ("supported_distro_name", pretty_name.into()),
        ("supported_distro_release", release.into()),
        ("install_type", install_type.into()),
        ("install_metatype", metatype.into()),
        (
            "infra_image_prefix",
            options
                .infra_prefix()
                .unwrap_or_else(|| options.image_prefix())
                .into(),
        ),
    ])
}

fn user_value(user: &User) -> Value {
    Value::from_pairs([
        ("uid", Value::from(user.uid)),
        ("gid", Value::from(user.gid)),
        ("group", Value::from(user.group.as_str())),
    ])
}

/// Returns the instructions that install the files of `rpm_setup_config`.
fn rpm_setup(options: &BuildConfig) -> Result<Value> {
    let installer = match &options.kolla {
        Some(kolla) => kolla.release().rpm_installer,
        None => "dnf",
    };
    let instruction = |file: &String| {
        if file.is_empty() {
            Ok(String::new())
        } else if file.ends_with(".rpm") {
            Ok(format!("RUN {installer} -y install {file}"))
        } else if !file.ends_with(".repo") {
            Err(Error::RpmSetup(file.clone()))
        } else if file.starts_with("http") {
            let name = file.rsplit('/').next().unwrap_or(file);
            Ok(format!("RUN curl -L {file} -o /etc/yum.repos.d/{name}"))
        } else {
            Ok(format!("COPY {file} /etc/yum.repos.d/"))
        }
    };
    options.rpm_setup_config.iter().map(instruction).collect()
}

/// Returns today's date in UTC, such as `20251231`.
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y%m%d").to_string()
}
