"""Writes environments that give every parameter without a default a value.

Usage: environments.py TREE DIR

DIR/base.yaml is the common one; the others are given after it.
"""

import glob
import json
import os
import re
import sys

import yaml

import heat_oracle

TREE, TARGET = sys.argv[1:]
TYPES = ['string', 'number', 'json', 'comma_delimited_list', 'boolean']
# What looks like a Ceph key.
KEY = 'A' * 38 + '=='
NETWORKS = ['ctlplane', 'external', 'internal_api', 'storage', 'storage_mgmt', 'storage_nfs',
            'tenant', 'management']


def templates():
    for path in sorted(glob.glob(os.path.join(TREE, '**/*.yaml'), recursive=True)):
        with open(path) as opened:
            try:
                content = heat_oracle.template_format.simple_parse(opened.read())
            except ValueError:
                continue
        if 'heat_template_version' in content:
            yield os.path.relpath(path, TREE), content


def value_for(name, schema):
    constraints = schema.get('constraints') or []
    for constraint in constraints:
        if constraint.get('allowed_values'):
            return constraint['allowed_values'][0]
        if 'allowed_pattern' in constraint and re.fullmatch(constraint['allowed_pattern'], KEY):
            return KEY
    if schema['type'] in ('number', 'boolean'):
        return {'number': 7, 'boolean': True}[schema['type']]
    if schema['type'] == 'json':
        return {}
    if schema['type'] == 'comma_delimited_list':
        return ['first', 'second']
    if 'Image' in name:
        image = re.sub('([a-z0-9])([A-Z])', r'\1-\2', re.sub('^(Docker|Container)|(Config)?Image$', '', name))
        return f'registry.example.com:5000/tripleo/centos-binary-{image.lower()}:20180701'
    value = f'{name}-value'
    for constraint in constraints:
        length = constraint.get('length') or {}
        value = value.ljust(length.get('min', 0), 'x')[:length.get('max')]
    return value


def values(of_templates):
    found = {}
    for content in of_templates.values():
        for name, schema in (content.get('parameters') or {}).items():
            default = schema.get('default')
            if schema.get('type') not in TYPES:
                continue
            # One number has an empty map by default, which Heat refuses.
            if default is None or (schema['type'] == 'number' and default == {}):
                found.setdefault(name, value_for(name, schema))
    return found


def addresses(ipv6):
    found = {}
    for number, network in enumerate(NETWORKS):
        address = f'fd00:fd00:{number}::5' if ipv6 else f'172.16.{number}.5'
        found[network] = address
        found[f'{network}_uri'] = f'[{address}]' if ipv6 else address
        found[f'{network}_subnet'] = f'{address}/64' if ipv6 else f'{address}/24'
    return found


def resolved(path, output, parameters):
    heat = heat_oracle.Heat(TREE, [])
    heat.defaults.update(parameters)
    return heat.resolve(path)[output]


def endpoints(service_net_map, ipv6, tls):
    """EndpointMap as network/endpoints/endpoint_map.yaml gives it."""
    path = 'network/endpoints/endpoint_map.yaml'
    if not os.path.exists(os.path.join(TREE, path)):
        return {}
    with open(os.path.join(TREE, path)) as opened:
        declared = yaml.safe_load(opened)['parameters']['EndpointMap']['default']
    # The latest releases have none of their own.
    if not declared:
        return {}
    parameters = {
        'NetIpMap': addresses(ipv6),
        'ServiceNetMap': service_net_map,
        'CloudEndpoints': {network: f'overcloud.{network}.example.com' for network in NETWORKS},
    }
    if tls:
        parameters['EndpointMap'] = {
            name: {**value, 'host': 'CLOUDNAME',
                   'protocol': {'http': 'https', 'ws': 'wss'}.get(value['protocol'], value['protocol'])}
            for name, value in declared.items()}
    return resolved(path, 'endpoint_map', parameters)


def write(name, **sections):
    with open(os.path.join(TARGET, f'{name}.yaml'), 'w') as opened:
        yaml.safe_dump(sections, opened, sort_keys=True, allow_unicode=True)


def main():
    os.makedirs(TARGET, exist_ok=True)
    of_templates = dict(templates())
    base = values(of_templates)
    base.pop('EndpointMap', None)
    net_map = 'network/service_net_map.yaml'
    service_net_map = resolved(net_map, 'service_net_map', {}) if net_map in of_templates else {}
    passwords = of_templates.get('default_passwords.yaml', {}).get('outputs', {}).get('passwords', {})
    base |= {
        'ServiceNetMap': service_net_map,
        'EndpointMap': endpoints(service_net_map, ipv6=False, tls=False),
        'DefaultPasswords': {name: f'{name}-secret' for name in passwords.get('value', {})},
        'NetIpMap': addresses(ipv6=False),
    }
    write('base', parameter_defaults=base)
    tls = {
        'EnableInternalTLS': True,
        'InternalTLSCAFile': '/etc/ipa/ca.crt',
        'EndpointMap': endpoints(service_net_map, ipv6=False, tls=True),
        'CloudName': 'overcloud.example.com',
    }
    write('internal-tls', parameter_defaults=tls)
    write('ipv6', parameter_defaults={
        'EndpointMap': endpoints(service_net_map, ipv6=True, tls=False),
        'NetIpMap': addresses(ipv6=True),
        'MemcachedIPv6': True, 'RabbitIPv6': True, 'MysqlIPv6': True, 'CephIPv6': True,
        'NovaIPv6': True, 'CorosyncIPv6': True, 'MongoDbIPv6': True, 'RedisIPv6': True,
        'CinderIPv6': True,
    })
    types = {name: schema for content in of_templates.values()
             for name, schema in (content.get('parameters') or {}).items()}
    write('debug', parameter_defaults={
        name: True for name in types if re.search('Debug$', name)})
    write('empty-lists', parameter_defaults={
        name: {'comma_delimited_list': [], 'json': {}}[schema['type']]
        for name, schema in types.items()
        if schema.get('type') in ('comma_delimited_list', 'json')
        and name not in ('EndpointMap', 'ServiceNetMap', 'DefaultPasswords')
        and not schema.get('constraints')})


main()
