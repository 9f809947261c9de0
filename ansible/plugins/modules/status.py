#!/usr/bin/python
# Copyright: the Slipway authors
# Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: status
short_description: Reads the state of a node
description:
  - Returns the containers of a role with their health, and what a deployment would change.
  - It changes nothing.
options:
  healthy:
    description: Fail if a container is not up or not healthy, and do not look for changes.
    type: bool
    default: false
  wait:
    description: Seconds that containers have to become healthy.
    type: int
    default: 0
extends_documentation_fragment:
  - slipway.node.role
  - slipway.node.program
attributes:
  check_mode:
    description: The module changes nothing.
    support: full
  diff_mode:
    description: The module changes nothing.
    support: none
author:
  - The Slipway authors
'''

EXAMPLES = r'''
- name: Read the state of the node
  slipway.node.status:
    services: [/var/lib/slipway/role/services]
    hiera: [/var/lib/slipway/role/hiera.yaml]
    role: Controller
'''

RETURN = r'''
deployed:
  description: False if slipway or the definitions are not on the node.
  returned: always
  type: bool
containers:
  description: The number of containers.
  returned: when deployed
  type: int
step:
  description: The highest step that has a container.
  returned: when a container is there
  type: int
unhealthy:
  description: The containers that are not up or not healthy, with their state.
  returned: when deployed
  type: list
  elements: str
drift:
  description: The containers that are not as they were deployed.
  returned: when deployed
  type: list
  elements: str
due:
  description: The changes that a deployment would make.
  returned: when deployed, without healthy
  type: list
  elements: str
'''

import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.slipway.node.plugins.module_utils.program import (
    ROLE, Slipway, due, selection)

# The time between two looks at containers that are not healthy yet.
PAUSE = 2


def is_down(container):
    """True for a container that is not up, except for one that has done its work."""
    if container['state'] == 'exited':
        return container['exit_code'] != 0
    return container['state'] != 'running' or container['health'] in ('starting', 'unhealthy')


def state_of(container):
    return '%s: %s' % (container['name'], container['health'] or container['state'])


def listed(slipway, params):
    """The containers of the role, in the order of their steps."""
    found = slipway.json(['ps', '--root', params['root'], '--role', params['role']])[0]
    return sorted(found, key=lambda one: (one['step'] or 0, one['name']))


def main():
    module = AnsibleModule(
        argument_spec=dict(
            healthy=dict(type='bool', default=False),
            wait=dict(type='int', default=0),
            **ROLE
        ),
        supports_check_mode=True,
    )
    params = module.params
    needed = [params['program']] + params['services'] + params['hiera']
    if not all(os.path.exists(path) for path in needed):
        module.exit_json(changed=False, deployed=False)
    slipway = Slipway(module)
    end = time.time() + params['wait']
    containers = listed(slipway, params)
    while any(is_down(one) for one in containers) and time.time() < end:
        time.sleep(PAUSE)
        containers = listed(slipway, params)
    result = dict(
        changed=False,
        deployed=True,
        containers=len(containers),
        step=max([one['step'] or 0 for one in containers] or [0]),
        unhealthy=[state_of(one) for one in containers if is_down(one)],
        drift=[one['name'] for one in containers if one['drift']],
    )
    if params['healthy'] and result['unhealthy']:
        module.fail_json(msg='not healthy: %s' % ', '.join(result['unhealthy']), **result)
    if not params['healthy']:
        result['due'] = due(slipway, selection(params), ['deploy'] + selection(params))
    module.exit_json(**result)


if __name__ == '__main__':
    main()
