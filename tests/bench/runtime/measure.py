#!/usr/bin/env python3
"""Measures slipway apply and paunch side by side. Usage: measure.py SLIPWAY RUNS CONTAINERS..."""

import atexit
import concurrent.futures
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SLIPWAY, RUNS = os.path.abspath(sys.argv[1]), int(sys.argv[2])
ID = f"bench-{os.getpid()}"
DIRECTORY = tempfile.mkdtemp(prefix="slipway-bench-")
CONFIG = {"image": "debian:trixie", "command": "sleep 6000", "net": "none", "stop_signal": "SIGKILL"}


def clean():
    ids = subprocess.run(["docker", "ps", "-aq", "--filter", f"label=managed_by={ID}"], capture_output=True, text=True)
    if ids.stdout.split():
        subprocess.run(["docker", "rm", "--force", *ids.stdout.split()], capture_output=True, check=False)


def write(count, changed):
    for number in range(count):
        config = {**CONFIG, "environment": [f"V={changed if number == 0 else 0}", f"N={number}"]}
        with open(f"{DIRECTORY}/hashed-{ID}-{number}.json", "w", encoding="utf-8") as file:
            json.dump(config, file)


def commands(config_id):
    options = ["--managed-by", ID, "--config-id", config_id, "--file", DIRECTORY]
    return {
        "paunch 7.0.4": [sys.executable, "-m", "paunch", "--log-file", "/dev/null", "apply",
                         "--default-runtime", "docker", *options],
        "slipway": [SLIPWAY, "--quiet", "apply", "--root", "/", *options],
    }


def timed(command):
    """Seconds of wall time, seconds of CPU time, and KiB of memory at most."""
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # What wait4 tells of memory includes this program's own, from before the child was another.
    peak = [0]
    watch = threading.Thread(target=watch_memory, args=(child.pid, command[0], peak))
    watch.start()
    _, status, usage = os.wait4(child.pid, 0)
    took = time.monotonic() - began
    watch.join()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command[0]} ended with {child.returncode}")
    return took, usage.ru_utime + usage.ru_stime, peak[0]


def watch_memory(pid, program, peak):
    """Notes the most that a process was seen to use, until it ends."""
    name = os.path.basename(os.path.realpath(program))
    try:
        while True:
            time.sleep(0.002)
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == name:
                with open(f"/proc/{pid}/status", encoding="ascii") as status:
                    peak[0] = max([peak[0], *(int(line.split()[1]) for line in status if line.startswith("VmHWM"))])
    except OSError:
        pass


class Engine(http.client.HTTPConnection):
    """The engine's API over its socket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")

    def ask(self, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        self.request(method, f"/v1.41{path}", body and json.dumps(body), headers)
        return self.getresponse().read()


def bare_engine(count):
    """Making and starting containers with nothing else around it, as many at once as slipway does."""

    def make(number):
        engine = Engine("engine")
        body = {"Image": CONFIG["image"], "Cmd": ["sleep", "6000"], "HostConfig": {"NetworkMode": "none"},
                "StopSignal": "SIGKILL", "Labels": {"managed_by": ID}}
        made = json.loads(engine.ask("POST", f"/containers/create?name={ID}-bare-{number}", body))
        engine.ask("POST", f"/containers/{made['Id']}/start")

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(make, range(count)))
    return time.monotonic() - began


def list_call():
    began = time.monotonic()
    Engine("engine").ask("GET", "/containers/json?all=1")
    return time.monotonic() - began


def measure(count):
    took, used, memory, engine, listed = {}, {}, {}, [], []
    for run in range(RUNS):
        engine.append(bare_engine(count))
        clean()
        for tool in commands(""):
            command = commands(f"{ID}-{count}")[tool]
            write(count, 0)
            moments = [("first", 1), ("unchanged", 1 if "paunch" in tool else 9), ("one changed", 1)]
            for moment, times in moments:
                if moment == "one changed":
                    write(count, run + 1)
                for _ in range(times):
                    seconds, cpu, kib = timed(command)
                    took.setdefault((moment, tool), []).append(seconds)
                    used.setdefault((moment, tool), []).append(cpu)
                    memory[moment, tool] = max(kib, memory.get((moment, tool), 0))
                if moment == "unchanged":
                    listed.append(list_call())
            clean()
    median = statistics.median
    print(f"\n{count} containers, medians of {RUNS} runs\n")
    print("| apply | | wall s | CPU s | memory KiB |\n|---|---|---|---|---|")
    for moment in ("first", "unchanged", "one changed"):
        sides = [(took[moment, tool], used[moment, tool], memory[moment, tool]) for tool in commands("")]
        for tool, (wall, cpu, kib) in zip(commands(""), sides):
            print(f"| {moment} | {tool} | {median(wall):.3f} | {median(cpu):.3f} | {kib:,} |")
        (wall, cpu, kib), (our_wall, our_cpu, our_kib) = sides
        ratios = [median(wall) / median(our_wall), median(cpu) / median(our_cpu), kib / max(our_kib, 1)]
        print("| | ratio | " + " | ".join(f"{ratio:.1f}" for ratio in ratios) + " |")
    print(f"\nThe engine alone: {median(engine):.3f} s to make and start {count} containers, 8 at a time; "
          f"{median(listed) * 1000:.1f} ms to list them.")


atexit.register(shutil.rmtree, DIRECTORY)
atexit.register(clean)
for wanted in sys.argv[3:]:
    write(0, 0)
    shutil.rmtree(DIRECTORY)
    os.mkdir(DIRECTORY)
    measure(int(wanted))
