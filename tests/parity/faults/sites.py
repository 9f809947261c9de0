"""A place for one operation: its input, its disk, its command, and all that it leaves."""

import json
import os
import re
import stat
import subprocess
import tempfile

IMAGE = "slipway-test/scripted-puppet:1"
# Files of one generation, in every config volume.
FILES = 20
DISK = "48m"


class Site:
    """The base of the four operations. `version` is that of the input, 1 or 2."""

    # The bytes that a run needs of the site's disk and of the engine's, roughly.
    SITE_ROOM, ENGINE_ROOM = 400_000, 200_000

    def __init__(self, slipway, engine):
        self.slipway, self.engine = slipway, engine
        self.runs = []
        self.place = tempfile.mkdtemp(prefix="slipway-faults-")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0755", "tmpfs", self.place], check=True)
        for name in ("root", "home", "tmp"):
            os.mkdir(f"{self.place}/{name}")

    def end(self):
        for run in self.runs:
            run.kill()
            run.wait()
        self.engine.remove_containers()
        subprocess.run(["umount", "--lazy", self.place], check=True)
        os.rmdir(self.place)

    def write(self, name, text):
        path = f"{self.place}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def start(self, version, host=None, umask=0o022):
        """Starts the operation, in a process group of its own."""
        self.declare(version)
        command = [self.slipway, "--host", host or self.engine.host, "--format", "json", *self.arguments()]
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": f"{self.place}/home",
            "TMPDIR": f"{self.place}/tmp",
            **self.environment(),
        }
        run = subprocess.Popen(
            command, env=environment, umask=umask, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, start_new_session=True)
        self.runs = [other for other in self.runs if other.poll() is None] + [run]
        return run

    def environment(self):
        return {}

    def left_over(self):
        """What a run that has nothing to do must not leave, or nothing."""

    def after_engine_kill(self):
        """Removes what only a killed daemon leaves."""

    def tidy(self):
        """Removes what the engine keeps of earlier runs, and is no fault."""

    def whole(self):
        """A reason why what is in place is not whole, or nothing."""

    def snapshot(self):
        """All that an operation leaves: files with owner, mode and content, and containers."""
        found = {}
        for top in self.tops():
            for directory, directories, files in os.walk(f"{self.place}/{top}"):
                if directory.endswith("/config-data"):
                    # Trees that containers may still have mounted: see `left_over`.
                    directories[:] = [name for name in directories if name != ".replaced"]
                for name in directories + files:
                    path = os.path.join(directory, name)
                    found[os.path.relpath(path, self.place)] = self.entry(path)
        for container in self.containers():
            found[f"container {container['Name']}"] = self.container(container)
        return found

    def tops(self):
        return ("root", "tmp", "home")

    def entry(self, path):
        info = os.lstat(path)
        kind, mode = stat.S_IFMT(info.st_mode), stat.S_IMODE(info.st_mode)
        content = ""
        if stat.S_ISLNK(info.st_mode):
            content = os.readlink(path)
        elif stat.S_ISREG(info.st_mode) and not self.is_volatile(path):
            with open(path, "rb") as file:
                content = file.read().decode("latin-1")
        return [oct(kind | mode), info.st_uid, info.st_gid, content]

    def is_volatile(self, path):
        """Records of when something ran, and keys."""
        return False

    def containers(self):
        ids = self.engine.docker("ps", "--all", "--quiet").split()
        return json.loads(self.engine.docker("inspect", *ids)) if ids else []

    @staticmethod
    def container(found):
        config = found["Config"]
        labels = {key: value for key, value in (config["Labels"] or {}).items()}
        return [found["State"]["Status"], found["State"]["ExitCode"] if found["State"]["Status"] == "exited" else None,
                config["Image"], sorted(config["Env"] or []), config["Cmd"], labels, sorted(found["HostConfig"]["Binds"] or [])]


class Build(Site):
    """Four images, one on the other."""

    SITE_ROOM, ENGINE_ROOM = 20_000, 5_000_000

    def declare(self, version):
        parent = "{{ namespace }}/{{ image_prefix }}%s:{{ tag }}"
        for name, start in (
            ("base", "{{ base_image }}:{{ base_distro_tag }}"), ("middle", parent % "base"),
            ("leaf-a", parent % "middle"), ("leaf-b", parent % "middle"),
        ):
            work = f"head -c 1000000 /dev/urandom >/data-{name} && sleep 0.2 && echo {version} >/generation"
            self.write(f"share/images/{name}/Dockerfile.j2", f"FROM {start}\nCOPY file /file-{name}\nENV GENERATION={version}\nRUN {work}\n")
            self.write(f"share/images/{name}/file", f"{version}\n")

    def arguments(self):
        return ["build", "--base", "debian", "--base-image", "debian", "--base-tag", "trixie", "--namespace", "faults",
                "--network_mode", "none", "--nopull", "--threads", "2", "--logs-dir", f"{self.place}/logs"]

    def environment(self):
        return {"SLIPWAY_SHARE": f"{self.place}/share"}

    def tops(self):
        return ("tmp", "home", "logs")

    def is_volatile(self, path):
        return path.endswith(".log") or path.endswith("key")

    def snapshot(self):
        found = super().snapshot()
        listed = self.engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        names = [name for name in listed if name.startswith("faults/")]
        images = json.loads(self.engine.docker("inspect", *names)) if names else []
        layers = {image["RepoTags"][0]: image["RootFS"]["Layers"] for image in images}
        for image in images:
            name = image["RepoTags"][0]
            # Built on this parent and on no other of the same name.
            parent = {"faults/base": None, "faults/middle": "faults/base"}.get(name.split(":")[0], "faults/middle")
            below = layers.get(f"{parent}:latest") if parent else []
            labels = image["Config"]["Labels"] or {}
            found[f"image {name}"] = [
                len(image["RootFS"]["Layers"]), below is not None and image["RootFS"]["Layers"][:len(below)] == below,
                sorted(image["Config"]["Env"]), {key: labels[key] for key in labels if key.startswith("slipway.") and "parents" not in key and "fingerprint" not in key and "inputs" not in key}]
        return found

    @staticmethod
    def is_unchanged(told):
        return not told["built"] and not told["failed"]

    def tidy(self):
        self.engine.docker("image", "prune", "--force")

    def after_engine_kill(self):
        # The containers of instructions: only the daemon that made them knows them.
        for container in self.containers():
            self.engine.docker("rm", "--force", container["Id"])


