"""Prints what Heat makes of a role's services, given what overcloud.yaml gives them:
{ROLE: {"outputs": …} or {"error": …}}.

Usage: overcloud.py TREE ROLE [-e ENVIRONMENT]...

What the stacks of the networks would say is the environment's: NetIpMap and ServiceData. So are
DefaultPasswords.
"""

import argparse
import json
import os

import yaml
from heat.engine import function

import heat_oracle

EMPTY = {'string': '', 'number': 0, 'json': {}, 'comma_delimited_list': [], 'boolean': False}

parser = argparse.ArgumentParser()
parser.add_argument('tree')
parser.add_argument('role')
parser.add_argument('-e', action='append', default=[])
options = parser.parse_args()
heat = heat_oracle.Heat(options.tree, options.e)


def parameters(path):
    """Those that the environment gives, the role's services, and something for the others."""
    with open(os.path.join(heat.tree, 'roles_data.yaml')) as opened:
        services = {f'{role["name"]}Services': role['ServicesDefault']
                    for role in yaml.safe_load(opened)}
    found = {}
    for name, schema in heat.parsed(path)['parameters'].items():
        if name in heat.parameters:
            found[name] = heat.parameters[name]
        elif 'default' not in schema and heat.defaults.get(name) is None:
            found[name] = services.get(name, EMPTY[schema['type']])
    return found


def role_data():
    path = os.path.join(heat.tree, 'overcloud.yaml')
    overcloud = heat_oracle.Stack(heat, path, parameters(path))
    overcloud.found['VipMap'] = {'net_ip_map': heat.defaults['NetIpMap']}
    chain = overcloud.definition.resource_definition(f'{options.role}ServiceChain')
    given = {name: heat.defaults[name] if name in ('ServiceData', 'DefaultPasswords')
             else function.resolve(value)
             for name, value in chain._properties.items()}
    template = f'common/services/{options.role.lower()}-role.yaml'
    return heat_oracle.Stack(heat, os.path.join(heat.tree, template), given).outputs()['role_data']


try:
    result = {'outputs': {'role_data': role_data()}}
except Exception as error:
    result = {'error': f'{type(error).__name__}: {error}'}
# A set of texts has no order of its own.
for data in result.get('outputs', {}).values():
    data['logging_groups'] = sorted(data.get('logging_groups') or [])
print(json.dumps({options.role: result}))
