"""Breaks operations at random moments, and looks at what is left.

After each fault: config volumes are whole, the next run succeeds, its result is that of an
undisturbed run (files with owner, mode and content, containers, images), the run after it finds
nothing to do, and nothing else is left over.
"""

import argparse
import json
import os
import random
import signal
import sys
import time

from engine import Engine, Relay
from sites import IMAGE, OPERATIONS

# Longer than any run takes, those that wait for a stopped engine included.
PATIENCE = 240
HANGS = 3
# What a run says that has lost its engine.
LOST = ("lost the container engine", "no container engine answers")


class Wrong(Exception):
    pass


def end_of(run, what):
    """Waits for a run; returns its exit status, output and errors."""
    try:
        out, err = run.communicate(timeout=PATIENCE)
    except Exception:
        os.killpg(run.pid, signal.SIGKILL)
        out, err = run.communicate()
        raise Wrong(f"{what}: it does not end within {PATIENCE} s\n{err}")
    if run.returncode == 101 or "panicked" in err:
        raise Wrong(f"{what}: it panicked\n{err}")
    if run.returncode not in (0, -signal.SIGKILL) and not err.strip():
        raise Wrong(f"{what}: it fails with {run.returncode} and does not say why")
    return run.returncode, out, err


def succeeds(run, what):
    code, out, err = end_of(run, what)
    if code != 0:
        raise Wrong(f"{what}: it fails with {code}\n{err}")
    return json.loads(out)


def difference(found, expected):
    lines = []
    for key in sorted(found.keys() | expected.keys()):
        if (entry := found.get(key)) != (wanted := expected.get(key)):
            lines.append(f"  {key}\n    found    {str(entry)[:600]}\n    expected {str(wanted)[:600]}")
    return "\n".join(lines[:8])


class Campaign:
    def __init__(self, site, seed):
        self.site, self.engine = site, site.engine
        self.chance = random.Random(seed)
        self.expected = {}
        self.took = 0
        self.cut_short = 0
        self.version = 2

    def settle(self):
        """Runs undisturbed from each version to the other, for the results and the time."""
        for version in (1, 2, 1, 2):
            begun = time.monotonic()
            succeeds(self.site.start(version), "an undisturbed run")
            self.took = time.monotonic() - begun
            found = self.site.snapshot()
            if version in self.expected and found != self.expected[version]:
                raise Wrong(f"two undisturbed runs differ:\n{difference(found, self.expected[version])}")
            self.expected[version] = found
        self.check(2, "undisturbed")

    def check(self, version, after):
        """Runs the next run and the one after it, and compares."""
        umask = self.chance.choice((0o000, 0o022, 0o077))
        succeeds(self.site.start(version, umask=umask), f"{after}: the next run")
        deadline = time.monotonic() + 15
        # An engine that was restarted starts its containers by and by.
        while (found := self.site.snapshot()) != self.expected[version]:
            if time.monotonic() > deadline:
                raise Wrong(f"{after}: the next run's result is another:\n{difference(found, self.expected[version])}")
            time.sleep(0.5)
        told = succeeds(self.site.start(version, umask=umask), f"{after}: the run after the next")
        if not self.site.is_unchanged(told):
            raise Wrong(f"{after}: the run after the next has something to do: {json.dumps(told)[:2000]}")
        if left := self.site.left_over():
            raise Wrong(f"{after}: the run after the next leaves {left}")
        self.site.tidy()

    def fault(self, name, number):
        """One fault: disturbs a run, and checks what is left."""
        version = 3 - self.version
        # The next run completes the version, or goes back.
        target = self.version if number % 3 == 2 else version
        moment = self.chance.uniform(0, self.took)
        after = f"{name} number {number}, {moment:.3f} s into a run of {self.took:.3f} s"
        getattr(self, name.replace("-", "_"))(version, moment, after)
        self.engine.revive()
        torn = self.site.whole()
        if torn:
            raise Wrong(f"{after}: {torn}")
        self.check(target, after)
        self.version = target

    def start_again(self):
        """Makes a known state after something was wrong: nothing is to be learned from any other."""
        self.engine.resume()
        self.engine.revive()
        for self.version in (2, 1):
            end_of(self.site.start(self.version), "after something was wrong")

    def note(self, code):
        self.cut_short += code != 0

    def killed(self, version, moment, after):
        run = self.site.start(version)
        time.sleep(moment)
        os.killpg(run.pid, signal.SIGKILL)
        self.note(end_of(run, after)[0])

    def interrupted(self, version, moment, after):
        run = self.site.start(version)
        time.sleep(moment)
        if run.poll() is None:
            os.killpg(run.pid, self.chance.choice((signal.SIGINT, signal.SIGTERM)))
        self.note(end_of(run, after)[0])

    def site_full(self, version, moment, after):
        self.full(self.site.place, self.site.SITE_ROOM, version, after)

    def engine_full(self, version, moment, after):
        self.full(self.engine.data, self.site.ENGINE_ROOM, version, after)

    def full(self, directory, most, version, after):
        """Leaves a random number of bytes of a disk, for one run."""
        self.site.declare(version)
        disk = os.statvfs(directory)
        ballast = f"{directory}/ballast"
        left = self.chance.randrange(most)
        try:
            os.close(os.open(ballast, os.O_CREAT | os.O_WRONLY, 0o600))
            file = os.open(ballast, os.O_WRONLY)
            os.posix_fallocate(file, 0, max(disk.f_bavail * disk.f_frsize - left, 4096))
            os.close(file)
            self.note(end_of(self.site.start(version), f"{after}, {left} bytes free")[0])
        finally:
            os.remove(ballast)

    def engine_restarted(self, version, moment, after):
        run = self.site.start(version)
        time.sleep(moment)
        self.engine.kill()
        self.engine.begin()
        self.note(end_of(run, after)[0])
        self.site.after_engine_kill()

    def engine_hung(self, version, moment, after):
        run = self.site.start(version)
        time.sleep(moment)
        self.engine.hang()
        time.sleep(HANGS)
        self.engine.resume()
        code, _, err = end_of(run, after)
        if code != 0:
            raise Wrong(f"{after}: the engine goes on after {HANGS} s, and the run fails\n{err}")

    def hung_and_interrupted(self, version, moment, after):
        run = self.site.start(version)
        time.sleep(moment)
        self.engine.hang()
        time.sleep(0.5)
        begun = time.monotonic()
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGTERM)
        try:
            self.note(end_of(run, after)[0])
        finally:
            self.engine.resume()
        if time.monotonic() - begun > 60:
            raise Wrong(f"{after}: it took {time.monotonic() - begun:.0f} s to end")

    def connection_cut(self, version, moment, after):
        relay = Relay(f"{self.site.place}/relay.sock", self.engine)
        run = self.site.start(version, host=f"unix://{self.site.place}/relay.sock")
        time.sleep(moment)
        relay.cut()
        code, _, err = end_of(run, after)
        if code != 0 and not any(words in err for words in LOST):
            raise Wrong(f"{after}: it does not say that the engine is lost\n{err}")
        self.note(code)

    def two_at_once(self, version, moment, after):
        runs = [self.site.start(version)]
        time.sleep(moment / 4)
        runs.append(self.site.start(version))
        changed = [not self.site.is_unchanged(succeeds(run, after)) for run in runs]
        if changed.count(True) != 1:
            raise Wrong(f"{after}: the work is done {changed.count(True)} times")


