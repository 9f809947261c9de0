"""Runs Kolla's own kolla-build and ours in turns, and prints medians and ratios.

Usage: measure.py render|rebuild|scratch KOLLA WORK RUNS

WORK holds `kolla-build`, which is ours; for builds, also `theirs.conf` and `ours.conf`.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time

PART, KOLLA, WORK, RUNS = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
SIDES = {
    "kolla-build": [f"{KOLLA}/bin/python", f"{KOLLA}/bin/kolla-build"],
    "ours": [f"{WORK}/kolla-build"],
}
CONFIGURATIONS = {"kolla-build": f"{WORK}/theirs.conf", "ours": f"{WORK}/ours.conf"}
IMAGES = ["^base", "^cron", "^dnsmasq", "^memcached"]
rendered = []


def arguments(side):
    if PART == "render":
        # A directory of its own for each run, and none removed before the last: ext4 is slow to make
        # files for minutes after as many were removed.
        rendered.append(f"{WORK}/rendered-{len(rendered)}")
        return ["--base", "debian", "--template-only", "--work-dir", rendered[-1]]
    builder = ["--nobuildkit"] if side == "kolla-build" else []
    cache = ["--nocache"] if PART == "scratch" else []
    return builder + cache + ["--config-file", CONFIGURATIONS[side], *IMAGES]


def remove_images(side):
    """Leaves the engine none of the images of a side."""
    with open(CONFIGURATIONS[side]) as file:
        namespace = next(line.split("=")[1].strip() for line in file if line.startswith("namespace"))
    listed = subprocess.run(["docker", "images", "--quiet", "--filter", f"reference={namespace}/*"],
                            stdout=subprocess.PIPE, check=True, text=True)
    for image in set(listed.stdout.split()):
        subprocess.run(["docker", "rmi", "--force", image], stdout=subprocess.DEVNULL, check=True)


def start(side):
    command = SIDES[side] + arguments(side)
    environment = os.environ | {"SLIPWAY_KOLLA": KOLLA}
    child = os.fork()
    if child == 0:
        log = os.open(f"{WORK}/{side}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.execvpe(command[0], command, environment)
    return child


def memory_of(child):
    """KiB: the most that a process had so far, and what it has now that is no file's."""
    try:
        # Before it is started, it is still this process.
        with open(f"/proc/{child}/cmdline") as command:
            if "measure.py" in command.read():
                return 0, 0
        with open(f"/proc/{child}/status") as status:
            lines = dict(line.split(":", 1) for line in status)
        return int(lines["VmHWM"].split()[0]), int(lines["RssAnon"].split()[0])
    except (OSError, KeyError):
        return 0, 0


def measure(side):
    """Wall and CPU ms of one run, then the KiB of another: looking at a process takes its time."""
    times = run(side, 0.01 if PART != "render" else None)
    return *times[:2], *(times if PART != "render" else run(side, 0))[2:]


def run(side, pause):
    """Wall and CPU ms and KiB of one run, looked at in such intervals; never when `None`."""
    if PART == "scratch":
        remove_images(side)
    began = time.monotonic()
    child = start(side)
    most = own = 0
    while True:
        done, status, usage = os.wait4(child, 0 if pause is None else os.WNOHANG)
        if done:
            break
        high, anonymous = memory_of(child)
        most, own = max(most, high), max(own, anonymous)
        time.sleep(pause)
    wall = time.monotonic() - began
    if status:
        with open(f"{WORK}/{side}.log") as log:
            sys.stderr.writelines(log.readlines()[-30:])
        sys.exit(f"build: error: {side} failed")
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000, most, own


def main():
    results = {side: [] for side in SIDES}
    # The first run of all finds cold files, or builds.
    for turn in range(RUNS if PART == "scratch" else RUNS + 1):
        for side in SIDES:
            result = measure(side)
            if turn or PART == "scratch":
                results[side].append(result)
    medians = {side: [statistics.median(column) for column in zip(*rows)] for side, rows in results.items()}
    if PART == "render":
        count = sum("Dockerfile" in files for _, _, files in os.walk(rendered[-1]))
        for directory in rendered:
            shutil.rmtree(directory)
    what = {
        "render": lambda: f"Rendering the {count} images of Kolla 23.0.0 for Debian",
        "rebuild": lambda: "Building four images again, nothing changed",
        "scratch": lambda: "Building four images without cached layers",
    }[PART]()
    print(f"{what}; medians, pairs: {RUNS}\n")
    print("| | wall ms | CPU ms | memory KiB | of which no file's |\n|---|---|---|---|---|")
    for side, row in medians.items():
        print(f"| {side} | {row[0]:,.1f} | {row[1]:,.1f} | {row[2]:,.0f} | {row[3]:,.0f} |")
    ratios = [theirs / ours for theirs, ours in zip(medians["kolla-build"], medians["ours"])]
    print("| ratio | " + " | ".join(f"{ratio:.1f}" for ratio in ratios) + " |\n")


main()
