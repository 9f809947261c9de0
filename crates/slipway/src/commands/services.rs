//! `slipway services`.

use slipway_redact::Redactor;
use slipway_service::{Description, Hiera, HieraKey, Service, load_dir};

use crate::cli::{SchemaName, Services};
use crate::exit::bad_input;
use crate::output::{Output, table};
use crate::share;

/// Lists services, describes the named ones, or prints a schema.
pub fn run(args: &Services, output: &Output) -> anyhow::Result<()> {
    if let Some(name) = args.schema {
        return output.json(&schema(name));
    }
    let services = load(args)?;
    let redactor = redactor(&services);
    let mut services: Vec<Description> = services.iter().map(Service::describe).collect();
    if !args.names.is_empty() {
        services = named(services, &args.names).map_err(bad_input)?;
    }
    let text = if output.is_json() {
        serde_json::to_string_pretty(&services)?
    } else if args.names.is_empty() {
        list(&services)
    } else {
        services
            .iter()
            .map(details)
            .collect::<Vec<_>>()
            .join("\n\n")
    };
    output.result(&redactor.redact(&text));
    Ok(())
}

fn schema(name: SchemaName) -> serde_json::Value {
    match name {
        SchemaName::Service => slipway_service::service_schema(),
        SchemaName::Containers => slipway_service::containers_schema(),
        SchemaName::DockerPuppet => slipway_service::entries_schema(),
        SchemaName::ConfigJson => slipway_kolla_config::schema(),
    }
}

/// Returns a redactor of the secrets that the definitions contain.
fn redactor(services: &[Service]) -> Redactor {
    let mut hiera = Hiera::new();
    for service in services {
        hiera.extend(service.config_settings.clone());
    }
    Redactor::from_hiera(&hiera)
}

fn load(args: &Services) -> anyhow::Result<Vec<Service>> {
    let mut paths = args.services.clone();
    if paths.is_empty() {
        paths.push(share::find("services").map_err(bad_input)?);
    }
    let mut services = Vec::new();
    for path in paths {
        services.extend(load_dir(&path).map_err(bad_input)?);
    }
    Ok(services)
}

fn named(services: Vec<Description>, names: &[String]) -> anyhow::Result<Vec<Description>> {
    let known: Vec<&str> = services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        let hint = slipway_suggest::hint(slipway_suggest::nearest(name, known.iter().copied()));
        anyhow::bail!("unknown service {name}{hint}");
    }
    let is_named = |service: &Description| names.contains(&service.name);
    Ok(services.into_iter().filter(is_named).collect())
}

fn list(services: &[Description]) -> String {
    let mut rows = vec![
        ["SERVICE", "STEPS", "IMAGES", "DESCRIPTION"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(services.iter().map(|service| {
        vec![
            service.name.clone(),
            steps(service),
            joined(service.images.iter().cloned()),
            service.description.clone().unwrap_or_default(),
        ]
    }));
    table(&rows)
}

fn details(service: &Description) -> String {
    let mut rows = vec![
        ["HIERA KEY", "TYPE", "DEFAULT", "MEANING"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(service.hiera.iter().map(|(key, hiera)| {
        vec![
            key.clone(),
            hiera.kind.name().to_owned(),
            default(hiera),
            hiera.description.clone().unwrap_or_default(),
        ]
    }));
    let volume = service.config_volume.as_deref().unwrap_or("-");
    format!(
        "{}: {}\nsteps: {}\nimages: {}\nconfig volume: {volume}\n\n{}",
        service.name,
        service.description.as_deref().unwrap_or("-"),
        steps(service),
        joined(service.images.iter().cloned()),
        table(&rows)
    )
}

fn steps(service: &Description) -> String {
    joined(service.steps.iter().map(|step| step.number().to_string()))
}

fn joined(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    match items.is_empty() {
        true => "-".to_owned(),
        false => items.join(", "),
    }
}

/// Returns a default on one line, cut where it is long.
fn default(hiera: &HieraKey) -> String {
    const SHOWN: usize = 60;
    let Some(value) = &hiera.default else {
        return "(required)".to_owned();
    };
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
