"""Prints an environment that gives common/services/ROLE-role.yaml a role's services, or one with what
`slipway resolve --role` is given: that of a file without what the templates make of it themselves.

Usage: roles.py TREE ROLE
       roles.py TREE --networks ENVIRONMENT
"""

import json
import os
import sys

import yaml

NETWORKS = ['ctlplane', 'internal_api', 'storage', 'storage_mgmt', 'external', 'tenant', 'management']
# What the stack of the networks would give.
cidrs = {name: [f'172.16.{number}.0/24'] for number, name in enumerate(NETWORKS)}

if sys.argv[2] == '--networks':
    with open(sys.argv[3]) as opened:
        given = yaml.safe_load(opened)['parameter_defaults']
    made = ['EndpointMap', 'ServiceNetMap', 'Services', 'RoleName', 'RoleParameters']
    given = {name: value for name, value in given.items()
             if name not in made and not name.endswith('Services')}
    given['ServiceData'] = {
        'net_cidr_map': cidrs,
        'net_vip_map': {name: given['NetIpMap'][name] for name in NETWORKS},
        'net_ip_version_map': {name: 4 for name in NETWORKS},
    }
    print(json.dumps({'parameter_defaults': given}))
    sys.exit()

with open(os.path.join(sys.argv[1], 'roles_data.yaml')) as opened:
    roles = {role['name']: role for role in yaml.safe_load(opened)}
print(json.dumps({'parameters': {
    'Services': roles[sys.argv[2]]['ServicesDefault'],
    'RoleName': sys.argv[2],
    'ServiceData': {'net_cidr_map': cidrs},
}}))
