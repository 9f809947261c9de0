"""Compares `slipway images diff --format json` with the differences of two lists of packages and of files."""

import json
import pathlib
import sys

work = pathlib.Path(sys.argv[1])


def packages(name):
    found = {}
    for line in (work / name).read_text().splitlines():
        kind, name, version, architecture, location = line.split(" ")
        found.setdefault((kind, name, architecture, location), []).append(version)
    return found


def files(name):
    lines = (work / name).read_text().splitlines()
    return {path: rest for path, *rest in map(json.loads, lines)}


def change(before, after):
    if before is None:
        return "added"
    if after is None:
        return "removed"
    names = ["kind", "mode", "owner", "contents"]
    return {"changed": [name for name, a, b in zip(names, before, after) if a != b]}


def assert_same(expected, found):
    for key in sorted(expected.keys() | found.keys()):
        if expected.get(key) != found.get(key):
            print(f"{key}: expected {expected.get(key)}, found {found.get(key)}", file=sys.stderr)
    assert found == expected


diff = json.loads((work / "diff.json").read_text())
before, after = packages("debian.theirs"), packages("slipway-parity-images.theirs")
expected = {
    key: (before.get(key, []), after.get(key, []))
    for key in before.keys() | after.keys()
    if before.get(key) != after.get(key)
}
found = {
    (it["kind"], it["name"], it.get("architecture", "-"), it.get("location", "-")): (it["before"], it["after"])
    for it in diff["packages"]
}
assert_same(expected, found)

before, after = files("before.files"), files("after.files")
expected = {
    path: change(before.get(path), after.get(path))
    for path in before.keys() | after.keys()
    if before.get(path) != after.get(path)
}
found = {it["path"]: it["change"] for it in diff["files"]}
assert_same(expected, found)
print(f"images: the same {len(diff['packages'])} packages and {len(found)} files differ")
