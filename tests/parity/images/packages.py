"""Prints the packages of `slipway images sbom --format json` on standard input, one a line."""

import json
import sys

for package in json.load(sys.stdin):
    words = [package.get(key, "-") for key in ("kind", "name", "version", "architecture", "location")]
    print(*words)
