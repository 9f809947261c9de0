"""What `slipway config` says to input that is no good, and to a disk that is not: one error that
names the thing, and nothing is lost."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

slipway, image = sys.argv[1], sys.argv[2]
root = tempfile.mkdtemp(prefix="slipway-refusals-")
entries = os.path.join(root, "entries.json")
GOOD = "file { '/etc/good': content => lookup('text') }"


def write(path, text):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def declare(*volumes):
    write("entries.json", json.dumps([[name, "", manifest, image] for name, manifest in volumes]))


def config(*options):
    command = [slipway, "--quiet", "config", "--root", root, "--file", entries, *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, done.stderr


def expect(what, code, *parts, options=()):
    got, said = config(*options)
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    wrong = got != code or len(errors) != (code != 0) or any(part not in said for part in parts)
    if wrong or "panicked" in said or len(said) > 3000:
        sys.exit(f"refusals: {what}: exit {got}, expected {code} with {parts}:\n{said[:3000]}")
    kept()


def kept():
    """The volume of the first run is still there, whatever happened since."""
    with open(os.path.join(root, "var/lib/config-data/puppet-generated/good/etc/good")) as file:
        text = file.read()
    if text != "kept":
        sys.exit(f"refusals: the volume holds {text!r}")
    if os.path.exists(os.path.join(root, "outside")):
        sys.exit("refusals: something was written outside the prefix")


HIERA = "version: 5\ndefaults: {datadir: hieradata, data_hash: json_data}\nhierarchy: [{name: all, path: all.json}]\n"
write("etc/puppet/hiera.yaml", HIERA)
write("etc/puppet/hieradata/all.json", '{"text": "kept"}')
declare(("good", GOOD))
expect("a good run", 0)

for name in ("../../outside", "", "a\nb", "a/b", ".staging", "puppet-generated"):
    declare((name, GOOD))
    expect(f"config_volume {name!r}", 2, "entry 0", json.dumps(name))
write("entries.json", "[" * 100_000)
expect("deeply nested", 2, "entries.json:1:", "recursion")
write("entries.json", '[["good", "", "x", "i"],\n nonsense]')
expect("no JSON", 2, "entries.json:2:")
write("entries.json", '{"config_volume": "good"}')
expect("an object", 2, "entries.json")
write("entries.json", '[["good", 5, "x", "i"]]')
expect("a number for tags", 2, "entry 0: puppet_tags is not a string")
os.remove(entries)
expect("no list", 2, "cannot read", "entries.json")

declare(("good", GOOD))
write("etc/puppet/hieradata/all.json", '{"text": \n "other",}')
expect("hiera that is no JSON", 2, "all.json:2:")
write("etc/puppet/hieradata/all.json", '{"text": "other"}')
options = ["--config-volume", "goood"]
expect("a mistyped volume", 2, "goood", "good", options=options)
options = ["--config-volume-prefix", "/proc/slipway"]
expect("a prefix that cannot be written", 1, "/proc/slipway", options=options)

# A small file system, which the image's /etc does not fit into.
small = os.path.join(root, "small")
os.makedirs(small)
if subprocess.call(["mount", "-t", "tmpfs", "-o", "size=128k,mode=755", "tmpfs", small], stderr=subprocess.DEVNULL) == 0:
    try:
        expect("a full disk", 1, "No space left on device", options=["--config-volume-prefix", small])
        subprocess.check_call(["mount", "-o", "remount,ro", small])
        expect("a disk that is read-only", 1, "Read-only file system", options=["--config-volume-prefix", small])
    finally:
        subprocess.check_call(["umount", small])
else:
    print("config: SKIPPED a full disk: nothing can be mounted here")

# Ten megabytes are read, and mean what they say.
volume = [["good", "", GOOD, image]]
write("entries.json", json.dumps(volume + [None] * 10 + [["", "x" * 10_000_000, "", ""]]))
write("etc/puppet/hieradata/all.json", '{"text": "kept"}')
expect("ten megabytes", 0)
shutil.rmtree(root)
print("config: bad input and bad disks are refused with one error each, and cost nothing")
