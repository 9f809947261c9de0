"""Runs two kolla_set_configs in turns in one root, and compares what they cost.

Usage: measure.py UPSTREAM_SCRIPT BINARY RUNS
"""

import ctypes
import json
import os
import pathlib
import resource
import shutil
import statistics
import struct
import sys
import tempfile
import time

CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000
LIBC = ctypes.CDLL(None, use_errno=True)
CONFIGS = "var/lib/kolla/config_files"


def mount(source, target, kind, flags):
    arguments = [text and str(text).encode() for text in (source, target, kind)]
    if LIBC.mount(*arguments, flags, None):
        raise OSError(ctypes.get_errno(), f"cannot mount {target}")


class Root:
    """A root in memory that has this host's Python, and nothing else of it."""

    def __init__(self, needed):
        if LIBC.unshare(CLONE_NEWNS):
            raise OSError(ctypes.get_errno(), "cannot make a mount namespace")
        mount("none", "/", None, MS_REC | MS_PRIVATE)
        self.path = pathlib.Path(tempfile.mkdtemp())
        mount("tmpfs", self.path, "tmpfs", 0)
        for system in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/proc"):
            if os.path.islink(system):
                os.symlink(os.readlink(system), self.path / system[1:])
            elif os.path.exists(system):
                self.show(system)
        for path in needed:
            if not str(path).startswith("/usr/"):
                self.show(path)
        for name in ("etc", "var/lib/kolla"):
            (self.path / name).mkdir(parents=True)
        (self.path / "etc/passwd").write_text("root:x:0:0::/:\nservice:x:1001:1001::/:\n")
        (self.path / "etc/group").write_text("root:x:0:\nservice:x:1001:\n")

    def show(self, path):
        inside = self.path / str(path).lstrip("/")
        inside.mkdir(parents=True, exist_ok=True)
        mount(path, inside, None, MS_BIND | MS_REC)

    def declare(self, files, sections):
        """Makes a config.json, and as many source files."""
        directory = self.path / CONFIGS
        shutil.rmtree(directory, ignore_errors=True)
        for index in range(files):
            file = directory / "src" / "etc" / "service" / f"{index // 100}" / f"{index}.conf"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("[section]\noption = value\n" * 40)
        text = json.dumps({"command": "/usr/bin/service", **sections})
        (directory / "config.json").write_text(text)

    def clean(self):
        """Takes back what a run put in place."""
        for name in ("etc/service", "etc/kolla", "run_command"):
            path = self.path / name
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()

    def start(self, command):
        """Starts a run; gives its process, and a pipe that tells when and after how much CPU time it
        became the program: what it cost to fork and to change the root is not the program's."""
        self.clean()
        reading, writing = os.pipe()
        environment = {
            "KOLLA_CONFIG_STRATEGY": "COPY_ALWAYS",
            "PYTHONPATH": os.environ["PYTHONPATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        child = os.fork()
        if child == 0:
            try:
                os.chroot(self.path)
                os.chdir("/")
                null = os.open("/null", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                os.dup2(null, 1)
                os.dup2(null, 2)
                used = resource.getrusage(resource.RUSAGE_SELF)
                os.write(writing, struct.pack("dd", used.ru_utime + used.ru_stime, time.perf_counter()))
                os.execve(command[0], command, environment)
            finally:
                os._exit(127)
        os.close(writing)
        return child, reading

    def run(self, command):
        """Gives wall time and CPU time in milliseconds."""
        child, pipe = self.start(command)
        _, status, used = os.wait4(child, 0)
        ended = time.perf_counter()
        with os.fdopen(pipe, "rb") as told:
            before, began = struct.unpack("dd", told.read(16))
        if status:
            sys.exit(f"{command} failed: {(self.path / 'null').read_text()[-2000:]}")
        return (ended - began) * 1000, (used.ru_utime + used.ru_stime - before) * 1000

    def memory(self, command):
        """Gives the most memory a run was seen to have, in KiB. What the kernel tells of it at the
        end counts this process too, which it was forked from."""
        child, pipe = self.start(command)
        seen = 0
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            try:
                status = pathlib.Path(f"/proc/{child}/status").read_text()
                program = os.readlink(f"/proc/{child}/exe")
            except OSError:
                continue
            if "VmHWM" in status and program.endswith(os.path.basename(command[0])):
                seen = int(status.split("VmHWM:")[1].split()[0])
        os.close(pipe)
        return seen


def few_files():
    files = [
        {
            "source": f"/{CONFIGS}/src/etc/service/0/{index}.conf",
            "dest": f"/etc/service/{index}.conf",
            "owner": "service",
            "perm": "0600",
        }
        for index in range(5)
    ]
    return {"config_files": files}


def many_files():
    file = {"source": f"/{CONFIGS}/src/*", "dest": "/", "merge": True, "preserve_properties": True}
    permission = {"path": "/etc/service", "owner": "service:service", "recurse": True}
    return {"config_files": [file], "permissions": [permission]}


def main():
    script, binary = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
    runs = int(sys.argv[3])
    python = os.path.realpath(sys.executable)
    peers = [pathlib.Path(path) for path in os.environ["PYTHONPATH"].split(":")]
    root = Root([sys.base_prefix, script.parent, *peers])
    shutil.copy(binary, root.path / "kolla_set_configs")
    ours, theirs = ["/kolla_set_configs"], [python, str(script)]
    print(f"{'config':12} {'':12} {'wall ms':>10} {'CPU ms':>10} {'memory KiB':>11}")
    for name, files, sections in (("5 files", 5, few_files()), ("5,000 files", 5000, many_files())):
        root.declare(files, sections)
        pairs = [(root.run(theirs), root.run(ours)) for _ in range(runs + 1)][1:]
        medians = [[statistics.median(run[side][what] for run in pairs) for what in (0, 1)] for side in (0, 1)]
        memory = [max(root.memory(command) for _ in range(3)) for command in (theirs, ours)]
        for who, (wall, cpu), most in zip(("upstream", "slipway"), medians, memory):
            print(f"{name:12} {who:12} {wall:10.1f} {cpu:10.1f} {most:11}")
        # A run may be over before it is seen once.
        ratio = f"{memory[0] / memory[1]:.1f}x" if memory[1] else "-"
        wall, cpu = [statistics.median(theirs[what] / ours[what] for theirs, ours in pairs) for what in (0, 1)]
        print(f"{name:12} {'ratio':12} {wall:9.1f}x {cpu:9.1f}x {ratio:>11}")


main()
