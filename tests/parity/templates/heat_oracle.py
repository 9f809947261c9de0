"""Resolves templates with Heat's own classes: no database, no message bus, no stack is created.

What Heat itself does when a stack is created is done here in the same order, by Heat's classes:
the environment, a template's parameters and their constraints, a resource's properties as the
parameters of the template behind it, and that template's outputs as the resource's attributes.
"""

import collections.abc
import os
import types

from heat.common import environment_util
from heat.common import template_format
from heat.engine import attributes
from heat.engine import constraints
from heat.engine import environment
from heat.engine import function
from heat.engine import node_data
from heat.engine import properties
from heat.engine import stk_defn
from heat.engine import template
from heat.engine.hot import functions as hot_functions
from heat.engine.resources import template_resource
from heatclient.common import template_utils
from oslo_config import cfg

# What TripleO's undercloud gives Heat.
cfg.CONF.set_override('max_template_size', 50_000_000)
cfg.CONF.set_override('limit_iterators', 10_000, group='yaql')
cfg.CONF.set_override('memory_quota', 10_000_000, group='yaql')

# These ask a running cloud.
constraints.CustomConstraint._is_valid = lambda *arguments: True

# A stack that calls a function of another version is refused before it is created.
hot_functions.Removed.result = hot_functions.Removed.validate


class Unresolvable(Exception):
    """What only a running cloud can answer."""


def place(path, base):
    """A template's or file's place, as python-heatclient makes it absolute."""
    return os.path.normpath(os.path.join(os.path.dirname(base), path))


def kind_of(value):
    """The schema of a parameter, as far as merging asks for it."""
    kind = {dict: 'MAP', list: 'LIST'}.get(type(value), 'STRING')
    kinds = {name: name for name in ('MAP', 'LIST', 'STRING', 'NUMBER')}
    return types.SimpleNamespace(type=kind, **kinds)


class Registry:
    """The resource registry of the environment files, paths made absolute as heatclient does."""

    def __init__(self):
        self.types = {}

    def load(self, section, base):
        for name, target in (section or {}).items():
            if isinstance(target, str):
                is_file = target.endswith(('.yaml', '.template')) and '::' not in target
                self.types[name] = place(target, base) if is_file else target

    def find(self, name, base):
        seen = set()
        while True:
            if name.endswith(('.yaml', '.template')):
                return place(name, base)
            if name in seen or name not in self.types:
                return name
            seen.add(name)
            name = self.types[name]


class Resource(collections.abc.Mapping):
    """The attributes of a resource, worked out when Heat asks for one."""

    def __init__(self, name, find):
        self.name, self._find = name, find

    def __getitem__(self, name):
        name, *path = name if isinstance(name, tuple) else (name,)
        found = self._find(self.name)
        if isinstance(found, Chain):
            return found.get(name, path)
        value = found[name]
        return attributes.select_from_attribute(value, path) if path else value

    def __iter__(self):
        return iter(self._find(self.name))

    def __len__(self):
        return len(self._find(self.name))


class Nothing(dict):
    """The attributes of OS::Heat::None."""

    def __missing__(self, name):
        return None


class Chain(list):
    """The resources of OS::Heat::ResourceChain: an attribute is that of each of them."""

    def get(self, name, path):
        return [attributes.select_from_attribute(member[name], path) for member in self]


class Outputs(collections.abc.Mapping):
    """The outputs of a template, worked out when Heat asks for one."""

    def __init__(self, stack):
        # Heat's functions know their stack by a weak reference.
        self._stack = stack
        self._known = stack.template.outputs(stack.definition)
        self._values = {}

    def __getitem__(self, name):
        if name not in self._values:
            self._values[name] = self._known[name].get_value()
        return self._values[name]

    def __iter__(self):
        return iter(self._known)

    def __len__(self):
        return len(self._known)


