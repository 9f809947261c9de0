#!/usr/bin/python
# Copyright: the Slipway authors
# Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: deploy
short_description: Brings a node to a step
description:
  - Generates the config volumes of a role, applies the host's manifest, converges the containers of a step and
    waits until they are healthy.
  - What is as declared is left alone.
options:
  step:
    description: The step. Without it, all steps in order.
    type: int
    choices: [1, 2, 3, 4, 5]
  bootstrap_node:
    description: Run the docker_puppet_tasks of the step, which one node of a role does.
    type: bool
    default: true
  restart_changed:
    description: Restart containers whose config.json changed after they were started.
    type: bool
    default: false
  wait:
    description: Seconds that containers have to become healthy.
    type: int
    default: 300
extends_documentation_fragment:
  - slipway.node.role
  - slipway.node.program
attributes:
  check_mode:
    description: Returns what would change. Config volumes are counted in step 1 and without a step. The
      docker_puppet_tasks of a step are not counted, and containers whose config volume would be generated are counted
      by the volume alone.
    support: partial
  diff_mode:
    description: Returns the plan.
    support: full
author:
  - The Slipway authors
'''

EXAMPLES = r'''
- name: Bring the node to step 1
  slipway.node.deploy:
    services: [/var/lib/slipway/role/services]
    hiera: [/var/lib/slipway/role/hiera.yaml]
    role: Controller
    step: 1
    bootstrap_node: false
'''

RETURN = r'''
changes:
  description: The config volumes and containers that changed, or would change in check mode.
  returned: always
  type: list
  elements: str
result:
  description: The result of slipway deploy.
  returned: when the step was done
  type: dict
log:
  description: The lines that slipway printed.
  returned: when the step was done
  type: list
  elements: str
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.slipway.node.plugins.module_utils.program import (
    ROLE, Slipway, done, due, selection)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            step=dict(type='int', choices=[1, 2, 3, 4, 5]),
            bootstrap_node=dict(type='bool', default=True),
            restart_changed=dict(type='bool', default=False),
            wait=dict(type='int', default=300),
            **ROLE
        ),
        supports_check_mode=True,
    )
    params = module.params
    slipway = Slipway(module)
    if slipway.is_missing():
        module.exit_json(changed=True, changes=['slipway or the definitions are not on the node yet'])
    selected = selection(params)
    command = ['deploy'] + selected + [
        '--bootstrap-node', str(params['bootstrap_node']).lower(), '--wait', str(params['wait'])]
    if params['step'] is not None:
        command += ['--step', str(params['step'])]
    if params['restart_changed']:
        command.append('--restart-changed')
    more = slipway.diff(command)
    if module.check_mode:
        # The steps after the first find the config volumes generated.
        found = due(slipway, selected, command, params['step'] in (None, 1))
        slipway.exit_with_changes(found, more)
    result, log = slipway.json(command)
    module.exit_json(changed=result['changed'], changes=done(result), result=result, log=log, **more)


if __name__ == '__main__':
    main()
