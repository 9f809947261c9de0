"""Writes a plan with tripleo-common's own Config and inventory, from what heat_engine.py found.

Usage: config_download.py TRIPLEO_COMMON PICKLE OUT
"""

import logging
import os
import pickle
import shutil
import sys
import types

common, path, out = sys.argv[1:]
sys.path.insert(0, common)

from tripleo_common import inventory
from tripleo_common.utils import config

with open(path, 'rb') as opened:
    found = pickle.load(opened)
made = types.SimpleNamespace


class Config(dict):
    """A software configuration, as heatclient gives it."""

    config = property(lambda self: self['config'])

    def to_dict(self):
        return dict(self)


def physical_id(stack, name):
    one, = [one for one in found['resources']
            if one['stack_identity']['stack_id'] == stack and one['resource_name'] == name]
    return made(physical_resource_id=one['physical_resource_id'])


deployments = [
    made(attributes=one['attributes'], creation_time=one['creation_time'], links=[],
         physical_resource_id=one['physical_resource_id'], parent_resource=one.get('parent_resource'))
    for one in found['deployments']]
client = made(
    stacks=made(get=lambda name, **more: made(outputs=found['stack']['outputs'], id=name),
                environment=lambda name: found['environment']),
    resources=made(list=lambda stack, **more: deployments, get=physical_id),
    software_deployments=made(get=lambda one: made(config_id=found['software_deployments'][one]['config_id'])),
    software_configs=made(get=lambda one: Config(found['configs'][one])))

logging.basicConfig(level=logging.WARNING)
shutil.rmtree(out, ignore_errors=True)
os.makedirs(out)
download = config.Config(client)
if hasattr(download, 'write_config'):
    # As download_config does, without its commit, which newer versions of GitPython refuse.
    directory = download.write_config(download.fetch_config('overcloud'), 'overcloud', out)
else:
    # It makes a directory of a random name.
    directory = download.download_config('overcloud', out)
servers = inventory.TripleoInventory(
    hclient=client, plan_name='overcloud', auth_url='http://192.168.24.1:5000', project_name='admin',
    username='admin', cacert='', ansible_ssh_user='tripleo-admin')
servers.write_static_inventory(os.path.join(directory, 'tripleo-ansible-inventory.yaml'))
if directory != out:
    for name in os.listdir(directory):
        os.rename(os.path.join(directory, name), os.path.join(out, name))
    os.rmdir(directory)
