//! The inventory of a plan.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use slipway_heat::Resolver;

use super::Options;
use super::common::Layout;
use super::outputs::{HOST_NETWORK, Outputs, wrong};
use crate::error::Result;

/// The host that runs Ansible.
#[derive(Clone, Debug, Default)]
pub struct Undercloud {
    /// The URL of its Keystone.
    pub auth_url: Option<String>,
    /// Its project.
    pub project_name: Option<String>,
    /// The user of its Keystone.
    pub username: Option<String>,
    /// The file of the certificate authority of its Keystone.
    pub cacert: Option<String>,
}

/// Services of the undercloud, as each layout names them.
const fn undercloud_services(layout: Layout) -> [&'static str; 6] {
    match layout {
        Layout::ByRole => [
            "openstack-nova-compute",
            "openstack-heat-engine",
            "openstack-ironic-conductor",
            "openstack-swift-container",
            "openstack-swift-object",
            "openstack-mistral-engine",
        ],
        Layout::ByHost => [
            "tripleo_nova_compute",
            "tripleo_heat_engine",
            "tripleo_ironic_conductor",
            "tripleo_swift_container_server",
            "tripleo_swift_object_server",
            "tripleo_mistral_engine",
        ],
    }
}

/// Groups of ceph-ansible, and the services whose servers they have.
const CEPH_GROUPS: [(&str, &str); 8] = [
    ("ceph_mon", "mons"),
    ("ceph_osd", "osds"),
    ("ceph_mgr", "mgrs"),
    ("ceph_rgw", "rgws"),
    ("ceph_mds", "mdss"),
    ("ceph_nfs", "nfss"),
    ("ceph_client", "clients"),
    ("ceph_rbdmirror", "rbdmirrors"),
];

/// The Python of the process that runs the playbook.
const PLAYBOOK_PYTHON: &str = "{{ ansible_playbook_python }}";

/// Returns the inventory.
pub(super) fn inventory(
    outputs: &Outputs<'_>,
    resolver: &Resolver,
    layout: Layout,
    options: &Options,
) -> Result<Value> {
    let mut groups = Map::new();
    let vars = undercloud(outputs, resolver, layout, options)?;
    groups.insert(
        "Undercloud".to_owned(),
        json!({"hosts": {"undercloud": {}}, "vars": vars}),
    );
    let mut networks = BTreeSet::new();
    let mut roles = BTreeSet::new();
    for (role, hostnames) in outputs.map("RoleNetHostnameMap")? {
        if hostnames.as_object().is_none_or(Map::is_empty) {
            continue;
        }
        let group = of_role(role, hostnames, outputs, layout, options, &mut networks)?;
        groups.insert(role.clone(), group);
        roles.insert(role.as_str());
    }
    if !roles.is_empty() {
        let vars = overcloud(outputs, resolver, layout, &networks)?;
        let children = children(roles.iter().copied());
        groups.insert(
            "overcloud".to_owned(),
            json!({"children": children, "vars": vars}),
        );
    }
    for (service, of_service) in roles_by_service(outputs, layout)? {
        let present: Vec<&str> = of_service
            .into_iter()
            .filter(|role| groups.contains_key(*role))
            .collect();
        if !present.is_empty() {
            let vars = json!({"ansible_ssh_user": options.ssh_user});
            let group = json!({"children": children(present), "vars": vars});
            groups.insert(service.to_lowercase(), group);
        }
    }
    Ok(Value::Object(groups))
}

fn children<'a>(roles: impl IntoIterator<Item = &'a str>) -> Value {
    let roles = roles.into_iter();
    let roles: Map<String, Value> = roles.map(|role| (role.to_owned(), json!({}))).collect();
    Value::Object(roles)
}

