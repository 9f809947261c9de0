"""Generates configuration files and has them read by oslo.config, with the options of a Kolla, and by
Slipway; prints where the two differ.

Usage: oslo.py OSLO_EXAMPLE CASES SEED, with Kolla's Python.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile

from kolla.common import config as kolla_config
from oslo_config import cfg

# Releases up to 12 want patterns on their command line.
REQUIRED = [option.dest for option in kolla_config._CLI_OPTS if option.required]
ARGUMENTS = ["."] * len(REQUIRED)
# The options whose defaults Slipway computes.
OTHERS = {"base", "base_tag", "base_image", "tag", "base_arch", "debian_arch",
          "namespace", "openstack_release", "openstack_release_codename",
          "openstack_branch", "openstack_branch_slashed", "buildkit", "network_mode", "engine", *REQUIRED}
KEYS = ["namespace", "registry", "tag", "template_override", "docker_dir", "regex", "threads", "retries",
        "push_threads", "timeout", "build_args", "rpm_setup_config", "allowed_to_fail", "push", "cache",
        "squash", "locals_base", "tarballs_base", "image_name_prefix", "maintainer", "summary_json_file",
        "install_type", "type", "infra_rename", "use_dumb_init", "no_such_option"]
WORDS = ["a", "b c", "x,y", "1", "0", "-3", "1_0", "+7", "true", "No", "ON", "maybe", "k:v", "k:v,l:w", "k",
         "$namespace", "${tag}", "$$x", "\\$y", "$", "${", "$1", "'q'", '"q', '" s "', "'", "a=b", "a:b", ",", ",,",
         "a,,b", " ", "${threads}", "$cache", "$build_args", "$regex", "${tarballs_base}/x", "#c", ";c", "é", "\u00a0n",
         "$missing", "$nova-base", "${locals_base}$registry"]
SOURCE_KEYS = ["type", "location", "reference", "enabled", "version", "sha256"]
SOURCE_WORDS = ["${version}", "$type/$namespace"]
USER_KEYS = ["uid", "gid", "group"]
# Slipway refuses install types that the release lacks, but not yet when it reads files.
RED_HATS = [kind for kind in ("rdo",) if kind in getattr(kolla_config, "INSTALL_TYPE_CHOICES", [])]
LINES = ["", "# comment", "; comment", "  continued", "\tcontinued, too", "nonsense", "[DEFAULT]", "[nova-base]",
         "[Nova-Base]", "[nova-user]", "[]", "[x", "= v", "[profiles]"]


def some_file(rng):
    lines = [] if rng.random() < 0.03 else ["[DEFAULT]"]
    for _ in range(rng.randrange(1, 9)):
        kind = rng.random()
        # Mostly files that can be read: a fault hides all else.
        if kind < 0.09:
            lines.append(rng.choice(LINES))
        elif kind < 0.2:
            lines += ["[%s]" % rng.choice(["nova-base", "NOVA-base"])]
            for _ in range(rng.randrange(1, 4)):
                key = rng.choice(SOURCE_KEYS)
                values = {"type": ["url", "git", "local", "zip"], "enabled": ["yes", "off", "2"],
                          "sha256": ["amd64:1", "amd64:1,arm64:2", "x"]}
                lines.append("%s = %s" % (key, rng.choice(values.get(key, WORDS + SOURCE_WORDS))))
            lines.append("[DEFAULT]")
        elif kind < 0.25:
            key = rng.choice(USER_KEYS)
            # No user has a negative number, and Slipway says so.
            words = [word for word in WORDS if key == "group" or not word.startswith("-")]
            lines += ["[nova-user]", "%s = %s" % (key, rng.choice(words)), "[DEFAULT]"]
        else:
            key = rng.choice(KEYS)
            plain = [word for word in WORDS if "$" not in word]
            if key in ("threads", "retries", "push_threads", "timeout"):
                words = ["1", "4", " 7 ", "1_0", "+2", "0", "-1", "x"] if rng.random() < 0.2 and key != "timeout" else ["1", "4", "12"]
            elif key == "install_type":
                words = ["source", "source", "binary"] if rng.random() < 0.9 else ["x", "$type"] + RED_HATS
            elif key in ("push", "cache", "squash", "infra_rename", "use_dumb_init"):
                words = ["true", "False", "on", "0", "YES"] + (["maybe"] if rng.random() < 0.1 else [])
            elif key == "build_args":
                words = ["k:v", "k:v,l:w", "k:a,b:c", "k:v:w", ""] + (["k"] if rng.random() < 0.2 else [])
            else:
                words = WORDS if rng.random() < 0.4 else plain
            lines.append(key + rng.choice([" = ", "=", ": ", "  =  "]) + rng.choice(words))
            if rng.random() < 0.1:
                lines.append(rng.choice(["  more", "\t, y"]))
    return rng.choice(["\n", "\n", "\r\n"]).join(lines) + rng.choice(["", "\n"])


def theirs(paths):
    conf = cfg.ConfigOpts()
    args = [argument for path in paths for argument in ("--config-file", path)]
    try:
        kolla_config.parse(conf, args + ARGUMENTS, prog="kolla-build", default_config_files=[])
        worth = {}
        for options in (kolla_config._CLI_OPTS, kolla_config._BASE_OPTS):
            for option in options:
                if option.dest not in OTHERS:
                    worth["DEFAULT." + option.dest] = conf[option.dest]
        for group, keys in (("nova-base", SOURCE_KEYS), ("nova-user", USER_KEYS)):
            for key in keys:
                if key in conf[group]:
                    worth[group + "." + key] = conf[group][key]
        return worth
    except (Exception, SystemExit) as error:
        return {"error": str(error)}


def only_known():
    """Leaves out of the files what the release does not know. Slipway knows every release's options."""
    conf = cfg.ConfigOpts()
    kolla_config.parse(conf, ARGUMENTS, prog="kolla-build", default_config_files=[])
    unreleased = [key for key in KEYS if key not in conf] + REQUIRED
    unreleased += [key for key in SOURCE_KEYS if key not in conf["nova-base"]]
    for words in (WORDS, SOURCE_WORDS):
        words[:] = [word for word in words if not set(re.findall(r"\$\{?(\w+)", word)) & set(unreleased)]
    others = ("install_type", "type", "no_such_option")
    KEYS[:] = [key for key in KEYS if key in others or key in conf and key not in REQUIRED]
    SOURCE_KEYS[:] = [key for key in SOURCE_KEYS if key in conf["nova-base"]]
    USER_KEYS[:] = [key for key in USER_KEYS if key in conf["nova-user"]]