def script(version):
    # Puppet fails where a file cannot be written: so does this.
    return (f"set -e; for n in $(seq 1 {FILES}); do echo {version} >/etc/generation-$n; done; sleep 0.2; "
            f"echo {version} >/etc/generation-last; chown 42:42 /etc/generation-1; chmod 640 /etc/generation-1")


class Config(Site):
    """Four config volumes."""

    VOLUMES = ["v1", "v2", "v3", "v4"]

    def declare(self, version):
        self.write("entries.json", json.dumps([[volume, "", script(version), IMAGE] for volume in self.VOLUMES]))

    def arguments(self):
        return ["config", "--root", f"{self.place}/root", "--file", f"{self.place}/entries.json"]

    def is_volatile(self, path):
        return bool(re.search(r"/var/lib/slipway/|/var/log/|/home/", path))

    def whole(self):
        prefix = f"{self.place}/root/var/lib/config-data"
        for tree in [f"{prefix}/{part}{volume}" for part in ("", "puppet-generated/") for volume in self.VOLUMES]:
            if not os.path.isdir(tree):
                continue
            texts = set()
            for number in [*range(1, FILES + 1), "last"]:
                try:
                    with open(f"{tree}/etc/generation-{number}") as file:
                        texts.add(file.read())
                except OSError as error:
                    return str(error)
            if len(texts) != 1:
                return f"{tree} is of generations {sorted(texts)}"
        return None

    def left_over(self):
        prefix = f"{self.place}/root/var/lib/config-data"
        names = [name for part in (".replaced", ".staging") if os.path.isdir(f"{prefix}/{part}") for name in os.listdir(f"{prefix}/{part}")]
        return ", ".join(names)

    @staticmethod
    def is_unchanged(told):
        return all(volume["outcome"] in ("skipped", "same") for volume in told["runs"])


CONTAINER = "image: debian:trixie, net: none, stop_signal: SIGKILL"


class Apply(Site):
    """A set with a database, one that stops slowly, a task, and one that changes its name."""

    SITE_ROOM = 12_000

    def declare(self, version):
        self.write("step.yaml", f"""
faults-db: {{{CONTAINER}, command: sleep 600, restart: always, environment: {{V: {version}}}, start_order: 1}}
faults-slow: {{image: debian:trixie, net: none, command: sleep 600, restart: always, environment: {{V: {version}}}, stop_grace_period: 1, start_order: 1}}
faults-sync: {{{CONTAINER}, command: [sh, -c, 'exit 0'], detach: false, environment: {{V: {version}}}, start_order: 2}}
faults-web: {{{CONTAINER}, command: sleep 600, restart: always, environment: {{V: {version}, SECRET: s}}, start_order: 3}}
faults-only-{version}: {{{CONTAINER}, command: sleep 600, restart: always, start_order: 3}}
faults-boot: {{action: exec, command: [faults-web, sh, -c, 'echo said'], environment: {{V: {version}}}, start_order: 4}}
""")

    def arguments(self):
        return ["apply", "--managed-by", "faults", "--config-id", "faults", "--file", f"{self.place}/step.yaml",
                "--root", f"{self.place}/root"]

    def is_volatile(self, path):
        return "/var/lib/slipway/" in path

    @staticmethod
    def is_unchanged(told):
        return not told["changed"]


class Deploy(Config):
    """A service with a config volume, a config.json and containers in three steps."""

    VOLUMES = ["db"]

    def declare(self, version):
        mounts = "volumes: ['/var/lib/config-data/puppet-generated/db:/var/lib/kolla/config_files/src:ro']"
        self.write("services/db.yaml", f"""
service_name: db
config_settings: {{db_generation: {version}}}
puppet_config:
  config_volume: db
  puppet_tags: file
  step_config: "{script(version)}"
  config_image: {IMAGE}
kolla_config:
  /var/lib/kolla/config_files/db.json: {{command: sleep 60{version}}}
docker_config:
  step_1:
    faults-db: {{{CONTAINER}, command: sleep 600, restart: always, {mounts}}}
  step_2:
    faults-sync: {{{CONTAINER}, command: [sh, -c, 'exit 0'], detach: false, {mounts}}}
  step_3:
    faults-web: {{{CONTAINER}, command: sleep 600, restart: always, environment: {{V: {version}}}}}
    faults-only-{version}: {{{CONTAINER}, command: sleep 600, restart: always}}
""")
        self.write("hiera.json", json.dumps({"password": f"secret-{version}"}))

    def arguments(self):
        return ["deploy", "--root", f"{self.place}/root", "--services", f"{self.place}/services",
                "--hiera", f"{self.place}/hiera.json", "--no-systemd"]

    @staticmethod
    def is_unchanged(told):
        return not told["changed"]


OPERATIONS = {"build": Build, "config": Config, "apply": Apply, "deploy": Deploy}
