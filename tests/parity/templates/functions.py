"""Writes templates with random calls of the template language's functions, and prints their names.

Usage: functions.py DIR COUNT SEED

Most arguments are of the types that a function wants; some are not, so that errors are compared
as well. YAQL has generated expressions of its own, in crates/yaql/tests.
"""

import json
import os
import random
import sys

TARGET, COUNT, SEED = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
VERSIONS = ['2013-05-23', '2014-10-16', '2015-04-30', '2015-10-15', '2016-10-14', 'ocata', 'pike', 'queens',
            'rocky', 'wallaby']
OLD = VERSIONS[:4]
TEXTS = ['', 'a', 'b', 'ab', 'aba', 'a,b', ',', 'NAME', 'x NAME y NAME', 'é', "it's", '0', '1', '-1',
         'true', 'None', 'a b', '[::1]', 'fd00::1', 'http', 'key', '/v3/%(x)s', '\n', 'A"B\\']
NAMES = ['a', 'b', 'key', 'NAME', 'ab', '0', '']
CONDITIONS = ['yes_it_is', 'no_it_is_not', 'by_parameter', 'missing']
PARAMETERS = {
    'Text': {'type': 'string', 'default': 'a,b'},
    'Number': {'type': 'number', 'default': '7'},
    'List': {'type': 'comma_delimited_list', 'default': 'a,b,c'},
    'Empty': {'type': 'comma_delimited_list', 'default': ''},
    'Map': {'type': 'json', 'default': {'a': {'b': [1, 'x', None]}, 'key': 'value', '0': 'zero'}},
    'Boolean': {'type': 'boolean', 'default': 'on'},
}

random = random.Random(SEED)


def some(*choices):
    return random.choice(choices)()


def text():
    return random.choice(TEXTS)


def number():
    return random.choice([0, 1, 2, -1, 5000, 65536, 1.5, 1e16, 1e-7])


def scalar():
    return random.choice([text(), text(), number(), True, False, None])


def list_of(make, most=4):
    return [make() for _ in range(random.randint(0, most))]


def map_of(make, most=4):
    return {random.choice(NAMES): make() for _ in range(random.randint(0, most))}


def plain():
    return some(scalar, scalar, lambda: list_of(scalar), lambda: map_of(scalar),
                lambda: list_of(lambda: map_of(scalar), 2), lambda: map_of(lambda: list_of(scalar), 2))


def value(depth):
    """Anything."""
    return call(depth) if depth and random.random() < .4 else plain()


def typed(make, depth):
    """What `make` makes, now and then something else."""
    return value(depth - 1) if random.random() < .12 else make()


def condition(depth):
    if not depth or random.random() < .4:
        return random.choice(CONDITIONS + [True, False])
    name = random.choice(['equals', 'not', 'and', 'or', 'contains', 'get_param'])
    if name == 'get_param':
        return {name: random.choice(['Boolean', 'Text', 'Missing'])}
    if name == 'not':
        return {name: condition(depth - 1)}
    if name in ('and', 'or'):
        return {name: [condition(depth - 1) for _ in range(random.choice([2, 2, 3, 1]))]}
    return {name: [plain(), typed(lambda: list_of(scalar), depth) if name == 'contains' else plain()]}


def get_param(depth):
    name = random.choice(list(PARAMETERS) + ['Missing'] * (random.random() < .1))
    if random.random() < .5:
        return name
    return [name] + [random.choice(['a', 'b', 'key', 'zz', 0, 1, -1, '0', '1', ' 2 ', True, None])
                     for _ in range(random.randint(0, 3))]


def get_attr(depth):
    return [random.choice(['Value', 'Value', 'Nothing', 'Missing', 'Off']),
            random.choice(['value', 'value', 'value', 'other'])] + [
                random.choice(['a', 'b', 'key', 0, 1, -1, '0', True]) for _ in range(random.randint(0, 3))]


def joined():
    return list_of(lambda: random.choice([text(), text(), text(), None, {'b': 1, 'a': 'é'}, ['x', 1.5]]))


def list_join(depth):
    lists = [typed(lambda: random.choice([joined(), joined(), None]), depth)
             for _ in range(random.randint(1, 3))]
    return [typed(text, depth)] + lists


def list_concat(depth):
    return [typed(lambda: random.choice([list_of(scalar), None]), depth) for _ in range(random.randint(0, 3))]


def map_merge(depth):
    return [typed(lambda: random.choice([map_of(plain), map_of(scalar), None]), depth)
            for _ in range(random.randint(0, 3))]


def map_replace(depth):
    replacements = {}
    if random.random() < .7:
        replacements['keys'] = typed(lambda: map_of(lambda: random.choice(NAMES + [None])), depth)
    if random.random() < .7:
        replacements['values'] = typed(lambda: {text(): scalar() for _ in range(3)}, depth)
    return [typed(lambda: map_of(scalar), depth), replacements]


def str_replace(depth):
    names = random.sample(['NAME', 'x', 'a', 'aba', 'ab', 'é', 'y N'], random.randint(0, 4))
    return {'template': typed(text, depth), 'params': {name: typed(scalar, depth) for name in names}}


def str_split(depth):
    arguments = [typed(lambda: random.choice([',', 'a', ' ', ',']), depth), typed(text, depth)]
    if random.random() < .4:
        arguments.append(random.choice([0, 1, -1, '0', '1', 9, True, 'x']))
    return arguments


