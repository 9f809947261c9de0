"""Runs upstream's set_configs.py in one root after the other, for the test that compares it.

Usage: upstream.py SET_CONFIGS.PY

Each line on standard input is {"root", "strategy", "check"}; each is answered with one line,
{"code", "log"}. The script is loaded once, and every run is a fork of this process in a chroot, so
that thousands of runs take seconds.
"""

import argparse
import encodings.idna  # noqa: F401  (what a chroot has no files for is loaded before)
import glob  # noqa: F401
import grp  # noqa: F401
import importlib.util
import json
import logging
import os
import pwd  # noqa: F401
import signal
import sys
import traceback  # noqa: F401
import zlib  # noqa: F401

# Upstream copies in the directory's own order, and which of two failures comes first depends on it.
SCANDIR, LISTDIR = os.scandir, os.listdir

# Opening a named pipe that nobody writes to never ends, and copying through two links to the
# directory that they are in takes as good as for ever.
TIMEOUT = 2


class SortedScandir:
    def __init__(self, *args):
        with SCANDIR(*args) as entries:
            self.entries = iter(sorted(entries, key=lambda entry: entry.name))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def __iter__(self):
        return self.entries

    def __next__(self):
        return next(self.entries)

    def close(self):
        pass


def load(path):
    spec = importlib.util.spec_from_file_location("set_configs", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def run_in_root(script, request, log):
    os.dup2(log, 2)
    signal.alarm(TIMEOUT)
    os.chroot(request["root"])
    os.chdir("/")
    os.umask(0o022)
    os.environ.clear()
    if request["strategy"] is not None:
        os.environ["KOLLA_CONFIG_STRATEGY"] = request["strategy"]
    os.scandir = SortedScandir
    os.listdir = lambda *args: sorted(LISTDIR(*args))
    sys.argv = ["kolla_set_configs"] + (["--check"] if request["check"] else [])
    sys.stderr = os.fdopen(2, "w", errors="replace")
    for handler in logging.getLogger().handlers:
        handler.setStream(sys.stderr)
    code = script.main()
    sys.stderr.flush()
    return code


def run(script, request):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = run_in_root(script, request, writing)
        except BaseException as error:
            os.write(2, repr(error).encode(errors="replace"))
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        log = pipe.read().decode(errors="replace")
    status = os.waitpid(child, 0)[1]
    return {"code": os.waitstatus_to_exitcode(status), "log": log}


def main():
    script = load(sys.argv[1])
    # Loads what it only then asks for.
    argparse.ArgumentParser().parse_args([])
    for line in sys.stdin:
        print(json.dumps(run(script, json.loads(line))), flush=True)


main()
