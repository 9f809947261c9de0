"""Compares what deploy-steps-tasks.yaml wrote on a node with what `slipway deploy` did.

Usage: steps.py WORK

WORK holds the role's data (Controller), both nodes' directories (theirs, ours), and the plan.
"""

import json
import os
import stat
import sys

import yaml

WORK = sys.argv[1]
STEPS = range(1, 6)
# What the play prepares for programs whose place Slipway takes, and Slipway does not write.
FOR_OTHERS = {
    'lib/container-puppet/puppetlabs/facter.conf',
    'lib/docker-container-startup-configs.json',
    'lib/docker-puppet/docker-puppet.json',
    'lib/tripleo-config/docker-container-startup-config-step_6.json',
    'lib/tripleo-config/puppet_step_config.pp',
    'etc/puppet/hieradata/config_step.json',
} | {f'lib/docker-puppet/docker-puppet-tasks{step}.json' for step in (1, 2, 3)}
# What Slipway writes, and not the play: docker-puppet.py does, and here there is no volume yet.
HASHED = {f'lib/tripleo-config/hashed-docker-container-startup-config-step_{step}.json' for step in STEPS}
OURS_ALONE = HASHED | {'lib/slipway/lock'}
# Of the five services, as their templates have them.
CONTAINERS = {
    1: ['haproxy', 'haproxy_firewall', 'memcached', 'mysql_init_logs', 'rabbitmq', 'rabbitmq_bootstrap',
        'rabbitmq_init_logs'],
    2: ['keystone_init_log', 'mysql', 'mysql_bootstrap'],
    3: ['keystone', 'keystone_bootstrap', 'keystone_cron', 'keystone_db_sync', 'mysql_sync_credentials'],
    4: ['keystone_refresh'],
    5: [],
}
TASKS = {1: ['rabbit_init_tasks'], 2: ['mysql_init_tasks'], 3: ['keystone_init_tasks'], 4: [], 5: []}
VOLUMES = ['haproxy', 'keystone', 'memcached', 'mysql', 'rabbitmq']


def files(whose):
    """Mode and content of what was written below the directories that stand for a node's."""
    found = {}
    root = os.path.join(WORK, whose)
    for top in ('lib', 'log', 'etc/puppet'):
        for directory, _, names in os.walk(os.path.join(root, top)):
            for name in names:
                path = os.path.join(directory, name)
                with open(path, 'rb') as opened:
                    mode = stat.S_IMODE(os.stat(path).st_mode)
                    found[os.path.relpath(path, root)] = (mode, opened.read())
    return found


def role(part):
    with open(os.path.join(WORK, 'Controller', part)) as opened:
        return yaml.safe_load(opened) if part.endswith('.yaml') else opened.read()


def check(condition, message):
    if not condition:
        print(message)
        sys.exit(1)


def nice(content):
    """As later releases of the play write the same: to_nice_json."""
    return json.dumps(json.loads(content), indent=4, sort_keys=True, separators=(',', ': ')).encode()


def compare(theirs, ours):
    check(theirs.keys() - ours.keys() == FOR_OTHERS,
          f'the play alone wrote {sorted(theirs.keys() - ours.keys())}')
    check(ours.keys() - theirs.keys() == OURS_ALONE,
          f'Slipway alone wrote {sorted(ours.keys() - theirs.keys())}')
    both = sorted(theirs.keys() & ours.keys())
    for path in both:
        (mode, content), (our_mode, our_content) = theirs[path], ours[path]
        check(mode == our_mode, f'{path}: mode {our_mode:o} is not {mode:o}')
        expected = nice(content) if path.endswith('.json') else content
        check(our_content == expected, f'{path}: {our_content!r} is not {expected!r}')
    for path in HASHED:
        check(ours[path] == ours[path.replace('hashed-', '')], f'{path} differs without a volume')
    return both


def for_others(theirs):
    """What is for other programs says what Slipway's role data says."""
    of = {path: content for path, (_, content) in theirs.items()}
    puppet = json.loads(of['lib/docker-puppet/docker-puppet.json'])
    check(puppet == role('puppet_config.yaml'), 'docker-puppet.json is not puppet_config')
    tasks = {f'step_{step}': json.loads(of[f'lib/docker-puppet/docker-puppet-tasks{step}.json']) for step in (1, 2, 3)}
    check(tasks == role('docker_puppet_tasks.yaml'), 'docker-puppet-tasks*.json are not docker_puppet_tasks')
    manifest = of['lib/tripleo-config/puppet_step_config.pp'].decode()
    check(manifest.strip() == role('step_config.pp').strip(), 'puppet_step_config.pp is not step_config')
    check(json.loads(of['lib/tripleo-config/docker-container-startup-config-step_6.json']) == {},
          'there are containers in a sixth step')
    return puppet, tasks


def plan(theirs, puppet, tasks):
    """Every container, config volume and task, step by step."""
    with open(os.path.join(WORK, 'plan.json')) as opened:
        planned = json.load(opened)
    with open(os.path.join(WORK, 'plan')) as opened:
        pre, *steps = opened.read().split('\nStep ')
    check(planned['volumes'] == VOLUMES == sorted({entry['config_volume'] for entry in puppet}),
          f'config volumes: {planned["volumes"]}')
    check(f'config volumes: {", ".join(VOLUMES)}' in pre, f'the plan says: {pre}')
    check([step['step'] for step in planned['steps']] == list(STEPS), 'there are not five steps')
    for step, text in zip(planned['steps'], steps):
        number = step['step']
        containers = sorted(planned['container'] for planned in step['containers']['containers'])
        path = f'lib/tripleo-config/docker-container-startup-config-step_{number}.json'
        check(containers == CONTAINERS[number] == sorted(json.loads(theirs[path][1])),
              f'step {number}: containers {containers}')
        given = [task['config_volume'] for task in tasks.get(f'step_{number}', [])]
        check(step['tasks'] == TASKS[number] == given, f'step {number}: tasks {step["tasks"]}')
        head, *lines = text.splitlines()
        check(head == str(number), f'the plan has {head} for step {number}')
        rows = [line.split() for line in lines[1:] if line and not line.startswith('tasks: ')]
        # Images that are to be pulled depend on the engine that is there.
        listed = sorted(row[0] for row in rows if row[1] != 'pull')
        check(listed == CONTAINERS[number], f'step {number}: the plan lists {listed}')
        said = [line for line in lines if line.startswith('tasks: ')]
        check(said == [f'tasks: {", ".join(names)}' for names in [TASKS[number]] if names],
              f'step {number}: the plan says {said}')


def main():
    theirs, ours = files('theirs'), files('ours')
    both = compare(theirs, ours)
    plan(theirs, *for_others(theirs))
    containers = sum(map(len, CONTAINERS.values()))
    print(f'{len(both)} files equal, the plan names {containers} containers, {len(VOLUMES)} config volumes, '
          f'{sum(map(len, TASKS.values()))} tasks')


main()