def repeat(depth):
    names = random.sample(['NAME', 'a', '<%x%>'], random.randint(1, 2))
    arguments = {
        'template': typed(lambda: random.choice([
            'x NAME a', {'NAME': '<%x%>', 'k': ['a', 1]}, ['NAME', {'a': None}], text()]), depth),
        'for_each': {name: typed(lambda: random.choice([list_of(text, 3), list_of(text, 2), None,
                                                       map_of(scalar, 2)]), depth)
                     for name in names},
    }
    if random.random() < .3:
        arguments['permutations'] = random.choice([True, False, False, 'x'])
    return arguments


def digest(depth):
    return [random.choice(['md5', 'sha1', 'sha224', 'sha256', 'SHA384', 'sha512', 'nothing']),
            typed(text, depth)]


def make_url(depth):
    parts = {
        'scheme': lambda: random.choice(['http', 'https', 'mysql+pymysql', 'rabbit', '', 'a:b']),
        'username': text, 'password': text,
        'host': lambda: random.choice(['example.com', 'fd00::1', '[fd00::1]', '', 'é', '1.2.3.4']),
        'port': lambda: random.choice([80, '5000', 0, 70000, 'x', ' 8080 ', True]),
        'path': lambda: random.choice(['/v3', 'v3', '', '/é /%(x)s', '//x']),
        'query': lambda: map_of(lambda: random.choice([text(), 1, True, None, 1.5]), 3),
        'fragment': text,
    }
    return {name: typed(make, depth) for name, make in parts.items() if random.random() < .5}


def conditional(depth):
    arguments = [condition(2), value(depth - 1), value(depth - 1)]
    return arguments[:2] if random.random() < .15 else arguments


def filtered(depth):
    return [typed(lambda: list_of(scalar), depth), typed(lambda: list_of(scalar), depth)]


def aws_select(depth):
    collections = [lambda: list_of(scalar), lambda: map_of(scalar), lambda: None, text,
                   lambda: json.dumps(list_of(scalar)), lambda: json.dumps(map_of(scalar))]
    return [typed(lambda: random.choice([0, 1, -1, 9, '0', ' 1 ', 'a', 'key', 1.5, True, None]), depth),
            typed(lambda: some(*collections), depth)]


def aws_replace(depth):
    arguments = str_replace(depth)
    return [arguments['params'], arguments['template']]


def aws_members(depth):
    members = [f'.member.{random.randint(0, 3)}.{random.choice(["Name", "Value", "Other"])}={text()}'
               for _ in range(random.randint(0, 6))]
    return ['Name', 'Value', typed(lambda: members + [text()] * (random.random() < .1), depth)]


FUNCTIONS = {
    'get_param': get_param, 'get_attr': get_attr, 'list_join': list_join, 'list_concat': list_concat,
    'list_concat_unique': list_concat, 'map_merge': map_merge, 'map_replace': map_replace,
    'str_replace': str_replace, 'str_replace_strict': str_replace, 'str_replace_vstrict': str_replace,
    'str_split': str_split, 'repeat': repeat, 'digest': digest, 'make_url': make_url,
    'if': conditional, 'filter': filtered,
    'get_resource': lambda depth: random.choice(['Value', 'Nothing', 'Missing', 'Off']),
    'Ref': lambda depth: random.choice(['Value', 'Nothing', 'Missing', 'Text', 'List', 'Map', 'Number']),
    'Fn::Select': aws_select, 'Fn::Replace': aws_replace, 'Fn::MemberListToMap': aws_members,
    'Fn::Join': lambda depth: [typed(text, depth), typed(lambda: list_of(text), depth)],
    'Fn::Split': lambda depth: [random.choice([',', 'a', '']), typed(text, depth)],
    'Fn::Base64': lambda depth: typed(text, depth),
    'contains': lambda depth: [typed(scalar, depth), typed(lambda: random.choice([list_of(scalar), text()]), depth)],
}


version = VERSIONS[0]


def call(depth):
    # Heat refuses a function of another version even where its value is not needed, which we look at only
    # in places that are.
    names = [name for name in FUNCTIONS
             if version in OLD[:3] or depth == 2 or not name.startswith(('Fn::', 'Ref'))]
    name = random.choice(names)
    arguments = FUNCTIONS[name](depth)
    # Keys that make_url does not know are refused before it is called, which is not tried here.
    anything = name != 'make_url' and random.random() < .04
    return {name: value(depth - 1) if anything else arguments}


os.makedirs(TARGET, exist_ok=True)
for index in range(COUNT):
    version = random.choice(VERSIONS)
    template = {
        'heat_template_version': version,
        'parameters': PARAMETERS,
        'conditions': {
            'yes_it_is': {'equals': [1, 1.0]},
            'no_it_is_not': {'not': 'yes_it_is'},
            'by_parameter': {'get_param': 'Boolean'},
        },
        'resources': {
            # Without calls: Heat looks for wrong ones in all resources, we do in those asked for.
            'Value': {'type': 'OS::Heat::Value', 'properties': {'value': plain()}},
            'Nothing': {'type': 'OS::Heat::None'},
            'Off': {'type': 'OS::Heat::None', 'condition': 'no_it_is_not'},
        },
        'outputs': {'result': {'value': call(2)}},
    }
    if template['heat_template_version'] in OLD:
        del template['conditions'], template['resources']['Off']['condition']
    name = f'{index:06}.yaml'
    with open(os.path.join(TARGET, name), 'w') as opened:
        json.dump(template, opened)
    print(name)
