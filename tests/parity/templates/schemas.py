"""Validates files by the schemas that slipway prints: SLIPWAY ROLE_DIRECTORY..."""

import copy
import glob
import json
import pathlib
import subprocess
import sys

import jsonschema
import yaml

slipway, *roles = sys.argv[1:]
counts = {}


def load(path):
    with open(path) as file:
        return yaml.safe_load(file)


def validator(name):
    text = subprocess.check_output([slipway, "services", "--schema", name], text=True)
    published = pathlib.Path(f"docs/reference/{name}.schema.json")
    if name != "config-json" and published.read_text() != text:
        sys.exit(f"{published}: write it anew: slipway services --schema {name}")
    schema = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def accept(kind, place, document):
    counts[kind] = counts.get(kind, 0) + 1
    for error in validators[kind].iter_errors(document):
        sys.exit(f"{place}: {error.json_path}: {error.message[:200]}")


def refuse(kind, reason, document):
    if validators[kind].is_valid(document):
        sys.exit(f"the schema of {kind} accepts {reason}")


validators = {name: validator(name) for name in ["service", "containers", "docker-puppet", "config-json"]}

for path in sorted(glob.glob("services/*.yaml")):
    service = load(path)
    accept("service", path, service)
    for step, containers in (service.get("docker_config") or {}).items():
        accept("containers", f"{path}: {step}", containers)
    for name, config in (service.get("kolla_config") or {}).items():
        accept("config-json", f"{path}: {name}", config)

for role in roles:
    for step, containers in load(f"{role}/docker_config.yaml").items():
        accept("containers", f"{role}: {step}", containers)
    entries = load(f"{role}/puppet_config.yaml")
    accept("docker-puppet", role, entries)
    names = ["config_volume", "puppet_tags", "step_config", "config_image", "volumes"]
    accept("docker-puppet", role, [[entry.get(name) for name in names] for entry in entries])

keystone = load("services/keystone.yaml")
for reason, change in {
    "an unknown key": lambda s: s.update(docker_confg={}),
    "a missing name": lambda s: s.pop("service_name"),
    "a step 6": lambda s: s["docker_config"].update(step_6={}),
    "an unknown key of a container": lambda s: s["docker_config"]["step_3"]["keystone"].update(volume=[]),
    "an unknown restart policy": lambda s: s["docker_config"]["step_3"]["keystone"].update(restart="sometimes"),
    "volumes that are a string": lambda s: s["docker_config"]["step_3"]["keystone"].update(volumes="/a:/b"),
    "an unknown key of a config volume": lambda s: s["puppet_config"].update(tags="file"),
    "an unknown key of a health check": lambda s: s["docker_config"]["step_3"]["keystone"].update(healthcheck={"tries": 1}),
}.items():
    changed = copy.deepcopy(keystone)
    change(changed)
    refuse("service", reason, changed)
refuse("containers", "a list", [])
refuse("docker-puppet", "a string for an entry", ["keystone"])
refuse("docker-puppet", "a number for an image", [["keystone", "", "include keystone", 5]])

if not roles or counts["containers"] < 10 or counts["service"] < 6:
    sys.exit(f"too little was validated: {counts}")
print("schemas: valid by their schema: " + ", ".join(f"{count} of {kind}" for kind, count in counts.items()))
