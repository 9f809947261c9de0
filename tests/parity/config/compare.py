"""Compares what both tools left under their prefixes. Prints what differs; exits 1 when anything does."""

import json
import os
import re
import stat
import sys

# Written by the engine for each container, with the container's name and address in them.
OF_THE_ENGINE = {"etc/hosts", "etc/hostname", "etc/resolv.conf"}
# What Slipway leaves out on purpose: docs/reference/differences.md.
LEFT_OUT = re.compile(r"^etc/(puppet/hieradata(/.*)?|config\.pp)$")
# Puppet's own, whose owner and mode Puppet is not asked to set: docs/reference/differences.md.
OWNER_UNSET = {"etc/puppet/devices"}

work = sys.argv[1]
begun = os.stat(os.path.join(work, "begun")).st_mtime
started = os.stat(os.path.join(work, "container-puppet.py"), follow_symlinks=False).st_mtime
differences = []
compared = 0


def walk(root):
    found = {}
    for directory, directories, files in os.walk(root):
        for name in directories + files:
            path = os.path.join(directory, name)
            found[os.path.relpath(path, root)] = path
    return found


def content(path):
    with open(path, "rb") as file:
        lines = file.read().split(b"\n")
    return [line for line in lines if not line.startswith(b"# HEADER") and b"installed on" not in line]


def describe(name, path):
    status = os.lstat(path)
    facts = {
        "type": stat.S_IFMT(status.st_mode),
        "owner": (status.st_uid, status.st_gid),
    }
    if stat.S_ISLNK(status.st_mode):
        facts["target"] = os.readlink(path)
    else:
        facts["mode"] = oct(status.st_mode & 0o7777)
    # What the run itself made or changed has the time of the run.
    facts["time"] = "new" if status.st_mtime >= started else status.st_mtime
    if stat.S_ISREG(status.st_mode) and name not in OF_THE_ENGINE:
        facts["content"] = content(path)
    return facts


def compare(volume):
    global compared
    peer, ours = (walk(os.path.join(work, side, "var/lib/config-data", volume)) for side in ("peer", "ours"))
    for name in sorted(peer.keys() | ours.keys()):
        if LEFT_OUT.match(name):
            if name in ours:
                differences.append(f"{volume}/{name}: it must not be there")
            continue
        if name not in peer or name not in ours:
            differences.append(f"{volume}/{name}: only in {'ours' if name in ours else 'peer'}")
            continue
        theirs, own = describe(name, peer[name]), describe(name, ours[name])
        for fact in theirs.keys() | own.keys():
            if name in OWNER_UNSET and fact in ("owner", "mode"):
                continue
            if theirs.get(fact) != own.get(fact):
                differences.append(f"{volume}/{name}: {fact}: {theirs.get(fact)} is {own.get(fact)} in ours")
        compared += 1


def volumes(side):
    root = os.path.join(work, side, "var/lib/config-data")
    found = set()
    for prefix in ("", "puppet-generated"):
        for name in os.listdir(os.path.join(root, prefix)):
            if os.path.isdir(os.path.join(root, prefix, name)) and not name.startswith("."):
                found.add(os.path.join(prefix, name))
    return found - {"puppet-generated"}


def hashed():
    """hashed-… files are the same but for the hashes; of these, as many for the same containers."""
    found = []
    for side in ("peer", "ours"):
        texts = {}
        directory = os.path.join(work, side, "var/lib/tripleo-config")
        for name in sorted(os.listdir(directory)):
            path = os.path.join(directory, name)
            with open(path) as file:
                text = json.dumps(json.load(file)).replace(f"{work}/{side}", "")
            text = re.sub(r"(TRIPLEO_CONFIG_HASH=|-)[0-9a-f]{32,64}", r"\1HASH", text)
            mode = oct(os.stat(path).st_mode & 0o777) if name.startswith("hashed-") else None
            texts[name] = (text, mode)
        found.append(texts)
    if found[0] != found[1]:
        differences.append(f"hashed configs: {found[0]} is {found[1]} in ours")


peer, ours = volumes("peer"), volumes("ours")
if peer != ours or "broken" in ours:
    differences.append(f"volumes: {sorted(peer)} is {sorted(ours)} in ours")
for volume in sorted(peer & ours):
    compare(volume)
hashed()
for line in differences:
    print(f"config: {line[:600]}")
if compared < 1000:
    sys.exit(f"config: only {compared} paths were compared")
if differences:
    sys.exit(1)
print(f"config: {compared} paths of {len(peer)} trees are the same")
