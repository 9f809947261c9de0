#!/usr/bin/python
# Copyright: the Slipway authors
# Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: containers
short_description: Converges a set of containers
description:
  - Starts, replaces and deletes containers until they are as a file on the node declares them, as paunch did.
options:
  file:
    description: The containers by name, a YAML or JSON file on the node, or a directory of hashed-NAME.json.
    type: path
    required: true
  config_id:
    description: Name of the set. The set owns the containers with this label.
    type: str
    required: true
  managed_by:
    description: The containers' managed_by label.
    type: str
    default: paunch
  wait:
    description: Seconds that containers have to become healthy. Without it, their health is not waited for.
    type: int
  cleanup:
    description: Delete containers of the set that are no longer declared.
    type: bool
    default: true
extends_documentation_fragment:
  - slipway.node.program
attributes:
  check_mode:
    description: Returns what would change.
    support: full
  diff_mode:
    description: Returns the plan.
    support: full
author:
  - The Slipway authors
'''

EXAMPLES = r'''
- name: Start the containers of step 3
  slipway.node.containers:
    file: /var/lib/tripleo-config/hashed-container-startup-config-step_3.json
    config_id: tripleo_step3
'''

RETURN = r'''
changes:
  description: In check mode, what would change.
  returned: check mode
  type: list
  elements: str
result:
  description: The result of slipway apply.
  returned: when the set was converged
  type: dict
log:
  description: The lines that slipway printed.
  returned: when the set was converged
  type: list
  elements: str
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.slipway.node.plugins.module_utils.program import COMMON, Slipway, changes


def main():
    module = AnsibleModule(
        argument_spec=dict(
            file=dict(type='path', required=True),
            config_id=dict(type='str', required=True),
            managed_by=dict(type='str', default='paunch'),
            wait=dict(type='int'),
            cleanup=dict(type='bool', default=True),
            **COMMON
        ),
        supports_check_mode=True,
    )
    params = module.params
    slipway = Slipway(module)
    if slipway.is_missing():
        module.exit_json(changed=True, changes=['slipway or the file is not on the node yet'])
    command = ['apply', '--file', params['file'], '--config-id', params['config_id'],
               '--managed-by', params['managed_by'], '--root', params['root']]
    if not params['cleanup']:
        command.append('--no-cleanup')
    more = slipway.diff(command)
    if module.check_mode:
        slipway.exit_with_changes(changes(slipway.plan(command)), more)
    if params['wait'] is not None:
        command += ['--wait', str(params['wait'])]
    result, log = slipway.json(command)
    module.exit_json(changed=result['changed'], result=result, log=log, **more)


if __name__ == '__main__':
    main()
