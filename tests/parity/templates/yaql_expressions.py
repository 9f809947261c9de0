"""Writes the YAQL expressions of tripleo-heat-templates, each as a line of JSON, once."""

import json
import pathlib
import re
import sys

import yaml


class Loader(yaml.SafeLoader):
    """Takes any tag: what it means does not matter here."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def expressions(node):
    if isinstance(node, dict):
        call = node.get("yaql")
        if isinstance(call, dict) and isinstance(call.get("expression"), str):
            yield call["expression"]
        for value in node.values():
            yield from expressions(value)
    elif isinstance(node, list):
        for value in node:
            yield from expressions(value)


found = {}
for directory in sys.argv[1:]:
    for path in sorted(pathlib.Path(directory).rglob("*.yaml")):
        text = path.read_text()
        if "yaql" not in text:
            continue
        # What Jinja2 would put in does not matter either.
        text = re.sub(r"\{[%#].*?[%#]\}", "", text, flags=re.DOTALL)
        text = re.sub(r"\{\{.*?\}\}", "x", text, flags=re.DOTALL)
        try:
            found.update(dict.fromkeys(expressions(yaml.load(text, Loader))))
        except yaml.YAMLError:
            print(f"{path} is no YAML without its Jinja2", file=sys.stderr)
for expression in found:
    print(json.dumps(expression))
