# Copyright: the Slipway authors
# Apache-2.0
"""The documentation of options that name the declarations of a role."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r'''
options:
  services:
    description: Service definitions on the node, files or directories.
    type: list
    elements: path
    required: true
  role:
    description: Name of the role that the services make up.
    type: str
    required: true
  hiera:
    description: Files of hiera data on the node, over that of the services. Later files win.
    type: list
    elements: path
    default: []
'''
