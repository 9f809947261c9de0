#!/usr/bin/env python3
"""Gives paunch and slipway the same containers to make, and compares what comes of it.

Usage: compare.py SLIPWAY, with paunch on PYTHONPATH. Exits 1 where the two differ.
"""

import atexit
import difflib
import json
import os
import re
import subprocess
import sys
import tempfile

import cases
import env_files
import scenario

SLIPWAY = os.path.abspath(sys.argv[1])
ID = f"parity-{os.getpid()}"
DIRECTORY = tempfile.mkdtemp(prefix="slipway-parity-")
ENVIRONMENT = {**os.environ, "HOST_VALUE": "from the host"}
ENVIRONMENT.pop("UNSET", None)
differences = 0


def run(command, *, check=True, prefix=(), quiet=False):
    """Runs a command; gives its exit status and output."""
    done = subprocess.run([*prefix, *command], env=ENVIRONMENT, capture_output=True, text=True)
    if check and done.returncode != 0:
        sys.exit(f"{' '.join(command)[:200]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    if not quiet and "--verbose" in sys.argv:
        print(done.stdout, done.stderr)
    return done


def docker(*arguments, check=True):
    return run(["docker", *arguments], check=check)


class Paunch:
    name = "paunch"
    command = [sys.executable, "-m", "paunch", "--log-file", f"{DIRECTORY}/paunch.log"]

    @staticmethod
    def apply(config_id, directory, *options, **kw):
        return run([*Paunch.command, "apply", "--default-runtime", "docker", "--managed-by", ID,
                    "--config-id", config_id, "--file", directory, *options], **kw)

    @staticmethod
    def of_ids(verb, *ids, **kw):
        return run([*Paunch.command, verb, "--default-runtime", "docker", "--managed-by", ID, *ids], **kw)


class CalledPaunch(Paunch):
    """slipway by paunch's name."""

    command = [f"{DIRECTORY}/paunch", "--log-file", f"{DIRECTORY}/paunch.log"]


class Slipway:
    name = "slipway"

    @staticmethod
    def apply(config_id, directory, *options, **kw):
        return run([SLIPWAY, "apply", "--managed-by", ID, "--config-id", config_id, "--file", directory, *options], **kw)

    @staticmethod
    def of_ids(verb, *ids, **kw):
        named = [word for config_id in ids for word in ("--config-id", config_id)]
        return run([SLIPWAY, verb, "--managed-by", ID, *named], **kw)


def clean():
    """Removes all that this run made."""
    left = docker("ps", "-aq", "--filter", f"label=managed_by={ID}", check=False).stdout.split()
    left += docker("ps", "-aq", "--filter", f"name=^{ID}-", check=False).stdout.split()
    if left:
        docker("rm", "--force", "--volumes", *set(left), check=False)


def write_step(name, configs):
    """A directory of hashed-NAME.json, as paunch 7 wants it."""
    directory = os.path.join(DIRECTORY, name)
    os.makedirs(directory, exist_ok=True)
    for old in os.listdir(directory):
        os.remove(os.path.join(directory, old))
    for container, config in configs.items():
        with open(os.path.join(directory, f"hashed-{container}.json"), "w", encoding="utf-8") as file:
            json.dump(config, file)
    return directory


def inspect(label):
    """What docker knows of the containers with a label, by name, without what no two have in common."""
    ids = docker("ps", "-aq", "--filter", f"label={label}").stdout.split()
    found = json.loads(docker("inspect", *ids).stdout) if ids else []
    return {container["Name"].lstrip("/"): normal(container) for container in found}


def normal(container):
    """Takes out ids, times and addresses, and how far it has got."""
    own = container["Id"]
    network = container["NetworkSettings"]
    for key in ("Created", "GraphDriver"):
        container.pop(key)
    state = container.pop("State")
    container["ExitCode"] = state["ExitCode"]
    for ports in network["Ports"].values():
        for port in ports or []:
            if int(port["HostPort"]) >= 32768:
                port["HostPort"] = "RANDOM"
    network.pop("SandboxID"), network.pop("SandboxKey")
    for place in (network, *network["Networks"].values()):
        for key in ("EndpointID", "IPAddress", "MacAddress", "Gateway", "IPPrefixLen", "NetworkID"):
            place.pop(key, None)
    # Which of null and empty stands here depends on the version of the docker command.
    for place in (container["Config"], container["HostConfig"]):
        place.update({key: None for key, value in place.items() if value in ([], {})})
    # And so does whether capabilities are sent by their full names.
    for key in ("CapAdd", "CapDrop"):
        names = container["HostConfig"][key] or []
        container["HostConfig"][key] = [name.upper().removeprefix("CAP_") for name in names]
    # The docker command and the engine keep these in no order; that of one variable's values counts.
    (container["Config"]["Env"] or []).sort(key=lambda setting: setting.split("=")[0])
    (container["HostConfig"]["Ulimits"] or []).sort(key=lambda limit: limit["Name"])
    (container["HostConfig"]["Binds"] or []).sort()
    container["Mounts"].sort(key=lambda mount: mount["Destination"])
    others = json.dumps(container).replace(own, "OWN-ID").replace(own[:12], "OWN-SHORT-ID")
    return json.loads(re.sub(r"(?<!sha256:)\b([0-9a-f]{64}|[0-9a-f]{12})\b", "ID", others))


def same(what, expected, found):
    """Says where two differ."""
    global differences
    if expected == found:
        return
    differences += 1
    texts = [json.dumps(side, indent=1, sort_keys=True, ensure_ascii=False).splitlines() for side in (expected, found)]
    print(f"DIFFERENT: {what}")
    print("\n".join(difflib.unified_diff(*texts, "there", "here", lineterm="", n=2)))


def compare_keys():
    """Every key and form, each in a container of its own, and nearly all of them in one."""
    docker("volume", "create", f"{ID}-volume")
    docker("create", "--name", f"{ID}-base", cases.IMAGE, "true")
    docker("commit", "--change", 'CMD ["sleep", "600"]', f"{ID}-base", f"{ID}:command")
    docker("rm", f"{ID}-base")
    configs = cases.paunch_cases(ID, DIRECTORY)
    if docker("run", "--rm", "--privileged", "--net=none", cases.IMAGE, "true", check=False).returncode != 0:
        print("runtime: SKIPPED privileged: this host gives no container all privileges")
        configs.pop(f"{ID}-privileged")
        configs[f"{ID}-together"]["privileged"] = False
    directory = write_step("keys", configs)
    label = f"config_id={ID}-keys"
    made = {}
    for tool, other in ((Paunch, Slipway), (Slipway, Paunch)):
        tool.apply(f"{ID}-keys", directory)
        ids = sorted(docker("ps", "-aq", "--no-trunc", "--filter", f"label={label}").stdout.split())
        made[tool.name] = inspect(label)
        # The other tool takes them for its own, and leaves them alone.
        if other is Slipway:
            plan = json.loads(Slipway.apply(f"{ID}-keys", directory, "--plan", "--format", "json").stdout)
            # paunch leaves no memory of a container that is gone.
            touched = [c for c in plan["containers"] if c["action"] != "keep" and "removed-after" not in c["container"]]
            same("adopting paunch's set: what is planned", [], touched + plan["removals"] + plan["renames"])
        other.apply(f"{ID}-keys", directory)
        again = sorted(docker("ps", "-aq", "--no-trunc", "--filter", f"label={label}").stdout.split())
        same(f"{other.name} applying {tool.name}'s set again", ids, again)
        clean()
    same("the containers that there are", sorted(made["paunch"]), sorted(made["slipway"]))
    for name, container in made["paunch"].items():
        same(name, container, made["slipway"].get(name))
    print(f"runtime: {len(made['paunch'])} containers made by paunch 7.0.4 and by slipway are the same in docker inspect")


def compare_isolated_cpus():
    """Where the kernel isolates CPUs; its command line is replaced in a mount namespace."""
    with open(f"{DIRECTORY}/cmdline", "w", encoding="utf-8") as file:
        file.write("quiet isolcpus=1\n")
    inside = 'mount --bind "$0" /proc/cmdline && exec taskset --cpu-list 0 "$@"'
    prefix = ("unshare", "--mount", "sh", "-c", inside, f"{DIRECTORY}/cmdline")
    if run(["true"], prefix=prefix, check=False).returncode != 0:
        print("runtime: SKIPPED isolcpus: no mount namespace can be made here")
        return
    configs = {f"{ID}-isolated": cases.UP, f"{ID}-all": {**cases.UP, "cpuset_cpus": "all"}}
    directory = write_step("isolated", configs)
    seen = {}
    for tool in (Paunch, Slipway):
        tool.apply(f"{ID}-isolated", directory, prefix=prefix)
        seen[tool.name] = inspect(f"config_id={ID}-isolated")
        clean()
    same("isolcpus", seen["paunch"], seen["slipway"])
    same("isolcpus is seen", "0", seen["slipway"][f"{ID}-isolated"]["HostConfig"]["CpusetCpus"])


def compare_compose():
    """Keys that paunch has not: the docker command's containers are what they are compared with."""
    configs = cases.compose_cases(ID)
    label = f"config_id={ID}-compose"
    for name, (config, options) in configs.items():
        labels = {"config_id": f"{ID}-compose", "container_name": name, "managed_by": ID, "config_data": json.dumps(config)}
        labels = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
        docker("create", f"--name={name}", f"--net={config['net']}", "--stop-signal=SIGKILL",
               *options, *labels, config["image"], *config["command"].split())
    expected = inspect(label)
    clean()
    Slipway.apply(f"{ID}-compose", write_step("compose", {name: config for name, (config, _) in configs.items()}))
    found = inspect(label)
    clean()
    for name, container in expected.items():
        for part in ("Config", "HostConfig", "Mounts"):
            # docker create attaches, as its user may want to start it that way.
            container["Config"].update(AttachStdin=False, AttachStdout=False, AttachStderr=False, StdinOnce=False)
            same(f"{name}: {part}", container[part], found[name][part])
    print(f"runtime: {len(expected)} containers with Compose's keys are those of docker create")


def compare_command_line():
    """What the two print and how they end, called by one name."""
    configs = {
        # Neither knows the last key, and both go on.
        f"{ID}-up": {**cases.UP, "environment": {"A": "1"}, "enviroment": {"A": "2"}},
        f"{ID}-tail": {**cases.UP, "command": ["sleep", "500"], "start_order": 1},
        # The last: what comes after a failure is not begun here, and is begun by paunch.
        f"{ID}-ends": {**cases.ENDS, "command": ["sh", "-c", "exit 7"], "start_order": 2},
    }
    os.symlink(SLIPWAY, f"{DIRECTORY}/paunch")
    seen = {}
    for tool in (Paunch, CalledPaunch):
        directory = write_step("line", configs)
        apply = tool.apply(f"{ID}-line", directory, check=False)
        said = {"a container ended with 7": (apply.stdout, apply.returncode)}
        for options in ("", "-f json", "-f json --noindent", "-f yaml", "-f value -c status -c container", "-f csv",
                        "-f csv --quote minimal", "--sort-column container", "-f value --sort-column container --sort-descending",
                        "--sort-column container --max-width 70", "--max-width 1", "--fit-width", "-c Config -c unknown", "--sort-column unknown"):
            told = tool.of_ids("list", *options.split()).stdout
            said[f"list {options}"] = sorted(told.split("\n")) if "json" not in options else json.loads(told)
        if isinstance(said["list -f json"], list):
            for options in ("-f json", "-f json --noindent"):
                said[f"list {options}"].sort(key=lambda row: row["container"])
        for action in ("dump-json", "dump-yaml"):
            debug = [*tool.command, "debug", "--default-runtime", "docker", "--file", directory, "--container", f"{ID}-up"]
            said[action] = run([*debug, "--action", action, "--user", "nobody", "--shell"]).stdout
        printed = run([*debug, "--config-id", "x", "--overrides", '{"command": "true"}']).stdout
        # In paunch's the label's value is not quoted, and nobody can run it.
        said["print-cmd"] = sorted(re.sub(r"--label '?config_data=.*?}'? |-[a-z0-9]{8} ", "", printed).split())
        said["delete"] = tool.of_ids("delete", f"{ID}-line").returncode
        said["deleted"] = tool.of_ids("list").stdout
        said["wrong usage"] = run([*tool.command, "apply", "--file", directory], check=False).returncode
        seen[tool.command[0]] = said
        clean()
    there, here = seen.values()
    for what, said in there.items():
        same(f"paunch's command line: {what}", said, here[what])
    print(f"runtime: called as paunch, {len(there)} answers are the same")


def compare_env_files():
    """Files of environment variables: the docker command and slipway take the same ones, and get the
    same variables from them."""
    files = {}
    for number, content in enumerate(env_files.CONTENTS):
        files[f"{ID}-env-{number}"] = path = f"{DIRECTORY}/env-file-{number}"
        with open(path, "wb") as file:
            file.write(content)
    there, here = {}, {}
    for name, path in files.items():
        done = docker("create", "--name", name, "--label", f"managed_by={ID}", "--env-file", path, cases.IMAGE, check=False)
        there[name] = environment(name) if done.returncode == 0 else "an error"
    clean()
    configs = {name: {**cases.UP, "env_file": path} for name, path in files.items()}
    taken = {name: config for name, config in configs.items() if there[name] != "an error"}
    # All that docker takes at once; where one of them is refused, each alone.
    sets = [taken] if Slipway.apply(f"{ID}-env", write_step("env-files", taken), check=False).returncode == 0 else []
    sets += [{name: config} for name, config in configs.items() if not sets or name not in taken]
    for one in sets:
        done = Slipway.apply(f"{ID}-env", write_step("env-files", one), check=False) if one is not taken else None
        refused = done is not None and done.returncode != 0
        here.update({name: "an error" if refused else environment(name) for name in one})
    clean()
    for content, name in zip(env_files.CONTENTS, files, strict=True):
        # With a NUL in a variable, docker makes a container that cannot start.
        has_nul = any("\0" in setting for setting in there[name])
        expected = "an error" if has_nul else there[name]
        same(f"the env_file {content[:60]!r}", expected, here[name])
    errors = list(there.values()).count("an error")
    print(f"runtime: {len(files)} files of environment variables are read as by docker run --env-file, {errors} of them errors")


def environment(container):
    """The variables of a container, without those of its image."""
    found = json.loads(docker("inspect", "--format", "{{json .Config.Env}}", container).stdout)
    return sorted(setting for setting in found or [] if not setting.startswith("PATH=/usr/local/sbin"))


def compare_scenario():
    """What happens to containers in the course of time."""
    seen = {}
    for tool in (Paunch, Slipway):
        seen[tool.name] = scenario.play(tool, ID, write_step, docker, inspect)
        clean()
    for moment, there in seen["paunch"].items():
        same(moment, there, seen["slipway"][moment])
    print(f"runtime: {len(seen['paunch'])} moments in the life of a set are the same")


def main():
    with open(f"{DIRECTORY}/env", "w", encoding="utf-8") as file:
        file.write("# a comment\nA=1\n\nFILE_VALUE=x y\nHOST_VALUE\nUNSET\n  INDENTED=1\n")
    with open(f"{DIRECTORY}/env2", "w", encoding="utf-8") as file:
        file.write("FILE_VALUE=second\n")
    with open(f"{DIRECTORY}/seccomp.json", "w", encoding="utf-8") as file:
        json.dump({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}, file)
    atexit.register(lambda: subprocess.run(["rm", "-r", DIRECTORY], check=False))
    atexit.register(docker, "rmi", "--force", f"{ID}:command", check=False)
    atexit.register(docker, "volume", "rm", "--force", f"{ID}-volume", check=False)
    atexit.register(clean)
    compare_keys()
    compare_env_files()
    compare_isolated_cpus()
    compare_compose()
    compare_scenario()
    compare_command_line()
    if differences:
        sys.exit(f"runtime: {differences} differences")


main()
