"""Prints each file of an image, from the archive of docker export on standard input, as JSON lines.

A line is [path, kind, mode, owner, contents]. A hard link is the file that it is a name of.
"""

import hashlib
import json
import sys
import tarfile

found = {}
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
    for entry in archive:
        if entry.name == ".dockerenv":
            continue
        record = [entry.mode, f"{entry.uid}:{entry.gid}"]
        if entry.isreg():
            record = ["file", *record, hashlib.sha256(archive.extractfile(entry).read()).hexdigest()]
        elif entry.islnk():
            record = found[entry.linkname]
        elif entry.issym():
            record = ["symlink", *record, entry.linkname]
        elif entry.isdir():
            record = ["directory", *record, ""]
        else:
            record = ["special", *record, ""]
        found[entry.name] = record
for path, record in sorted(found.items()):
    print(json.dumps(["/" + path, *record]))
