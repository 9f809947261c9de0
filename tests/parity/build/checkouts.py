"""Makes git checkouts of a Kolla release, builds an image from each with its own kolla-build and with
Slipway called as kolla-build, and compares the version, the image's reference and its labels.

Usage: checkouts.py KOLLA_BUILD PREFIX RELEASE, with git, and Docker's command on PATH. KOLLA_BUILD is
Slipway by that name; PREFIX is where kolla-build of the release is installed. A checkout has the code
of the release and one image. Exits 1 where the two differ.
"""

import atexit
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

OURS, INSTALLED, RELEASE = sys.argv[1:]
MAJOR = int(RELEASE.split(".")[0])
WORK = tempfile.mkdtemp(prefix="slipway-parity-")
NAME = f"slipway-parity-checkouts-{os.getpid()}"
(SITE,) = glob.glob(f"{INSTALLED}/lib/python3.*/site-packages")
THEIRS = """import sys
from kolla.cmd.build import main
sys.argv[0] = "kolla-build"
sys.exit(main())
"""
DOCKERFILE = """FROM {{ base_image }}:{{ base_distro_tag }}
{% block labels %}{% endblock %}
LABEL own_version="{{ kolla_version }}" own_tag="{{ tag }}"
"""
# Commits with their tag, the oldest first; a depth; the address of origin.
CHECKOUTS = {
    "a release": ([("a", "{release}")], None, None),
    "a stable branch": ([("a", "{release}"), ("b", None), ("c", None)], None, "https://opendev.org/openstack/kolla"),
    "master, which begins at a release candidate": (
        [("a", "22.0.0.0rc1"), ("b\n\nSem-Ver: feature", None), ("c", None)], None, None),
    "an unmaintained branch": ([("a", "{release}"), ("b", "2024.1-eom"), ("c", None)], None, None),
    "a clone of depth 1": ([("a", "{release}"), ("b", None)], 1, None),
    "a clone without tags": ([("a", None), ("b", None)], None, None),
    "a fork": ([("a", "{release}"), ("b", None)], None, "https://user:secret@git.example.org/fork/kolla.git"),
}


def run(*command, cwd=None, environment=(), check=True):
    environment = {**os.environ, **dict(environment)}
    return subprocess.run(command, check=check, cwd=cwd, capture_output=True, text=True, env=environment)


def git(directory, *arguments):
    return run("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", directory, *arguments).stdout


def checkout(number, commits, depth, origin):
    """Makes a checkout; gives its directory."""
    place = f"{WORK}/{number}"
    shutil.copytree(f"{SITE}/kolla", f"{place}/kolla", ignore=shutil.ignore_patterns("docker", "__pycache__"))
    os.makedirs(f"{place}/docker/base")
    shutil.copy(macros(), f"{place}/docker/macros.j2")
    with open(f"{place}/docker/base/Dockerfile.j2", "w", encoding="utf-8") as file:
        file.write(DOCKERFILE)
    with open(f"{place}/setup.cfg", "w", encoding="utf-8") as file:
        file.write("[metadata]\nname = kolla\n")
    with open(f"{place}/.gitignore", "w", encoding="utf-8") as file:
        file.write("__pycache__\n")
    git(WORK, "init", "--quiet", place)
    git(place, "add", ".")
    for message, tag in commits:
        git(place, "commit", "--quiet", "--allow-empty", "--message", message)
        if tag:
            git(place, "tag", "--annotate", "--message", tag, tag.format(release=RELEASE))
    if depth:
        git(WORK, "clone", "--quiet", f"--depth={depth}", f"file://{place}", f"{place}-clone")
        place += "-clone"
    if origin:
        git(place, "remote", "add", "origin", origin)
    return place


def macros():
    (found,) = glob.glob(f"{INSTALLED}/share/kolla/docker/macros.j2") or glob.glob(f"{SITE}/kolla/docker/macros.j2")
    return found


def kolla_build(side, place, *arguments):
    """Runs one side's kolla-build of a checkout."""
    if side == "here":
        return run(OURS, *arguments, cwd=place, environment=[("SLIPWAY_KOLLA", place)], check=False)
    needs = f"{os.path.dirname(INSTALLED)}/kolla-needs-new"
    environment = [("PYTHONPATH", f"{place}:{needs}"), ("PYTHONDONTWRITEBYTECODE", "1")]
    return run("python3", "-W", "ignore", "-c", THEIRS, *arguments, cwd=place, environment=environment, check=False)


def answers(side, place, number):
    """The version, and the references and labels of the built image."""
    namespace = f"{NAME}/{number}-{side}"
    version = kolla_build(side, place, "--version")
    built = kolla_build(side, place, "--base", "debian", "--base-image", f"{NAME}/bb", "--base-tag", "1", "--nopull",
                        "--namespace", namespace, "^base$")
    images = run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={namespace}/*")
    references = images.stdout.split()
    found = run("docker", "inspect", "--format", "{{json .Config.Labels}}", *references) if references else None
    labels = json.loads(found.stdout.splitlines()[0]) if found else None
    # Slipway's own, and times.
    own = ("slipway.", "build-date", "org.opencontainers.image.created")
    labels = labels and {key: value for key, value in labels.items() if not key.startswith(own)}
    if not references:
        print(built.stdout + built.stderr)
    return {
        "version": version.stdout.strip(),
        "exit status": (version.returncode, built.returncode),
        "references": [reference.replace(namespace, "NAMESPACE") for reference in references],
        "labels": labels,
    }


def clean():
    images = run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={NAME}/*", check=False)
    deeper = run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={NAME}/*/*", check=False)
    left = images.stdout.split() + deeper.stdout.split()
    if left:
        run("docker", "rmi", "--force", *left, check=False)
    shutil.rmtree(WORK)


def main():
    atexit.register(clean)
    run("docker", "tag", "debian:trixie", f"{NAME}/bb:1")
    differences = 0
    for number, (name, (commits, depth, origin)) in enumerate(CHECKOUTS.items()):
        place = checkout(number, commits, depth, origin)
        there, here = (answers(side, place, number) for side in ("there", "here"))
        if MAJOR >= 22 and "org.opencontainers.image.revision" not in (there["labels"] or {}):
            sys.exit(f"build: {RELEASE}: {name}: kolla-build has no label with the revision")
        for what, expected in there.items():
            if expected != here[what] or not there["references"]:
                differences += 1
                print(f"DIFFERENT: {RELEASE}: {name}: {what}\n  there: {expected}\n  here:  {here[what]}")
    if differences:
        sys.exit(f"build: checkouts of kolla {RELEASE}: {differences} differences")
    print(f"build: {len(CHECKOUTS)} checkouts of kolla {RELEASE}: versions, tags and labels are the same")


main()
