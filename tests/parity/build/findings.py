"""Builds a small tree of images with kolla-build and with Slipway called as kolla-build, and compares
what both leave: the log, the summary, the exit status, and the images' labels and files.

Usage: findings.py KOLLA_BUILD PREFIX RELEASE, with Docker's command on PATH. KOLLA_BUILD is Slipway by
that name; PREFIX is where kolla-build of the release is installed. A copy of it has the small tree in
place of the release's own templates. Exits 1 where the two differ.
"""

import atexit
import contextlib
import glob
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading

OURS, INSTALLED, RELEASE = sys.argv[1:]
MAJOR = int(RELEASE.split(".")[0])
WORK = tempfile.mkdtemp(prefix="slipway-parity-")
PREFIX = f"{WORK}/prefix"
NAME = f"slipway-parity-findings-{os.getpid()}"
NAMESPACES = {"there": f"{NAME}/there", "here": f"{NAME}/here"}
PROGRAMS = {
    "there": [f"{PREFIX}/bin/python", "-W", "ignore", f"{PREFIX}/bin/kolla-build"],
    "here": [OURS],
}
differences = 0

FROM_BASE = "FROM {{ namespace }}/{{ image_prefix }}base:{{ tag }}\n"
# No step runs in a container but the one that fails: steps are slow.
TREE = {
    "base/Dockerfile.j2": "FROM {{ base_image }}:{{ base_distro_tag }}\n{% block labels %}{% endblock %}\n",
    "x/hx-arch/Dockerfile.j2": FROM_BASE + "ADD additions-archive /\n",
    "x/hx-arch/additions/f": "f\n",
    "x/hx-arch/additions/below/g": "g\n",
    "x/hx-plug/Dockerfile.j2": FROM_BASE + "ADD plugins-archive /\n",
    "x/hx-plug/plugins/p": "p\n",
    "x/hx-ext/Dockerfile.j2": "FROM {{ namespace }}/{{ image_prefix }}elsewhere:{{ tag }}\nLABEL own=ext\n",
    "x/hx-own/Dockerfile.j2": FROM_BASE + "ADD hx-own-archive /src\n",
    "x/hx-own-child/Dockerfile.j2": "FROM {{ namespace }}/{{ image_prefix }}hx-own:{{ tag }}\nLABEL own=child\n",
    "x/hx-fail/Dockerfile.j2": FROM_BASE + "RUN echo some words; exit 3\n",
    "x/hx-fail-child/Dockerfile.j2": "FROM {{ namespace }}/{{ image_prefix }}hx-fail:{{ tag }}\nLABEL own=child\n",
    # A name that releases know to be unbuildable on CentOS and Rocky.
    "hacluster/hacluster-pcs/Dockerfile.j2": FROM_BASE + "LABEL own=pcs\n",
}
OVERRIDE = """{% extends parent_template %}
{% block labels %}
LABEL org.opencontainers.image.licenses="Own" org.opencontainers.image.url="https://example.org/"
LABEL org.opencontainers.image.version="7" org.opencontainers.image.created="then" own="1"
{% endblock %}
"""
SETTINGS = {
    "base": "ubuntu",
    "base_image": f"{NAME}/bb",
    "base_tag": "1",
    "tag": "t",
    "pull": "false",
    "network_mode": "none",
    "cache": "false",
    "retries": "0",
}


def install():
    """The release with the small tree."""
    tree = "share/kolla/docker" if MAJOR < 23 else "lib/python3.*/site-packages/kolla/docker"
    shutil.copytree(INSTALLED, PREFIX, symlinks=True)
    (tree,) = glob.glob(f"{PREFIX}/{tree}")
    (needs,) = glob.glob(f"{PREFIX}/lib/python3.*/site-packages/needs.pth")
    with open(needs, "w", encoding="utf-8") as file:
        file.write(f"{os.path.dirname(INSTALLED)}/kolla-needs-{'old' if MAJOR <= 12 else 'new'}\n")
    os.rename(f"{tree}/macros.j2", f"{WORK}/macros.j2")
    shutil.rmtree(tree)
    for path, text in TREE.items():
        path = f"{tree}/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    os.rename(f"{WORK}/macros.j2", f"{tree}/macros.j2")


def docker(*arguments, check=False):
    return subprocess.run(["docker", *arguments], check=check, capture_output=True, text=True).stdout


def clean():
    left = docker("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={NAME}/*/*").split()
    left += docker("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={NAME}/*").split()
    left += docker("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference=127.0.0.1:1/{NAME}/*/*").split()
    if left:
        docker("rmi", "--force", *left)
    subprocess.run(["rm", "-r", WORK], check=False)


