"""Kills `slipway config` again and again, and looks at what it leaves.

Every volume's manifest writes the same generation into many files. Whatever moment a run is killed
at, all files of a tree are of one generation, and the next run that is let be makes all right.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

slipway, image, kills, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
VOLUMES = [f"v{number}" for number in range(8)]
FILES = 20
chance = random.Random(seed)
root = tempfile.mkdtemp(prefix="slipway-kill-")
prefix = os.path.join(root, "var/lib/config-data")


def declare(generation):
    with open(os.path.join(root, "entries.json"), "w") as file:
        manifest = "range(1, %d).each |$n| { file { \"/etc/kill-${n}\": content => '%d' } }"
        text = manifest % (FILES, generation)
        json.dump([[volume, "", text, image] for volume in VOLUMES], file)


def start():
    command = [slipway, "--quiet", "config", "--root", root, "--file", os.path.join(root, "entries.json")]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)


def finish():
    code = start().wait()
    if code != 0:
        sys.exit(f"kill: a run that was let be ended with {code}")


def generations():
    """The generation of every tree; ends where one is not of a piece."""
    found = []
    for tree in [os.path.join(part, volume) for part in ("", "puppet-generated") for volume in VOLUMES]:
        texts = set()
        for number in range(1, FILES + 1):
            with open(os.path.join(prefix, tree, f"etc/kill-{number}")) as file:
                texts.add(file.read())
        if len(texts) != 1:
            sys.exit(f"kill: {tree} is of generations {sorted(texts)}: see {root}")
        found.append(int(texts.pop()))
        with open(os.path.join(prefix, f"{tree}.sha256")) as file:
            if len(file.read().strip()) != 64:
                sys.exit(f"kill: the hash of {tree} is torn: see {root}")
    return found


declare(0)
begun = time.monotonic()
finish()
whole = time.monotonic() - begun
done = 0
for generation in range(1, kills + 1):
    declare(generation)
    run = start()
    time.sleep(chance.uniform(0, whole))
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGKILL)
        done += 1
    elif run.returncode != 0:
        sys.exit(f"kill: a run that was let be ended with {run.returncode}")
    run.wait()
    for found in generations():
        if found > generation:
            sys.exit(f"kill: generation {found} was never declared")
    if generation % 10 == 0 or generation == kills:
        finish()
        if set(generations()) != {generation}:
            sys.exit(f"kill: the run after a kill left {generations()}")
check = [slipway, "--quiet", "config", "--check", "--root", root, "--file", os.path.join(root, "entries.json")]
if subprocess.call(check, stdout=subprocess.DEVNULL) != 0:
    sys.exit("kill: after all, something is not as declared")
left = os.listdir(os.path.join(prefix, ".staging"))
label = f"label=slipway.puppet.root={root}"
containers = subprocess.check_output(["docker", "ps", "--all", "--quiet", "--filter", label])
if left or containers.strip():
    sys.exit(f"kill: {left} and containers {containers.decode()} are left")
shutil.rmtree(root)
print(f"config: {done} of {kills} runs were killed (seed {seed}); every tree was whole after each")
