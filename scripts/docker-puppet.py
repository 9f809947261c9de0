#!/usr/bin/env python
"""Runs Slipway in the place of docker-puppet.py and container-puppet.py.

TripleO runs /var/lib/docker-puppet/docker-puppet.py, or the same with "container", with a Python of
its choice, and writes that file anew from its templates. A link to the slipway binary cannot be run
so; this file can, with Python 2.7 and 3. docs/guide/from-docker-puppet.md says where it goes.

Slipway sees the name that this file was run under, its arguments and its environment. It is looked
for in $SLIPWAY, in PATH, in /usr/local/bin and in /usr/bin.
"""

import os
import sys

NAMES = ("docker-puppet.py", "container-puppet.py")


def candidates():
    if os.environ.get("SLIPWAY"):
        return [os.environ["SLIPWAY"]]
    directories = os.environ.get("PATH", "").split(os.pathsep)
    directories += ["/usr/local/bin", "/usr/bin"]
    return [os.path.join(directory, "slipway") for directory in directories if directory]


def main():
    name = os.path.basename(sys.argv[0])
    if name not in NAMES:
        name = NAMES[0]
    for binary in candidates():
        if os.access(binary, os.X_OK) and not os.path.isdir(binary):
            os.execv(binary, [name] + sys.argv[1:])
    sys.stderr.write(
        "%s: error: there is no slipway in %s: install it, or set SLIPWAY to the binary\n"
        % (name, ", ".join(candidates()))
    )
    sys.exit(127)


if __name__ == "__main__":
    main()
