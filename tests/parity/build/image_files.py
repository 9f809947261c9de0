"""Prints each file of an image's file system, from the archive of docker export on standard input.

One line a file: type, mode, owner, group, size, digest, name, target of a link. Times are left out, and
so are the files whose contents depend on the time or on the order of a build.
"""

import hashlib
import re
import sys
import tarfile

# Logs and caches of package managers, and what an engine puts into a container.
UNSTABLE = re.compile(
    r"(var/(log|cache|lib/(apt|dpkg))/|.*/__pycache__/|(\.dockerenv|etc/(hostname|hosts|resolv\.conf|mtab))$|dev/)"
    r"|etc/(passwd|group|shadow|gshadow)-$"
)


def main():
    lines = []
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        for entry in archive:
            if UNSTABLE.match(entry.name):
                continue
            digest = "-"
            if entry.isreg():
                contents = archive.extractfile(entry).read()
                # Days since 1970 on which a password was changed.
                if entry.name in ("etc/shadow",):
                    contents = re.sub(rb"(?m)^([^:]*:[^:]*:)\d+", rb"\1", contents)
                digest = hashlib.sha256(contents).hexdigest()[:16]
            size = entry.size if entry.isreg() else 0
            lines.append(
                f"{entry.type.decode()} {entry.mode:o} {entry.uid} {entry.gid} {size} {digest}"
                f" {entry.name} {entry.linkname}"
            )
    print("\n".join(sorted(lines, key=lambda line: line.split(" ")[6])))


main()