def given(worth, texts):
    """Without what has a default: nobody said it."""
    return {key: value for key, value in worth.items()
            if key == "error" or any(key.split(".")[1] in text for text in texts)}


def main():
    example, cases, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    only_known()
    devnull = open(os.devnull, "w")
    different = faults = 0
    with tempfile.TemporaryDirectory() as directory:
        all_paths, all_texts = [], []
        for case in range(cases):
            texts = [some_file(rng) for _ in range(rng.choice([1, 1, 2]))]
            paths = []
            for index, text in enumerate(texts):
                paths.append(os.path.join(directory, "%d-%d.conf" % (case, index)))
                with open(paths[-1], "w", newline="", encoding="utf-8") as file:
                    file.write(text)
            all_paths.append(paths)
            all_texts.append(texts)
        said = subprocess.run([example] + [",".join(paths) for paths in all_paths],
                              stdout=subprocess.PIPE, check=True, encoding="utf-8")
        for paths, texts, line in zip(all_paths, all_texts, said.stdout.splitlines()):
            stderr, sys.stderr = sys.stderr, devnull
            want = given(theirs(paths), texts)
            sys.stderr = stderr
            have = given(json.loads(line), texts)
            faults += "error" in want
            if ("error" in want) != ("error" in have):
                pass
            elif "error" in want:
                continue
            elif all(have.get(key) == value for key, value in want.items()):
                continue
            different += 1
            print("differs:", *("--- %r" % text for text in texts), sep="\n")
            print("  oslo.config:", {k: v for k, v in want.items() if have.get(k) != v})
            print("  slipway:    ", {k: v for k, v in have.items() if want.get(k, v) != v or k == "error"})
    print("%d configurations (seed %d): %d read differently; %d have a fault, which both name"
          % (cases, seed, different, faults))
    sys.exit(1 if different else 0)


main()
