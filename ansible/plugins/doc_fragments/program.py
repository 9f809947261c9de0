# Copyright: the Slipway authors
# Apache-2.0
"""The documentation of options that every module has."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r'''
options:
  root:
    description: Directory in front of every path of the deployment.
    type: path
    default: /
  program:
    description: The slipway program on the node.
    type: path
    default: /usr/local/bin/slipway
'''
