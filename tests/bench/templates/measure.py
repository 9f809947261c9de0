"""Resolves the same templates with Heat's classes and with Slipway in turns.

Usage: measure.py PYTHON SLIPWAY TREE ENVIRONMENT LIST RUNS
"""

import os
import statistics
import subprocess
import sys
import time

PYTHON, SLIPWAY, TREE, ENVIRONMENT, LIST, RUNS = sys.argv[1:]

with open(LIST) as opened:
    templates = opened.read().split()
ORACLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../parity/templates/resolve.py')
COMMANDS = {
    'Heat': [PYTHON, ORACLE, TREE, '-e', ENVIRONMENT, '--list', LIST],
    'ours': [SLIPWAY, '--quiet', 'resolve', '--templates', TREE, '-e', ENVIRONMENT, *templates],
}


def measure(command):
    """Wall and CPU seconds, and KiB at most."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    return time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss


results = {name: [] for name in COMMANDS}
for _ in range(int(RUNS)):
    for name, command in COMMANDS.items():
        results[name].append(measure(command))

print(f'| {len(templates)} templates | wall ms | CPU ms | memory KiB |\n|---|---|---|---|')
medians = {}
for name, runs in results.items():
    wall, cpu, memory = (statistics.median(values) for values in zip(*runs))
    medians[name] = wall, cpu, memory
    print(f'| {name} | {wall * 1000:,.1f} | {cpu * 1000:,.1f} | {memory:,.0f} |')
ratios = ' | '.join(f'{theirs / ours:.1f}' for theirs, ours in zip(medians['Heat'], medians['ours']))
print(f'| ratio | {ratios} |')
