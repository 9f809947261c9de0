# Copyright: the Slipway authors
# Apache-2.0

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
name: events
type: notification
short_description: Writes what happens on each node as lines of JSON
description:
  - Writes a line for the start and the end of each task on a node, and one line of totals at the end.
  - Results of tasks with no_log are left out.
  - Keeps facts that tasks set and results that they register, so that a later run of another part of the playbook
    knows them.
options:
  events:
    description: The file of the events. Without it, the callback does nothing.
    type: path
    env:
      - name: SLIPWAY_EVENTS
  facts:
    description: The directory of facts, a file for each node. Without it, facts are not kept.
    type: path
    env:
      - name: SLIPWAY_FACTS
author:
  - The Slipway authors
'''

import json
import os
import time

from ansible.plugins.callback import CallbackBase

SET_FACT = ('set_fact', 'ansible.builtin.set_fact', 'ansible.legacy.set_fact')

# The variable of the plays themselves.
OWN = 'slipway_written'

# The module that asks for the state of a node.
STATUS = 'slipway.node.status'


class CallbackModule(CallbackBase):
    """The events of a run, and the facts of its nodes."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'notification'
    CALLBACK_NAME = 'slipway.node.events'
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super(CallbackModule, self).__init__()
        self.file = None
        self.facts = None
        self.kept = {}

    def set_options(self, task_keys=None, var_options=None, direct=None):
        super(CallbackModule, self).set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        events = self.get_option('events')
        self.facts = self.get_option('facts')
        if events is None:
            self.disabled = True
            return
        # The file is there already, private.
        self.file = open(events, 'a')

    def write(self, event, **fields):
        fields.update(event=event, time=time.time())
        self.file.write(json.dumps(fields, default=str) + '\n')
        self.file.flush()

    def end(self, result, outcome):
        values = values_of(result)
        fields = dict(node=result._host.get_name(), task=result._task.get_name(), result=outcome)
        if outcome in ('failed', 'unreachable'):
            fields['message'] = message(values)
        if outcome == 'changed':
            fields['changes'] = list(values.get('changes') or [])
        if result._task.action == STATUS and outcome == 'ok':
            fields['status'] = dict((key, values.get(key)) for key in (
                'deployed', 'containers', 'step', 'unhealthy', 'drift', 'due'))
        self.write('end', **fields)
        self.keep(result, values)

    def keep(self, result, values):
        if self.facts is None or 'censored' in values:
            return
        facts = self.kept.setdefault(result._host.get_name(), {})
        if result._task.action in SET_FACT:
            facts.update(values.get('ansible_facts') or {})
        register = result._task.register
        if isinstance(register, str) and register.isidentifier() and register != OWN:
            facts[str(register)] = dict(
                (key, value) for key, value in values.items() if not key.startswith('_ansible_'))

    def v2_runner_on_start(self, host, task):
        self.write('start', node=host.get_name(), task=task.get_name())

    def v2_runner_on_ok(self, result):
        self.end(result, 'changed' if values_of(result).get('changed') else 'ok')

    def v2_runner_on_skipped(self, result):
        self.end(result, 'skipped')

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.end(result, 'ignored' if ignore_errors else 'failed')

    def v2_runner_on_unreachable(self, result):
        self.end(result, 'unreachable')

    def v2_playbook_on_stats(self, stats):
        for node, facts in self.kept.items():
            keep_in(os.path.join(self.facts, '%s.yaml' % node), facts)
        nodes = {}
        for node in stats.processed:
            summary = stats.summarize(node)
            nodes[node] = dict(
                changed=summary['changed'], failed=summary['failures'], unreachable=summary['unreachable'])
        self.write('totals', nodes=nodes)


def values_of(result):
    """The values that a task returned, without those of no_log."""
    values = result._result
    return values if isinstance(values, dict) else {}


def message(values):
    """The reason of a failure."""
    if 'censored' in values:
        return 'the task has no_log'
    reason = 'failed_when is true' if values.get('failed_when_result') else 'it failed'
    parts = [str(values.get('msg') or reason)]
    for item in values.get('results') or []:
        if isinstance(item, dict) and item.get('failed') and item.get('msg'):
            parts.append(str(item['msg']))
    for stream in ('stderr', 'module_stderr', 'stdout'):
        if values.get(stream):
            parts.append(str(values[stream])[-2000:])
            break
    return '\n'.join(parts)


def keep_in(path, facts):
    """Adds facts to those in a file. Its strings are not templates."""
    kept = {}
    if os.path.exists(path + '.json'):
        with open(path + '.json') as file:
            kept = json.load(file)
    kept.update(json.loads(json.dumps(facts, default=str)))
    replace(path + '.json', json.dumps(kept))
    replace(path, yaml_of(kept) + '\n')


def replace(path, text):
    new = '%s.new' % path
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 'w') as file:
        file.write(text)
    os.rename(new, path)


def yaml_of(value):
    """Writes a value as YAML whose strings Ansible does not evaluate."""
    if isinstance(value, dict):
        items = ['%s: %s' % (json.dumps(str(key)), yaml_of(item)) for key, item in value.items()]
        return '{%s}' % ', '.join(items)
    if isinstance(value, list):
        return '[%s]' % ', '.join(yaml_of(item) for item in value)
    if isinstance(value, str):
        return '!unsafe %s' % json.dumps(value)
    return json.dumps(value)
