"""Prints an environment that gives common/services/ROLE-role.yaml a role's services.

Usage: roles.py TREE ROLE
"""

import json
import os
import sys

import yaml

with open(os.path.join(sys.argv[1], 'roles_data.yaml')) as opened:
    roles = {role['name']: role for role in yaml.safe_load(opened)}
# Which the stack of the networks would give.
cidrs = {name: [f'172.16.{number}.0/24'] for number, name in enumerate(
    ['ctlplane', 'internal_api', 'storage', 'storage_mgmt', 'external', 'tenant', 'management'])}
print(json.dumps({'parameters': {
    'Services': roles[sys.argv[2]]['ServicesDefault'],
    'RoleName': sys.argv[2],
    'ServiceData': {'net_cidr_map': cidrs},
}}))