FAULTS = ["interrupted", "site-full", "engine-full", "engine-restarted", "engine-hung",
          "hung-and-interrupted", "connection-cut", "two-at-once", "killed"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("slipway", type=os.path.abspath)
    parser.add_argument("operations", nargs="+", metavar="OPERATION=KILLS")
    parser.add_argument("--others", type=int)
    parser.add_argument("--fault", action="append", choices=FAULTS)
    parser.add_argument("--seed", type=int, required=True)
    asked = parser.parse_args()
    kills = {name: int(count) for name, count in (word.split("=") for word in asked.operations)}
    # So that everything is removed then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    engine = Engine()
    failures = 0
    try:
        engine.begin()
        engine.load("debian:trixie")
        with open("tests/support/scripted-puppet.Dockerfile") as file:
            engine.docker("build", "--network", "none", "--tag", IMAGE, "-", text=file.read())
        for name in kills:
            failures += run_operation(name, OPERATIONS[name](asked.slipway, engine), schedule(asked, kills, name), asked.seed)
    finally:
        engine.end()
    sys.exit(1 if failures else 0)


def schedule(asked, kills, operation):
    """How often each fault happens to an operation. By default, the others take turns."""
    names = list(kills)
    counts = {}
    for number, fault in enumerate(FAULTS):
        if asked.fault and fault not in asked.fault:
            continue
        is_turn = number % len(names) == names.index(operation)
        others = asked.others if asked.others is not None else int(is_turn)
        counts[fault] = kills[operation] if fault == "killed" else others
    return counts


def run_operation(name, site, counts, seed):
    engine = site.engine
    campaign = Campaign(site, f"{seed} {name}")
    failures = 0
    try:
        campaign.settle()
        for fault, count in counts.items():
            if count == 0:
                continue
            begun, campaign.cut_short, wrong, done = time.monotonic(), 0, 0, 0
            try:
                for number in range(count):
                    try:
                        campaign.fault(fault, number)
                    except Wrong as error:
                        wrong += 1
                        print(f"faults: {name}: {error}", file=sys.stderr, flush=True)
                        campaign.start_again()
                    done += 1
            finally:
                took = time.monotonic() - begun
                print(f"faults: {name}, {fault}: {done} times, {campaign.cut_short} runs cut short, "
                      f"{wrong} wrong, {took:.0f} s (seed {seed})", flush=True)
            failures += wrong
    except Wrong as error:
        failures += 1
        print(f"faults: {name}: {error}", file=sys.stderr, flush=True)
    finally:
        engine.resume()
        engine.revive()
        site.end()
    return failures


main()
