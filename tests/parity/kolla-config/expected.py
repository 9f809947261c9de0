"""What Ansible writes of the kolla_config that a release of tripleo-heat-templates declares.

Usage: expected.py TEMPLATES WORK

For each service whose kolla_config is plain data once its parameters have values, makes
WORK/services/NAME.yaml, a definition that has nothing else, and WORK/expected/NAME, the files as
the filter to_nice_json makes them.
"""

import collections
import pathlib
import sys

import yaml
from ansible.plugins.filter.core import to_nice_json

FUNCTIONS = {"list_join", "str_replace", "if", "yaql", "map_merge", "get_attr", "list_concat"}


class NotPlain(Exception):
    pass


def plain(value):
    """Takes a parameter's name for its value; other functions are Heat's to run."""
    if isinstance(value, dict):
        if set(value) == {"get_param"}:
            return str(value["get_param"])
        if FUNCTIONS & set(value):
            raise NotPlain
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value


def main():
    templates, work = map(pathlib.Path, sys.argv[1:])
    (work / "services").mkdir()
    left_out = collections.defaultdict(list)
    for template in sorted(templates.glob("docker/services/**/*.yaml")):
        data = yaml.safe_load(template.read_text())
        role_data = data.get("outputs", {}).get("role_data", {}).get("value", {})
        configs = {}
        for path, config in (role_data.get("kolla_config") or {}).items():
            if not path.startswith("/"):
                left_out["not plain data"].append(path)
                continue
            # Kolla's own kolla_set_configs refuses such a file, and so does slipway.
            if "command" not in config:
                left_out["no command"].append(path)
                continue
            try:
                configs[path] = plain(config)
            except NotPlain:
                left_out["not plain data"].append(path)
        if not configs:
            continue
        name = template.stem
        service = {"service_name": name.replace("-", "_"), "kolla_config": configs}
        (work / "services" / f"{name}.yaml").write_text(yaml.safe_dump(service))
        for path, config in configs.items():
            file = work / "expected" / name / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(to_nice_json(config))
    for why, paths in left_out.items():
        names = ", ".join(pathlib.Path(path).stem for path in paths)
        print(f"left out, {why}: {len(paths)} ({names})")


main()
