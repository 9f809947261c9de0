//! The functions that Kolla's templates call.

use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use slipway_jinja::{bind, bounds, iterate, type_name};

use slipway_kolla_release::{Install, Release};

/// Adds those that a release has to an environment.
pub(crate) fn install(env: &mut Environment<'static>, release: &Release) {
    let install = release.install;
    env.add_function(
        "debian_package_install",
        move |state: &State<'_, '_>, args: Rest<ValueOrKwargs>| {
            let [packages, clean] = bind(
                "debian_package_install",
                args,
                ["packages", "clean_package_cache"],
            )?;
            let clean = clean.is_none_or(|clean| clean.is_true());
            let packages = names(state, &packages.unwrap_or_default())?;
            let clean = clean || !install.may_keep_cache;
            Ok::<_, Error>(debian_package_install(&packages, install, clean))
        },
    );
    if release.has_raise_error {
        env.add_function("raise_error", raise_error);
    }
}

/// The shell command that installs packages: names through apt, `http…` addresses of `.deb`
/// files one by one.
fn debian_package_install(packages: &[String], release: Install, clean: bool) -> String {
    let (addresses, names): (Vec<_>, Vec<_>) = packages.iter().partition(|p| p.starts_with("http"));

    let mut commands = Vec::new();
    if !names.is_empty() {
        let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
        let update = match release.stops_on_errors {
            true => "apt-get --error-on=any update",
            false => "apt-get update",
        };
        commands.push(update.to_owned());
        commands.push(format!(
            "apt-get -y install --no-install-recommends {}",
            names.join(" ")
        ));
        if clean {
            commands.push("apt-get clean".to_owned());
        }
        if clean && release.removes_lists {
            commands.push("rm -rf /var/lib/apt/lists/*".to_owned());
        }
    }
    for address in addresses {
        let file = address.rsplit('/').next().unwrap_or(address);
        commands.push(format!("curl --location {address} -o {file}"));
        commands.push(format!("dpkg -i {file}"));
        commands.push(format!("rm -rf {file}"));
    }
    commands.join(" && ")
}

/// Returns the packages of a list. What is no string is refused, as Kolla's function has no use for
/// it.
fn names(state: &State<'_, '_>, packages: &Value) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for package in iterate(state, packages)? {
        if package.kind() != ValueKind::String {
            let message = format!(
                "a package must be a string, and is a {}",
                type_name(&package)
            );
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
        names.push(bounds::text(state, &package)?);
    }
    Ok(names)
}

fn raise_error(state: &State<'_, '_>, message: Value) -> Result<Value, Error> {
    let message = bounds::text(state, &message)?;
    Err(Error::new(ErrorKind::InvalidOperation, message))
}