class Stack:
    """One template with its parameters."""

    def __init__(self, heat, path, parameters):
        self.heat, self.path = heat, path
        self.found = {}
        parsed = heat.parsed(path)
        env = environment.Environment({'parameters': parameters, 'parameter_defaults': heat.defaults})
        self.template = template.Template(parsed, env=env, files=heat.files)
        self.definition = stk_defn.StackDefinition(None, self.template, None, None)
        self.definition.parameters.validate()
        resources = parsed.get('resources') or {}
        self.definition._resource_data.update({
            name: node_data.NodeData(
                None, name, None, name, Resource(name, self.attributes), 'CREATE', 'COMPLETE')
            for name in resources})

    def attributes(self, name):
        if name not in self.found:
            self.found[name] = RuntimeError(f'circular reference by {name}')
            self.found[name] = self.find_attributes(name)
        if isinstance(self.found[name], Exception):
            raise self.found[name]
        return self.found[name]

    def find_attributes(self, name):
        resource = self.definition.resource_definition(name)
        target = self.heat.registry.find(resource.resource_type, self.path)
        data = resource._properties or {}
        if target == 'OS::Heat::None':
            return Nothing()
        if target == 'OS::Heat::Value':
            return {'value': function.resolve(data)['value']}
        if target == 'OS::Heat::ResourceChain':
            data = function.resolve(data)
            return Chain(self.member(name, data['resource_properties']) for name in data['resources'])
        if not target.endswith(('.yaml', '.template')):
            raise Unresolvable(f'{target} of {name} in {self.path}')
        return Outputs(Stack(self.heat, target, self.child_parameters(target, data)))

    def member(self, kind, data):
        target = self.heat.registry.find(kind, self.path)
        if target == 'OS::Heat::None':
            return Nothing()
        if not target.endswith(('.yaml', '.template')):
            raise Unresolvable(f'{target} in {self.path}')
        return Outputs(Stack(self.heat, target, self.child_parameters(target, data)))

    def child_parameters(self, target, data):
        child = template.Template(self.heat.parsed(target))
        schemata, _ = template_resource.TemplateResource.get_schemas(child, self.heat.defaults)
        found = properties.Properties(schemata, function.resolve(data))
        found.validate(with_value=False)
        # What of the resource its method asks for.
        resource = types.SimpleNamespace(properties=found, action='CREATE', INIT='INIT')
        return template_resource.TemplateResource.child_params(resource)

    def outputs(self):
        return dict(Outputs(self))


class Heat:
    """Templates below a directory, with environment files."""

    def __init__(self, tree, environments):
        self.tree = os.path.abspath(tree)
        self.registry = Registry()
        self.defaults, self.parameters = {}, {}
        self._strategies = {}
        self.files = {}
        self._parsed = {}
        standard = [os.path.join(self.tree, 'overcloud-resource-registry-puppet.yaml')]
        # From stein on, this file is for those who turn back to Docker.
        if os.path.isdir(os.path.join(self.tree, 'docker/services')):
            standard.append(os.path.join(self.tree, 'environments/docker.yaml'))
        for path in [s for s in standard if os.path.exists(s)] + [os.path.abspath(e) for e in environments]:
            with open(path) as opened:
                content = template_format.simple_parse(opened.read())
            self.registry.load(content.get('resource_registry'), path)
            said = content.get('parameter_merge_strategies') or {}
            self.defaults = self.merged(self.defaults, content.get('parameter_defaults'), said)
            self.parameters = self.merged(self.parameters, content.get('parameters'), said)

    def merged(self, values, section, said):
        """Values with a file's own, as TripleO's client merged them up to ussuri, or as Heat does."""
        section = section or {}
        if os.path.exists(os.path.join(self.tree, 'plan-environment.yaml')):
            return template_utils.deep_update(values, section)
        schemata = {name: kind_of(value) for name, value in section.items()}
        return environment_util.merge_parameters(
            values, section, schemata, said, self._strategies, None)

    def parsed(self, path):
        if path not in self._parsed:
            with open(path) as opened:
                # As Heat's client reads it.
                self._parsed[path] = template_format.parse(opened.read().strip())
            self.take_files(self._parsed[path], path)
        return self._parsed[path]

    def take_files(self, part, path):
        """Reads what get_file names, and makes its place absolute, as heatclient does."""
        if isinstance(part, dict):
            for key, value in part.items():
                if key == 'get_file' and isinstance(value, str):
                    part[key] = place(value, path)
                    with open(part[key]) as opened:
                        self.files[part[key]] = opened.read()
                else:
                    self.take_files(value, path)
        elif isinstance(part, list):
            for value in part:
                self.take_files(value, path)

    def resolve(self, path):
        path = os.path.join(self.tree, path)
        accepted = self.parsed(path).get('parameters') or {}
        given = {name: value for name, value in self.parameters.items() if name in accepted}
        return Stack(self, path, given).outputs()
