"""Writes a plan's roles file and the environment of its servers.

Usage: plan.py roles TREE SET OUT
       plan.py environment TREE SET BASE OUT

TREE is a source of tripleo-heat-templates. SET is the name of a set of roles. BASE is an environment that
gives every parameter without a default a value. The servers are deployed servers on one network.
"""

import os
import sys

import yaml

CONTROLLER = ['Keystone', 'MySQL', 'HAproxy', 'RabbitMQ', 'Memcached']
# Roles with the number of their servers and their services.
SETS = {
    'together': {'Controller': (3, CONTROLLER), 'Compute': (1, ['NovaCompute', 'Timezone'])},
    'apart': {'Controller': (1, ['Keystone', 'HAproxy', 'Memcached']), 'Database': (2, ['MySQL']),
              'Messaging': (1, ['RabbitMQ', 'Timezone']), 'Compute': (1, ['NovaCompute'])},
}
# The last octet of the address of each role's first server.
FIRST = {'Controller': 10, 'Compute': 20, 'Database': 30, 'Messaging': 40}
VIPS = {'control_virtual_ip': 5, 'redis_virtual_ip': 6, 'public_virtual_ip': 7, 'ovn_dbs_virtual_ip': 8}
# Parameters that overcloud.yaml works out.
MADE = ['EndpointMap', 'ServiceNetMap', 'Services', 'RoleName', 'RoleParameters', 'NetIpMap',
        'DefaultPasswords', 'ServiceData']


def role_of(tree, name):
    with open(os.path.join(tree, 'roles', f'{name}.yaml'), encoding='utf-8') as opened:
        return yaml.safe_load(opened)[0]


def service(tree, name):
    """A service under the name that the release has for it."""
    is_old = os.path.isdir(os.path.join(tree, 'docker/services')) and not os.path.exists(
        os.path.join(tree, 'deployment'))
    return 'OS::TripleO::Services::' + (
        'OsloMessagingRpc' if name == 'RabbitMQ' and not is_old else name)


def roles(tree, which, out):
    found = []
    for name, (count, services) in SETS[which].items():
        role = role_of(tree, name)
        role['ServicesDefault'] = [service(tree, one) for one in services]
        role['CountDefault'] = count
        found.append(role)
    with open(out, 'w', encoding='utf-8') as opened:
        yaml.safe_dump(found, opened, sort_keys=False)


def environment(tree, which, base, out):
    with open(base, encoding='utf-8') as opened:
        given = yaml.safe_load(opened)['parameter_defaults']
    for key in list(given):
        if key in MADE or key.endswith(('Services', 'RemovalPolicies', 'SchedulerHints')):
            del given[key]
    addresses = {name: f'192.168.24.{last}' for name, last in VIPS.items()}
    for name, (count, _) in SETS[which].items():
        given[f'{name}Count'] = count
        hosts = role_of(tree, name).get('HostnameFormatDefault', f'%stackname%-{name.lower()}-%index%')
        for index in range(count):
            host = hosts.replace('%stackname%', 'overcloud').replace('%index%', str(index))
            addresses[f'{host}-ctlplane'] = f'192.168.24.{FIRST[name] + index}'
    network = '192.168.24.0/24'
    given['DeployedServerPortMap'] = {
        name: {'fixed_ips': [{'ip_address': address}], 'subnets': [{'cidr': network}],
               'network': {'tags': [network]}} for name, address in addresses.items()}
    given['SoftwareConfigTransport'] = 'POLL_SERVER_CFN'
    port = os.path.join(tree, 'deployed-server/deployed-neutron-port.yaml')
    registry = {f'OS::TripleO::{kind}': port for kind in
                ('DeployedServer::ControlPlanePort', 'Network::Ports::ControlPlaneVipPort')}
    with open(out, 'w', encoding='utf-8') as opened:
        yaml.safe_dump({'parameter_defaults': given, 'resource_registry': registry}, opened)


if sys.argv[1] == 'roles':
    roles(*sys.argv[2:])
else:
    environment(*sys.argv[2:])
