"""Times container-puppet.py and Slipway in turns. Called by run: measure.py WORK IMAGE RUNS."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time

work, image, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
KEYSTONE = "include keystone\ninclude keystone::db\ninclude keystone::cache\n"
SMALL = "file { '/etc/small': content => '%s' }"


def declare(root, volumes):
    entries = [[name, "keystone_config", manifest, image] for name, manifest in volumes]
    with open(os.path.join(root, "entries.json"), "w") as file:
        json.dump(entries, file)


def memory():
    """Kilobytes, shared ones by share, of the tools and of Puppet in containers."""
    total = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().replace(b"\0", b" ")
            if not (work.encode() in words or b"puppet" in words and b"apply" in words):
                continue
            if b"measure.py" in words:
                continue
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except OSError:
            continue
    return total


def run(side, root):
    """Wall time and most memory of one run."""
    tool = ["python3", f"{work}/peer.py"] if side == "peer" else [f"{work}/container-puppet.py", "--root", root]
    environment = dict(
        os.environ,
        CONTAINER_CLI="docker",
        PROCESS_COUNT="2",
        MOUNT_HOST_PUPPET="false",
        CONFIG=f"{root}/entries.json",
        CONFIG_VOLUME_PREFIX=f"{root}/var/lib/config-data",
        STARTUP_CONFIG_PATTERN=f"{root}/var/lib/tripleo-config/docker-container-startup-config-step_*.json",
    )
    most, ended = [0], threading.Event()

    def watch():
        while not ended.wait(0.2):
            most[0] = max(most[0], memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.monotonic()
    done = subprocess.run(tool, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    took = time.monotonic() - begun
    ended.set()
    watcher.join()
    if done.returncode != 0:
        sys.exit(f"bench: {side} failed:\n{done.stderr[-2000:]}")
    return took, most[0]


def fresh(root):
    shutil.rmtree(os.path.join(root, "var/lib/slipway"), ignore_errors=True)
    shutil.rmtree(os.path.join(root, "var/lib/config-data"), ignore_errors=True)
    os.makedirs(os.path.join(root, "var/lib/config-data"))


def row(what, side, measured):
    took = statistics.median(took for took, _ in measured)
    most = max(most for _, most in measured)
    print(f"| {what} | {side} | {took:.2f} | {f'{most / 1024:.0f}' if most else ''} |", flush=True)


roots = {"peer": f"{work}/peer", "ours": f"{work}/ours"}
shutil.copytree(roots["peer"], roots["ours"], dirs_exist_ok=True)
print("| | | wall s | MiB |\n|---|---|---|---|")
cold, again = {"peer": [], "ours": []}, {"peer": [], "ours": []}
for root in roots.values():
    declare(root, [(f"keystone{number}", KEYSTONE) for number in range(6)])
for _ in range(runs):
    for side, root in roots.items():
        fresh(root)
        cold[side].append(run(side, root))
        again[side].append(run(side, root))
for side in roots:
    row("6 keystone volumes, two at a time", side, cold[side])
for side in roots:
    row("again, unchanged", side, again[side])

root = roots["ours"]
fresh(root)
small = [(f"small{number}", SMALL % 0) for number in range(40)]
declare(root, small)
run("ours", root)
row("40 volumes, unchanged", "ours", [run("ours", root) for _ in range(runs * 3)])
changed = []
for generation in range(1, runs + 1):
    declare(root, [("small0", SMALL % generation)] + small[1:])
    changed.append(run("ours", root))
row("40 volumes, one changed", "ours", changed)
