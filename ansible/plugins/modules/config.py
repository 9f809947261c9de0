#!/usr/bin/python
# Copyright: the Slipway authors
# Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: config
short_description: Generates config volumes
description:
  - Runs Puppet in a container for each config volume of a role whose declaration changed, as docker-puppet.py and
    container-puppet.py did for all of them.
options:
  config_volume:
    description: Only this config volume.
    type: str
extends_documentation_fragment:
  - slipway.node.role
  - slipway.node.program
attributes:
  check_mode:
    description: Returns the config volumes that would be generated.
    support: full
  diff_mode:
    description: Returns the config volumes with the reason why each is generated.
    support: full
author:
  - The Slipway authors
'''

EXAMPLES = r'''
- name: Generate the config volumes
  slipway.node.config:
    services: [/var/lib/slipway/role/services]
    hiera: [/var/lib/slipway/role/hiera.yaml]
    role: Controller
'''

RETURN = r'''
changes:
  description: In check mode, the config volumes that would be generated.
  returned: check mode
  type: list
  elements: str
result:
  description: The result of slipway config.
  returned: when config volumes were generated
  type: dict
log:
  description: The lines that slipway printed.
  returned: when config volumes were generated
  type: list
  elements: str
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.slipway.node.plugins.module_utils.program import (
    ROLE, Slipway, selection, volumes_due)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            config_volume=dict(type='str'),
            **ROLE
        ),
        supports_check_mode=True,
    )
    params = module.params
    slipway = Slipway(module)
    if slipway.is_missing():
        module.exit_json(changed=True, changes=['slipway or the definitions are not on the node yet'])
    command = ['config'] + selection(params)
    if params['config_volume']:
        command += ['--config-volume', params['config_volume']]
    more = slipway.diff(command)
    if module.check_mode:
        slipway.exit_with_changes(volumes_due(slipway.plan(command)), more)
    result, log = slipway.json(command)
    ran = [run for run in result['runs'] if run['outcome'] != 'skipped']
    module.exit_json(changed=bool(ran), result=result, log=log, **more)


if __name__ == '__main__':
    main()
