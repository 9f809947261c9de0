"""Prints what Heat makes of templates: {template: {"outputs": …} or {"error": …}}.

Usage: resolve.py TREE [-e ENVIRONMENT]... --list FILE

FILE names the templates, relative to TREE, one a line.
"""

import argparse
import json

import heat_oracle

parser = argparse.ArgumentParser()
parser.add_argument('tree')
parser.add_argument('-e', action='append', default=[])
parser.add_argument('--list', required=True)
options = parser.parse_args()

heat = heat_oracle.Heat(options.tree, options.e)
results = {}
with open(options.list) as names:
    for name in names.read().split():
        try:
            results[name] = {'outputs': heat.resolve(name)}
        except Exception as error:
            results[name] = {'error': f'{type(error).__name__}: {error}'}
print(json.dumps(results))
