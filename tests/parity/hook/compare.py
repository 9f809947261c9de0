#!/usr/bin/env python3
"""Gives heat-agents' docker-cmd scripts and slipway the same deployments, and compares the results.

Usage: compare.py SLIPWAY HEAT_AGENTS_DOCKER_CMD [--verbose], with paunch on PYTHONPATH. Exits 1 where
the two differ.
"""

import atexit
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SLIPWAY, AGENTS = map(os.path.abspath, sys.argv[1:3])
VERBOSE = "--verbose" in sys.argv
IMAGE = "debian:trixie"
DIRECTORY = tempfile.mkdtemp(prefix="slipway-parity-hook-")
STACK = f"parity-hook-{os.getpid()}"
differences = 0


def docker(*arguments, check=True, **kw):
    return subprocess.run(["docker", *arguments], check=check, capture_output=True, text=True, **kw).stdout


def remove_all():
    ids = docker("ps", "-aq", "--filter", "label=managed_by=docker-cmd", check=False).split()
    if ids:
        docker("rm", "--force", "--volumes", *ids, check=False)


def clean():
    remove_all()
    shutil.rmtree(DIRECTORY, ignore_errors=True)


class Peer:
    name = "heat-agents"
    hook = [sys.executable, "-W", "ignore", f"{AGENTS}/install.d/hook-docker-cmd.py"]
    cleanup = [sys.executable, "-W", "ignore", f"{AGENTS}/os-refresh-config/configure.d/50-heat-config-docker-cmd"]


class Ours:
    name = "slipway"
    hook = [f"{DIRECTORY}/hook-docker-cmd.py"]
    cleanup = [f"{DIRECTORY}/50-heat-config-docker-cmd"]


def run(command, text="", **environment):
    environment = {**os.environ, "HEAT_DOCKER_CMD": "docker", **environment}
    done = subprocess.run(command, input=text, capture_output=True, text=True, env=environment, timeout=120)
    if VERBOSE:
        print(command[-1], done.returncode, done.stdout, done.stderr)
    return done


def containers():
    """The containers of the hooks, without what differs between two runs of one tool."""
    found = {}
    for one in docker("ps", "-aq", "--filter", "label=managed_by=docker-cmd").split():
        data = json.loads(docker("inspect", one))[0]
        labels = dict(data["Config"]["Labels"])
        labels["config_data"] = json.loads(labels["config_data"])
        # A further name for a container that cannot have its own ends at random.
        name = re.sub(r"-[a-z0-9]{8}$", "-RANDOM", data["Name"].lstrip("/"))
        found[name] = {
            "labels": labels, "command": data["Config"]["Cmd"], "env": sorted(data["Config"]["Env"] or []),
            "image": data["Config"]["Image"], "status": data["State"]["Status"],
            "exit_code": data["State"]["ExitCode"],
        }
    return found


def normal(response):
    """A response with each container's id replaced."""
    response = {key: re.sub(r"\b[0-9a-f]{64}\b", "ID", value) if isinstance(value, str) else value
                for key, value in response.items()}
    return response


def differ(case, what, theirs, ours):
    global differences
    if theirs == ours:
        return
    differences += 1
    print(f"{case}: {what} differs\n  heat-agents: {json.dumps(theirs, sort_keys=True)}\n"
          f"  slipway:     {json.dumps(ours, sort_keys=True)}")


def deployment(config, identifier="first", **inputs):
    given = {"deploy_stack_id": f"{STACK}/1", "deploy_resource_name": "Step1", **inputs}
    return {"id": f"{STACK}-{identifier}", "group": "docker-cmd", "name": "x", "config": config,
            "inputs": [{"name": name, "value": value} for name, value in given.items()]}


def long(command="sleep 600", **keys):
    return {"image": IMAGE, "command": command, "net": "none", "stop_signal": "SIGKILL", **keys}


def once(script, **keys):
    return {"image": IMAGE, "net": "none", "detach": False, "command": ["sh", "-c", script], **keys}


TWO = {"hook_a": long(environment=["A=b"]), "hook_b": long(start_order=2)}
OUTPUT = {
    "init": once("echo made; echo warned >&2", start_order=0),
    "up": long(start_order=1),
    "in": {"action": "exec", "command": ["up", "sh", "-c", "echo inside; echo loud >&2"], "start_order": 2},
}
YAML = f"hook_a:\n  image: {IMAGE}\n  command: sleep 600\n  stop_signal: SIGKILL\n  environment:\n  - A=b\n"

# Each case is a list of deployments, one after the other.
CASES = {
    "two containers": [deployment(TWO)],
    "config as YAML": [deployment(YAML)],
    "config as JSON text": [deployment(json.dumps(TWO))],
    "the same again": [deployment(TWO), deployment(TWO)],
    "one changed, one gone": [deployment(TWO), deployment({"hook_a": long(environment=["A=c"])})],
    "another id beside it": [deployment(TWO), deployment({"hook_c": long()}, "second")],
    "output of what ends, and of a command": [deployment(OUTPUT)],
    "several lines": [deployment({"hook_x": once("echo one; echo; echo ' two'; echo three >&2")})],
    "removed afterwards": [deployment({"hook_x": once("echo gone", remove=True)})],
    "another exit code that is success": [deployment({"hook_x": once("echo x; exit 3", exit_codes=[0, 3])})],
    "a failure": [deployment({"hook_x": once("echo out; echo bad >&2; exit 4")})],
    "a command's failure": [deployment({
        "up": long(), "in": {"action": "exec", "command": ["up", "sh", "-c", "echo y; exit 5"], "start_order": 2}})],
    "deletion": [deployment(TWO), deployment(TWO, deploy_action="DELETE")],
    "an empty object": [deployment({})],
    "an empty text": [deployment("")],
    "no config": [{"id": "x", "inputs": []}],
    "no inputs": [{"id": f"{STACK}-none", "config": {"hook_a": long()}}],
    "unknown keys": [deployment({"hook_a": long(imge="x", healthcheck={"test": "true", "retry": 3})})],
    "inputs that are not text": [deployment({"hook_a": long()}, deploy_stack_id=7, deploy_resource_name=True)],
}


