"""Creates a whole plan with the engine of openstack-heat 27.0.1, in one process and without a cloud.

Usage: heat_engine.py OUT.pickle TREE -e ENVIRONMENT..., with HEAT_CONF in the environment.

OUT has what tripleo-common asks Heat for: outputs, resources, software configurations and deployments.
"""

import argparse
import os
import pickle
import sqlite3
import sys
import threading
import time

from oslo_service import backend
backend.init_backend(backend.BackendType.THREADING)

from oslo_config import cfg
from oslo_log import log as logging
from heat.common import config, context, messaging
from heat.engine import service

CONF = cfg.CONF
logging.register_options(CONF)
CONF(['--config-file', os.environ['HEAT_CONF']], project='heat', prog='heat-engine')
logging.setup(CONF, 'heat-engine')
messaging.setup()
config.startup_sanity_check()

import sqlalchemy.event
from heat.engine import constraints, resource
from heat.engine.clients import client_plugin
from heat.engine.clients.os import heat_plugin
from heat.engine.hot import functions
from heat.rpc import api as rpc_api
from heatclient.common import template_utils
from sqlalchemy.engine import Engine
from yaql.language import factory, specs, yaqltypes
from yaql.standard_library import strings


def without_a_cloud():
    """Images, networks and flavors exist; so does every service."""
    constraints.CustomConstraint._is_valid = lambda *given: True
    constraints.CustomConstraint.validate = lambda *given, **more: None
    resource.Resource.is_service_available = classmethod(lambda cls, context: (True, None))
    address = 'http://192.168.24.1:8000/v1'
    for name in ('get_heat_url', 'get_heat_cfn_url', 'get_cfn_metadata_server_url', 'get_insecure_option'):
        if hasattr(heat_plugin.HeatClientPlugin, name):
            setattr(heat_plugin.HeatClientPlugin, name, lambda self, *given: address)
    client_plugin.ClientPlugin.url_for = lambda self, **given: address


def yaql_as_it_was():
    """One thread at a time parses; `format` is there; a generator that ends early ends."""
    lock, call = threading.Lock(), factory.YaqlEngine.__call__

    def locked(self, expression, options=None):
        with lock:
            return call(self, expression, options)

    factory.YaqlEngine.__call__ = locked

    @specs.parameter('__format_string', yaqltypes.String())
    @specs.extension_method
    def format_(__format_string, *args, **kwargs):
        return __format_string.format(*args, **kwargs)

    register = strings.register

    def register_all(yaql_context):
        register(yaql_context)
        yaql_context.register_function(format_, name='format')

    strings.register = register_all
    result = functions.Yaql.result

    def result_or_none(self):
        try:
            return result(self)
        except Exception as error:
            if 'StopIteration' in str(error):
                return None
            raise

    functions.Yaql.result = result_or_none


@sqlalchemy.event.listens_for(Engine, 'connect')
def fast(connection, _record):
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None
        for pragma in ('journal_mode=MEMORY', 'synchronous=OFF'):
            connection.execute(f'PRAGMA {pragma}')


@sqlalchemy.event.listens_for(Engine, 'before_cursor_execute', retval=True)
def begin(_connection, _cursor, statement, parameters, _context, _many):
    # Two writers wait for each other's end, instead of failing.
    return ('BEGIN IMMEDIATE' if statement.strip().upper() == 'BEGIN' else statement), parameters


def create(engine, heat, tree, environments):
    overcloud = os.path.join(tree, 'overcloud.yaml')
    files, template = template_utils.get_template_contents(overcloud)
    more, environment = template_utils.process_multiple_environments_and_files(environments)
    files = {name: text.decode() if isinstance(text, bytes) else text for name, text in {**files, **more}.items()}
    stack = engine.create_stack(heat, 'overcloud', template, environment, files,
                                {'timeout_mins': 60, 'disable_rollback': True})
    end = time.time() + 1500
    while time.time() < end:
        time.sleep(2)
        shown = engine.show_stack(heat, stack, resolve_outputs=False)[0]
        if shown['stack_status'] == 'COMPLETE':
            return stack, environment
        if shown['stack_status'] == 'FAILED':
            print(shown['stack_status_reason'], file=sys.stderr)
            os._exit(1)
    print('Heat has not created the plan after 1500 s', file=sys.stderr)
    os._exit(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('out')
    parser.add_argument('tree')
    parser.add_argument('-e', action='append', default=[])
    options = parser.parse_args()
    without_a_cloud()
    yaql_as_it_was()
    heat = context.RequestContext(
        auth_token='x', username='admin', user_id='u1', project_id='admin', project_name='admin', password='pw',
        auth_url='http://127.0.0.1:5000/v3', roles=['admin'], is_admin=False, trust_id=None, region_name=None)
    engine = service.EngineService('oracle', rpc_api.ENGINE_TOPIC)
    engine.start()
    time.sleep(1)
    stack, environment = create(engine, heat, os.path.abspath(options.tree), options.e)
    deployments = engine.list_stack_resources(
        heat, stack, nested_depth=7, with_detail=True, filters={'name': 'TripleODeployment'})
    found = {
        'stack': engine.show_stack(heat, stack, resolve_outputs=True)[0],
        'environment': environment,
        'deployments': deployments,
        'resources': engine.list_stack_resources(heat, stack, nested_depth=7),
        'configs': {one['id']: engine.show_software_config(heat, one['id'])
                    for one in engine.list_software_configs(heat, limit=10000)},
        'software_deployments': {one['id']: one for one in engine.list_software_deployments(heat, None)},
    }
    with open(options.out, 'wb') as opened:
        pickle.dump(found, opened)
    # The engine's threads never end.
    os._exit(0)


main()
