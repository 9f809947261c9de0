"""Gives every option of kolla-build 23.0.0, by each of its names, to `slipway build` and to Slipway
called as kolla-build: it is accepted, ignored with a warning, or refused.

Usage: every_option.py SLIPWAY KOLLA_BUILD, with Kolla's Python.
"""

import os
import subprocess
import sys
import tempfile

from kolla.common import config as kolla_config
from oslo_config import cfg

# Options that are refused, and those that are accepted with a warning.
REFUSED = {"shell_completion"}
IGNORED = {"buildkit_builder"}
# What these take; the others take any text.
VALUES = {"base": "debian", "base_arch": "x86_64", "build_args": "a:b", "debian_arch": "amd64",
          "engine": "docker", "format": "none", "profile": "main", "push_threads": "2", "retries": "2",
          "threads": "2", "timeout": "60"}
FILES = {"config_file": "[DEFAULT]\n", "repos_yaml": "{}\n", "template_override": "{% extends parent_template %}\n"}
DIRECTORIES = {"config_dir", "docker_dir", "locals_base", "logs_dir", "patches_path", "work_dir"}


def value(option, directory):
    path = os.path.join(directory, option)
    if option in DIRECTORIES:
        os.makedirs(path, exist_ok=True)
    elif option in FILES:
        with open(path, "w", encoding="utf-8") as file:
            file.write(FILES[option])
    elif option not in ("save_dependency", "summary_json_file"):
        return VALUES.get(option, "x")
    return path


def main():
    programs = [[os.path.abspath(sys.argv[1]), "build"], [sys.argv[2]]]
    conf = cfg.ConfigOpts()
    kolla_config.parse(conf, [], prog="kolla-build", default_config_files=[])
    # The images that come with Slipway are read sooner than Kolla's.
    bundled = {name: text for name, text in os.environ.items() if name != "SLIPWAY_KOLLA"}
    tried, wrong = 0, []
    with tempfile.TemporaryDirectory() as directory:
        for option in conf._oparser._actions:
            for name in option.option_strings:
                if option.dest in ("help", "version"):
                    continue
                given = [name] if option.nargs == 0 else [name, value(option.dest, directory)]
                for program in programs:
                    # After it, so that nothing is built or rendered.
                    done = subprocess.run(program + given + ["--notemplate-only", "--list-images"], cwd=directory,
                                          env=os.environ if option.dest == "profile" else bundled,
                                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
                    tried += 1
                    said = [line for line in done.stderr.splitlines() if not line.startswith("INFO:")]
                    if option.dest in REFUSED:
                        is_right = done.returncode == 2 and option.dest + ": not available" in done.stderr
                    elif option.dest in IGNORED:
                        is_right = done.returncode == 0 and option.dest + ": has no effect" in done.stderr
                    else:
                        is_right = done.returncode == 0 and not said
                    if not is_right:
                        wrong.append("%s %s: %s" % (program[-1], name, done.stderr or done.stdout))
    print("\n".join(wrong), end="")
    print("build: %d options on two command lines, %d not taken" % (tried // 2, len(wrong)))
    sys.exit(bool(wrong) or tried < 150)


main()