def apply(side, deployments):
    """Gives the responses, the exit statuses and the containers at the end."""
    remove_all()
    forget()
    results = []
    for one in deployments:
        done = run(side.hook, json.dumps(one))
        response = normal(json.loads(done.stdout)) if done.stdout.strip() else None
        results.append((done.returncode, response))
    return results, containers()


def forget():
    """Removes slipway's record of what an earlier case did."""
    subprocess.run(f"rm -rf /var/lib/slipway/*/{STACK}-*", shell=True, check=False)


def hooks():
    for case, deployments in CASES.items():
        theirs, their_containers = apply(Peer, deployments)
        ours, our_containers = apply(Ours, deployments)
        for number, pair in enumerate(zip(theirs, ours), 1):
            differ(case, f"response {number}", *pair)
        differ(case, "the containers", their_containers, our_containers)


def cleanups():
    first, second = deployment({"hook_a": long(), "hook_b": long()}), deployment({"hook_c": long()}, "second")
    entry = lambda one, group="docker-cmd": {"id": one["id"], "group": group, "config": "", "inputs": []}
    files = {
        "all are known": [entry(first), entry(second)],
        "one is gone": [entry(second)],
        "one is of another group": [entry(first, "script"), entry(second)],
        "none is known": [],
        "invalid JSON": "[{",
        "no file": None,
    }
    for case, content in files.items():
        left = []
        for side in (Peer, Ours):
            remove_all()
            forget()
            # Made by paunch for both: slipway recognises what paunch started.
            for one in (first, second):
                run(Peer.hook, json.dumps(one))
            path = f"{DIRECTORY}/heat-config"
            if os.path.exists(path):
                os.unlink(path)
            if content is not None:
                with open(path, "w") as opened:
                    opened.write(content if isinstance(content, str) else json.dumps(content))
            done = run(side.cleanup, HEAT_SHELL_CONFIG=path)
            left.append((done.returncode, done.stdout, sorted(containers())))
        differ(f"clean-up, {case}", "what is left", *left)
    return len(files) + names(path, entry(second))


def names(path, known):
    """A second deployment of the same container: paunch 7 has the name conflict, paunch 2 to 6 gave the
    container a longer name, and so does slipway. The clean-up gives it its own name."""
    global differences
    remove_all()
    forget()
    for one in (deployment({"hook_a": long()}), deployment({"hook_a": long("sleep 601")}, "second")):
        run(Ours.hook, json.dumps(one))
    both = sorted(containers())
    with open(path, "w") as opened:
        json.dump([known], opened)
    run(Ours.cleanup, HEAT_SHELL_CONFIG=path)
    left = {name: one["command"] for name, one in containers().items()}
    if both != ["hook_a", "hook_a-RANDOM"] or left != {"hook_a": ["sleep", "601"]}:
        differences += 1
        print(f"clean-up, a name that becomes free: {both}, then {left}")
    return 1


def refusals():
    """Where heat-agents' scripts end with a traceback, slipway says what is wrong."""
    global differences
    cases = [
        ("not JSON", "nonsense", 2, "standard input"),
        ("no id", json.dumps({"config": {"hook_a": long()}}), 0, "id"),
        ("a missing container", json.dumps(deployment({"e": {"action": "exec", "command": ["nobody", "true"]}})), 0,
         "nobody"),
        ("a missing program", json.dumps(deployment({"hook_x": {"image": IMAGE, "command": "/missing"}})), 0, "/missing"),
    ]
    for case, text, status, words in cases:
        remove_all()
        done = run(Ours.hook, text)
        shown = done.stdout + done.stderr
        fails = done.returncode == status and words in shown
        if status == 0:
            response = json.loads(done.stdout)
            fails = fails and response["deploy_status_code"] != 0 and words in response["deploy_stderr"]
        if not fails:
            differences += 1
            print(f"refusal, {case}: exit status {done.returncode}, {shown}")
    return len(cases)


def warnings():
    """heat-agents has no word about an unknown key; slipway warns on standard error."""
    global differences
    remove_all()
    done = run(Ours.hook, json.dumps(deployment({"hook_a": long(imge="x")})))
    if "imge" not in done.stderr or json.loads(done.stdout)["deploy_status_code"] != 0:
        differences += 1
        print(f"warning: exit status {done.returncode}, {done.stdout} {done.stderr}")
    return 1


def main():
    # What a run that was cut off left behind is no one's.
    labels = docker("ps", "-a", "--filter", "label=managed_by=docker-cmd", "--format", "{{.Labels}}")
    if any("parity-hook-" not in of_one for of_one in labels.splitlines()):
        sys.exit("parity hook: error: this engine has containers of docker-cmd; they would be deleted")
    atexit.register(clean)
    for name in ("hook-docker-cmd.py", "50-heat-config-docker-cmd"):
        os.symlink(SLIPWAY, f"{DIRECTORY}/{name}")
    hooks()
    count = len(CASES) + cleanups() + refusals() + warnings()
    print(f"hook: {count} cases, {differences} differences")
    sys.exit(differences != 0)


main()