/// Returns the variables of the host that runs Ansible.
fn undercloud(
    outputs: &Outputs<'_>,
    resolver: &Resolver,
    layout: Layout,
    options: &Options,
) -> Result<Value> {
    let undercloud = &options.undercloud;
    let mut vars = json!({
        "ansible_host": "localhost",
        "ansible_connection": "local",
        "ansible_remote_tmp": "/tmp/ansible-${USER}",
        "auth_url": undercloud.auth_url,
        "cacert": undercloud.cacert,
        "os_auth_token": null,
        "plan": options.plan,
        "project_name": undercloud.project_name,
        "username": undercloud.username,
        "undercloud_swift_url": null,
        "undercloud_service_list": undercloud_services(layout),
    });
    if let Some(url) = outputs.get("KeystoneURL") {
        vars["overcloud_keystone_url"] = url.clone();
    }
    if let Some(password) = resolver.environment().default_of("AdminPassword") {
        vars["overcloud_admin_password"] = password.clone();
    }
    let horizon = outputs.map("EndpointMap")?.get("HorizonPublic");
    if let Some(url) = horizon.and_then(|endpoint| endpoint.get("uri")) {
        vars["overcloud_horizon_url"] = url.clone();
    }
    if layout == Layout::ByHost {
        vars["ansible_python_interpreter"] = Value::from(PLAYBOOK_PYTHON);
    }
    Ok(vars)
}

/// Returns the group of a role. Adds the networks of its servers.
fn of_role<'a>(
    role: &str,
    hostnames: &Value,
    outputs: &Outputs<'a>,
    layout: Layout,
    options: &Options,
    networks: &mut BTreeSet<&'a str>,
) -> Result<Value> {
    let addresses = outputs.map("RoleNetIpMap")?.get(role);
    let Some(Value::Object(addresses)) = addresses else {
        return Err(wrong("RoleNetIpMap", &format!("{role} is no map")));
    };
    let ids = outputs.server_ids()?.get(role);
    let mut hosts = Map::new();
    for (index, name) in outputs.host_names(hostnames).into_iter().enumerate() {
        let address = |network: &str| addresses.get(network)?.get(index);
        let Some(own) = address(HOST_NETWORK) else {
            let reason = format!("{name} has no address on {HOST_NETWORK}");
            return Err(wrong("RoleNetIpMap", &reason));
        };
        let enabled: Vec<&str> = addresses.keys().map(String::as_str).collect();
        let mut vars = json!({"ansible_host": own, "enabled_networks": enabled});
        if let Some(id) = ids.and_then(|ids| ids.get(index)) {
            vars["deploy_server_id"] = id.clone();
        }
        for network in &enabled {
            if let Some(address) = address(network) {
                vars[format!("{network}_ip")] = address.clone();
            }
        }
        networks.extend(&enabled);
        hosts.insert(name, vars);
    }
    let bootstrap = outputs.map("ServerIdData")?.get("bootstrap_server_id");
    let mut vars = json!({
        "ansible_ssh_user": options.ssh_user,
        "bootstrap_server_id": bootstrap,
        "tripleo_role_name": role,
    });
    if layout == Layout::ByRole {
        vars["role_name"] = Value::from(role);
    }
    Ok(json!({"hosts": hosts, "vars": vars}))
}

/// Returns the variables of all servers: the virtual addresses.
fn overcloud(
    outputs: &Outputs<'_>,
    resolver: &Resolver,
    layout: Layout,
    networks: &BTreeSet<&str>,
) -> Result<Value> {
    let mut vars = Map::new();
    for (network, address) in outputs.map("VipMap")? {
        let is_known = networks.contains(network.as_str()) || network == "redis";
        if is_known && slipway_pyvalue::truth(address) {
            vars.insert(format!("{network}_vip"), address.clone());
        }
    }
    if layout == Layout::ByHost {
        let cli = resolver.environment().default_of("ContainerCli");
        vars.insert("container_cli".to_owned(), json!(cli));
    }
    Ok(Value::Object(vars))
}

/// Returns the roles of each service.
fn roles_by_service<'a>(
    outputs: &Outputs<'a>,
    layout: Layout,
) -> Result<BTreeMap<&'a str, BTreeSet<&'a str>>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (role, services) in outputs.map("EnabledServices")? {
        let services = services.as_array().into_iter().flatten();
        for service in services.filter_map(Value::as_str) {
            found.entry(service).or_default().insert(role);
        }
    }
    if layout == Layout::ByHost {
        for (service, group) in CEPH_GROUPS {
            if let Some(roles) = found.get(service).cloned() {
                found.insert(group, roles);
            }
        }
    }
    Ok(found)
}