def run(side, case, settings="", arguments=(), environment=()):
    """Runs one side's kolla-build; gives its answers."""
    namespace, summary = NAMESPACES[side], f"{WORK}/{side}.json"
    configuration = f"{WORK}/{side}.conf"
    with contextlib.suppress(FileNotFoundError):
        os.remove(summary)
    own = {**SETTINGS, "namespace": namespace}
    if MAJOR >= 14:
        own["summary_json_file"] = summary
    if MAJOR <= 14:
        own["install_type"] = "source"
    if MAJOR >= 23:
        own["buildkit"] = "false"
    with open(configuration, "w", encoding="utf-8") as file:
        file.write("[DEFAULT]\n" + "".join(f"{key} = {value}\n" for key, value in own.items()) + settings)
    as_json = ["--format", "json"] if MAJOR < 14 else []
    done = subprocess.run([*PROGRAMS[side], "--config-file", configuration, *as_json, *arguments], check=False,
                          cwd=WORK, capture_output=True, text=True, env={**os.environ, "SLIPWAY_KOLLA": PREFIX, **dict(environment)})
    if os.environ.get("FINDINGS") == case:
        print(f"--- {case} {side}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    stdout, found = done.stdout, None
    if MAJOR >= 14 and os.path.exists(summary):
        with open(summary, encoding="utf-8") as file:
            found = json.load(file)
    elif MAJOR < 14 and stdout.startswith("{"):
        found, stdout = json.loads(stdout), ""
    return {
        # An invalid file is a traceback there, and 2 here.
        "exit status": 1 if done.returncode == 2 else done.returncode,
        "summary": normal_summary(found),
        # The order of lists is that of directories on the disk.
        "stdout": sorted(re.sub(r"^\d+ : ", "", line) for line in normal(stdout).splitlines()),
        "log": log(done.stderr),
    }


def normal_summary(found):
    """The summary without digests, and in order. kolla-build says of a failed image's children that
    they matched."""
    for image in (found or {}).get("built", []):
        image.pop("digest", None)
    for image in (found or {}).get("failed", []):
        image["status"] = image["status"].replace("matched", "parent_error")
    for images in (found or {}).values():
        images.sort(key=lambda image: image["name"])
    return found


def normal(text):
    """Takes out what no two runs have in common."""
    for namespace in NAMESPACES.values():
        text = text.replace(namespace, "NAMESPACE")
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?", "TIME", text)
    text = text.replace("Failed with status: matched", "Failed with status: parent_error")
    text = re.sub(r"Exception caught: .*", "Exception caught: REASON", text)
    text = re.sub(r"took \d+:\d\d:\d\d(\.\d+)?", "took SPAN", text)
    text = re.sub(r"\b([0-9a-f]{64}|[0-9a-f]{12})\b", "ID", text)
    return re.sub(rf"(/tmp/kolla-|{PREFIX})\S*", "DIRECTORY", text)


def log(stderr):
    """The lines of the log, of level INFO and above. Those of one image are in order; images are built
    at the same time."""
    lines = [line for line in normal(stderr).splitlines() if re.match(r"(INFO|WARNING|ERROR|CRITICAL):\S+?:", line)]
    return sorted(line for line in lines if not is_left_out(line))


# What the two need not have in common; docs/reference/differences.md says why.
LEFT_OUT = re.compile(
    # The engine's words about steps and layers. docker-py keeps them from kolla-build until a build
    # has failed, and then they are errors.
    r"INFO:\S+?:( ---> |Step \d|Removing intermediate|Successfully (built|tagged) |\[Warning\]|The push refers|some words)"
    # The report of a failed image, but its heading.
    r"|ERROR:kolla\.common\.utils\.\S+?:(?!Unknown container engine|Error'd with|Parent image)"
    # Kolla's children of a failed image are never built, and nothing is said of them.
    r"|ERROR:\S+?:Parent image error'd"
    # Kolla unpacks archives where images are built.
    r"|INFO:\S+?:Directory \S+ already exist"
    # Ours: why an image is built, unmatched patterns, and the counts at the end.
    r"|INFO:kolla\.common\.utils\.\S+?:(--nocache|it was not built|not built yet)"
    r"|WARNING:\S+?:no image matches |INFO:\S+?:(\d+ built, |nothing has changed)"
)


def is_left_out(line):
    return LEFT_OUT.match(line) is not None


def labels(image):
    """The labels of a built image, without those of Slipway alone and times."""
    found = docker("inspect", "--format", "{{json .Config.Labels}}", image)
    found = json.loads(found.strip() or "null") or {}
    own = ("slipway.", "build-date")
    return {key: normal(value) for key, value in found.items() if not key.startswith(own)}


def files(image):
    """What archives put into an image."""
    container = docker("create", image, "true").strip()
    if not container:
        return None
    exported = subprocess.run(["docker", "export", container], check=True, capture_output=True).stdout
    docker("rm", container)
    with tarfile.open(fileobj=io.BytesIO(exported)) as archive:
        return sorted(member.name for member in archive if member.name.startswith(("additions", "plugins")))


def same(case, there, here):
    global differences
    for what in there:
        if there[what] == here[what]:
            continue
        differences += 1
        print(f"DIFFERENT: {RELEASE}: {case}: {what}")
        if isinstance(there[what], dict) and isinstance(here[what], dict):
            for key in sorted({*there[what], *here[what]}):
                if there[what].get(key) != here[what].get(key):
                    print(f"  {key}: there: {there[what].get(key)}\n  {key}: here:  {here[what].get(key)}")
        elif isinstance(there[what], list):
            for line in there[what]:
                if line not in here[what]:
                    print(f"  there: {line}")
            for line in here[what]:
                if line not in there[what]:
                    print(f"  here:  {line}")
        else:
            print(f"  there: {there[what]}\n  here:  {here[what]}")


def compare(case, settings="", arguments=(), environment=(), images=(), heading=True):
    """Runs both, and compares their answers, and the labels and files of the images. A source that
    cannot be fetched has no heading there."""
    answers = {}
    for side in PROGRAMS:
        answers[side] = answer = run(side, case, settings, arguments, environment)
        if not heading:
            answer["log"] = [line for line in answer["log"] if not re.match(r"ERROR:\S+?:(Unknown cont|Error'd)", line)]
        references = {image: f"{NAMESPACES[side]}/{prefixed(image)}:t" for image in images}
        answers[side]["labels"] = {image: labels(reference) for image, reference in references.items()}
        answers[side]["files"] = {image: files(reference) for image, reference in references.items()}
    same(case, *answers.values())
    return answers


def prefixed(image):
    return image if MAJOR >= 13 else f"ubuntu-source-{image}"


class Missing(http.server.BaseHTTPRequestHandler):
    """Has nothing."""

    def do_GET(self):  # noqa: N802
        self.send_error(404)

    def log_message(self, *_):
        pass


def main():
    atexit.register(clean)
    install()
    with open(f"{WORK}/labels.j2", "w", encoding="utf-8") as file:
        file.write(OVERRIDE)
    docker("tag", "debian:trixie", f"{NAME}/bb:1", check=True)
    for namespace in NAMESPACES.values():
        docker("tag", "debian:trixie", f"{namespace}/{prefixed('elsewhere')}:t", check=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Missing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/x.tar.gz"

    good = ("^hx-arch$", "^hx-plug$", "^hx-ext$")
    names = ("base", "hx-arch", "hx-plug", "hx-ext")
    compare("a build that succeeds", arguments=good, images=names)
    compare("labels of an override", arguments=("--template-override", f"{WORK}/labels.j2", "^hx-arch$"), images=names[:2])
    compare("existing images are skipped", arguments=("--skip-existing", *good))
    compare("parents are skipped", arguments=("--skip-parents", "^hx-arch$"))
    compare("existing images are not listed", arguments=("--skip-existing", "--list-images", "^hx"))
    compare("a build that fails", arguments=("^hx-fail", "^hx-arch$"))
    compare("nothing is chosen", arguments=("no-such-image",))
    compare("an image that the release does not build", f"[DEFAULT]\nbase = {'centos' if MAJOR < 15 else 'rocky'}\n",
            ("--skip-parents", "^hacluster-pcs$"))
    own = ("^hx-own", "^hx-arch$")
    compare("a source that is nowhere", arguments=own)
    compare("a source without a type", f"[hx-own]\nlocation = {url}\n", own, heading=False)
    compare("a source that is missing", f"[hx-own]\ntype = url\nlocation = {url}\n", own, heading=False)
    compare("a source of an unknown type", f"[hx-own]\ntype = zip\nlocation = {url}\n", own)
    # Releases before do not know the option.
    if MAJOR >= 14:
        compare("a source that is disabled", f"[hx-own]\ntype = url\nlocation = {url}\nenabled = false\n", own, heading=False)
    if MAJOR >= 12:
        compare("a failure that is allowed", "[DEFAULT]\nallowed_to_fail = hx-fail\n", ("^hx-fail", "^hx-arch$"))
    compare("an addition that is missing", f"[hx-arch-additions-x]\ntype = url\nlocation = {url}\n", ("^hx-arch$",), heading=False)
    compare("a plugin that is missing", f"[hx-plug-plugin-x]\ntype = url\nlocation = {url}\n", ("^hx-plug$",), heading=False)
    compare("a registry that does not answer", arguments=("--registry", "127.0.0.1:1", "--push", "^base$"))
    compare("an engine that does not answer", arguments=good, environment=[("DOCKER_HOST", f"unix://{WORK}/none.sock")])
    # Releases before refuse the option.
    if MAJOR >= 11:
        compare("the summary is not asked for", arguments=("--nosummary", "^hx-fail$"))
    compare("quiet", arguments=("--quiet", "^hx-fail$"))
    if differences:
        sys.exit(f"build: kolla {RELEASE}: {differences} differences")
    print(f"build: kolla {RELEASE}: builds of a small tree are the same")


main()
