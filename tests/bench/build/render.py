"""Renders all of a Kolla with its own kolla-build and with ours, in turns."""

import os
import shutil
import statistics
import sys
import time

kolla, work, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
arguments = ["--base", "debian", "--template-only", "--work-dir"]
sides = {
    "upstream": [f"{kolla}/bin/python", f"{kolla}/bin/kolla-build"],
    "ours": [f"{work}/kolla-build"],
}


def start(side):
    """Starts a run into an empty folder; gives its process."""
    out = f"{work}/{side}"
    shutil.rmtree(out, ignore_errors=True)
    child = os.fork()
    if child == 0:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        command = sides[side] + arguments + [out]
        os.execvpe(command[0], command, os.environ | {"SLIPWAY_KOLLA": kolla})
    return child


def times(side):
    """Wall and CPU ms of one run."""
    started = time.monotonic()
    _, status, usage = os.wait4(start(side), 0)
    wall = time.monotonic() - started
    if status:
        sys.exit(f"build: error: {side} failed")
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def memory(side):
    """The most KiB that a run was seen to have. What the kernel tells of it at the end counts this
    process too, which it was forked from."""
    child = start(side)
    seen = 0
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        try:
            with open(f"/proc/{child}/status") as status:
                text = status.read()
            is_started = os.readlink(f"/proc/{child}/exe") != os.readlink("/proc/self/exe")
        except OSError:
            continue
        # Upstream's is a Python too, but soon a larger one.
        if "VmHWM" in text and (is_started or side == "upstream"):
            seen = max(seen, int(text.split("VmHWM:")[1].split()[0]))
    return seen


def measure(side):
    return *times(side), memory(side)


results = {side: [] for side in sides}
for run in range(runs + 1):
    for side in sides:
        result = measure(side)
        if run:  # The first finds cold files.
            results[side].append(result)

medians = {side: [statistics.median(column) for column in zip(*rows)] for side, rows in results.items()}
images = sum("Dockerfile" in files for _, _, files in os.walk(f"{work}/ours"))
print(f"Rendering the {images} images of {os.path.basename(kolla)} for Debian, medians of {runs} pairs\n")
print("| | wall ms | CPU ms | memory KiB |\n|---|---|---|---|")
for side, row in medians.items():
    print(f"| {side} | " + " | ".join(f"{value:,.1f}" for value in row[:2]) + f" | {row[2]:,.0f} |")
ratios = [theirs / ours for theirs, ours in zip(medians["upstream"], medians["ours"])]
print("| ratio | " + " | ".join(f"{ratio:.1f}" for ratio in ratios) + " |")
