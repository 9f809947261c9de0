# Copyright: the Slipway authors
# Apache-2.0
"""Calls the slipway program and reads its results."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os

# The options of every module.
COMMON = dict(
    program=dict(type='path', default='/usr/local/bin/slipway'),
    root=dict(type='path', default='/'),
)

# The options of modules that work on a role.
ROLE = dict(
    COMMON,
    services=dict(type='list', elements='path', required=True),
    role=dict(type='str', required=True),
    hiera=dict(type='list', elements='path', default=[]),
)

# The exit statuses of slipway, and their meaning.
STATUSES = {
    2: 'wrong input',
    3: 'no container engine answers',
    4: 'another run is under way',
    130: 'interrupted',
}


class Slipway:
    """The program on this node."""

    def __init__(self, module):
        self.module = module
        self.program = module.params['program']

    def is_missing(self):
        """True in check mode on a node that does not have the program or the files yet."""
        needed = [self.program] + list(self.module.params.get('services') or [])
        if self.module.params.get('file'):
            needed.append(self.module.params['file'])
        return self.module.check_mode and not all(os.path.exists(path) for path in needed)

    def run(self, arguments):
        """Runs a command of slipway. Returns standard output and standard error."""
        if not os.path.exists(self.program):
            self.module.fail_json(msg='%s is missing: put slipway on the node, or set program' % self.program)
        status, out, errors = self.module.run_command([self.program] + arguments)
        if status != 0:
            meaning = STATUSES.get(status, 'it failed')
            last = errors.strip() or out.strip()
            self.module.fail_json(msg='slipway: %s: %s' % (meaning, last), rc=status)
        return out, errors

    def json(self, arguments):
        """Runs a command, and returns its result and the lines that it printed for people."""
        out, errors = self.run(['--format', 'json'] + arguments)
        try:
            result = json.loads(out)
        except ValueError:
            self.module.fail_json(msg='slipway printed something else than a result: %s' % out[:1000])
        return result, errors.splitlines()

    def text(self, arguments):
        """Runs a command, and returns the text of its result."""
        return self.run(['--quiet'] + arguments)[0]

    def plan(self, arguments):
        """The plan of a command."""
        return self.json(arguments + ['--plan'])[0]

    def diff(self, arguments):
        """The plan of a command as text, where --diff asks for it."""
        if not self.module._diff:
            return {}
        return {'diff': {'prepared': self.text(arguments + ['--plan'])}}

    def exit_with_changes(self, found, more):
        """Ends the module in check mode, with the changes that a run would make."""
        self.module.exit_json(changed=bool(found), changes=found, **more)


def selection(params):
    """The options that name the declarations of a role."""
    arguments = ['--role', params['role'], '--root', params['root']]
    for path in params['services']:
        arguments += ['--services', path]
    for path in params['hiera']:
        arguments += ['--hiera', path]
    return arguments


def changes(plan):
    """The changes that the plan of a set of containers names."""
    found = ['pull %s' % image for image in plan['pulls']]
    found += ['remove %s' % one['name'] for one in plan['removals']]
    found += ['rename %s to %s' % (one['from'], one['to']) for one in plan['renames']]
    found += ['%s %s' % (one['action'], one['container']) for one in plan['containers'] if one['action'] != 'keep']
    found += ['write or remove a unit of systemd' for _unused in plan['units']]
    return found


def due(slipway, selected, command, with_volumes=True):
    """The changes that the plan of a deployment names."""
    found = volumes_due(slipway.plan(['config'] + selected)) if with_volumes else []
    for step in slipway.plan(command)['steps']:
        found += ['step %s: %s' % (step['step'], change) for change in changes(step['containers'])]
    return found


def done(result):
    """The changes that a deployment made, in the words of its plan."""
    runs = result['pre']['volumes']['runs']
    found = ['generate config volume %s' % run['name'] for run in runs if run['outcome'] != 'skipped']
    for step in result['steps']:
        found += ['step %s: %s' % (step['step'], change) for change in converged(step['containers'])]
        for run in (step['tasks'] or {}).get('runs', []):
            if run['outcome'] != 'skipped':
                found.append('step %s: run task %s' % (step['step'], run['name']))
    return found


def converged(outcome):
    """The changes that were made to a set of containers."""
    found = ['pull %s' % image for image in outcome['pulled']]
    found += ['remove %s' % name for name in outcome['removed']]
    found += ['rename %s to %s' % (one['from'], one['to']) for one in outcome['renamed']]
    found += ['%s %s' % (one['action'], name) for name, one in sorted(outcome['containers'].items())
              if one['action'] != 'keep']
    found += ['write or remove a unit of systemd' for _unused in outcome['units']]
    return found


def volumes_due(planned):
    """The config volumes that would be generated."""
    return ['generate config volume %s' % one['name'] for one in planned['volumes'] if one['why'] is not None]
