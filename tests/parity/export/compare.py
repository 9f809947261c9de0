"""Compares two directories as config-download writes them, file by file.

Usage: compare.py REFERENCE OURS. Exits 1 where they differ.

YAML is compared as data, everything else as text. Ids, times, random passwords and the random parts of
stack names are replaced. The order of a host's deployments is Heat's, which creates resources in
parallel: each order must keep what depends on what in the templates.
"""

import difflib
import json
import os
import re
import sys

import yaml

REFERENCE, OURS = sys.argv[1:3]
INVENTORY = 'tripleo-ansible-inventory.yaml'
# (first, then), as the templates of roles have them.
ORDER = [('NetworkDeployment', 'ROLEDeployment'), ('NetworkDeployment', 'UpdateDeployment'),
         ('ROLEHostsDeployment', 'ROLEAllNodesDeployment'),
         ('ROLEAllNodesDeployment', 'ROLEAllNodesValidationDeployment'),
         ('ROLEAllNodesDeployment', 'ROLEArtifactsDeploy')]
UUID = re.compile(r'\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b')
TIME = re.compile(r'\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ')
STACK = re.compile(r'\bovercloud-[-\w]+/ID')
SECRET = re.compile(r'[A-Za-z0-9]{10,32}')
LOADER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)
differences = []
random_values = {}


def files(directory):
    found = {}
    for parent, directories, names in os.walk(directory):
        directories[:] = [name for name in directories if name not in ('.slipway', '.git')]
        for name in names:
            path = os.path.join(parent, name)
            with open(path, encoding='utf-8') as opened:
                found[os.path.relpath(path, directory)] = opened.read()
    return found


def load(text):
    return yaml.load(text, LOADER)


def roles(all_files):
    """The role of each server, and the servers by id."""
    by_name, by_id = {}, {}
    for group, content in load(all_files[INVENTORY]).items():
        for name, given in (content.get('hosts') or {}).items():
            if given and 'deploy_server_id' in given:
                by_name[name] = group
                by_id[given['deploy_server_id']] = f'ID-OF-{name}'
    return by_name, by_id


def find_random(reference, ours):
    """Notes values that differ and look random: letters and digits of the same length."""
    if isinstance(reference, dict) and isinstance(ours, dict):
        for key in reference.keys() & ours.keys():
            find_random(reference[key], ours[key])
    elif isinstance(reference, list) and isinstance(ours, list):
        for pair in zip(reference, ours):
            find_random(*pair)
    elif isinstance(reference, str) and isinstance(ours, str) and reference != ours:
        if len(reference) == len(ours) and SECRET.fullmatch(reference) and SECRET.fullmatch(ours):
            # One value on one side is one value on the other.
            name = random_values.get(reference) or f'RANDOM{len(random_values) // 2}'
            random_values.setdefault(reference, name)
            random_values.setdefault(ours, name)


def normal(text, servers):
    text = UUID.sub(lambda match: servers.get(match.group(), 'ID'), text)
    text = STACK.sub('STACK', TIME.sub('TIME', text))
    for value, name in random_values.items():
        text = text.replace(value, name)
    return text


def data(text):
    """A YAML document as data; so are the JSON documents in it."""
    def walk(value):
        if isinstance(value, dict):
            return {str(key): walk(item) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item) for item in value]
        if isinstance(value, str) and value.lstrip()[:1] in ('{', '['):
            try:
                return {'JSON': walk(json.loads(value))}
            except ValueError:
                return value
        return value
    try:
        return walk(load(text))
    except yaml.YAMLError:
        # A script under the name of a YAML file.
        return text


def differ(what, *pair):
    lines = [text.splitlines() if isinstance(text, str)
             else json.dumps(text, indent=1, sort_keys=True).splitlines() for text in pair]
    differences.append(what)
    print(f'DIFFERENT: {what}')
    for line in list(difflib.unified_diff(*lines, 'tripleo-common', 'slipway', lineterm='', n=2))[:40]:
        print('  ' + line[:300])


def compare_lists(path, role, reference, ours):
    """Lists of deployments: the same ones, in an order that keeps what depends on what."""
    for key in sorted(reference.keys() | ours.keys()):
        pair = [side.get(key) for side in (reference, ours)]
        if not all(isinstance(names, list) for names in pair):
            if pair[0] != pair[1]:
                differ(f'{path}: {key}', *pair)
            continue
        if sorted(map(str, pair[0])) != sorted(map(str, pair[1])):
            differ(f'{path}: {key}', *pair)
        for names in pair:
            for first, then in ORDER:
                first, then = first.replace('ROLE', role), then.replace('ROLE', role)
                if first in names and then in names and names.index(first) > names.index(then):
                    differ(f'{path}: {key}: {then} comes before {first}', *pair)


def check_modes():
    for parent, directories, names in os.walk(OURS):
        for name in directories + names:
            path = os.path.join(parent, name)
            mode = os.lstat(path).st_mode & 0o777
            if mode != (0o700 if name in directories else 0o600):
                differences.append(path)
                print(f'MODE {mode:o}: {path}')


def main():
    reference, ours = files(REFERENCE), files(OURS)
    for path in sorted(reference.keys() ^ ours.keys()):
        differences.append(path)
        print(f'ONLY {"tripleo-common" if path in reference else "slipway"}: {path}')
    (role_of, servers), (_, our_servers) = roles(reference), roles(ours)
    servers = {**servers, **our_servers}
    both = sorted(reference.keys() & ours.keys())
    is_text = lambda path: path.endswith(('.pp', '.j2'))
    for path in both:
        if not is_text(path):
            find_random(data(reference[path]), data(ours[path]))
    for path in both:
        pair = [normal(side[path], servers) for side in (reference, ours)]
        if is_text(path):
            if pair[0] != pair[1]:
                differ(path, *pair)
            continue
        pair = [data(text) for text in pair]
        if path == INVENTORY:
            for side in pair:
                # The path of the Python that ran tripleo-common.
                side['Undercloud']['vars'].pop('ansible_python_interpreter', None)
        parent, name = os.path.split(path)
        if parent == 'host_vars' or parent == 'group_vars' and 'pre_deployments' in reference[path]:
            compare_lists(path, role_of.get(name, name), *pair)
        elif pair[0] != pair[1]:
            differ(path, *pair)
    check_modes()
    print(f'{len(both)} files compared, {len(differences)} differences')
    sys.exit(bool(differences))


main()
