"""Compares what Heat and Slipway made of the same templates.

Usage: compare.py HEAT.json SLIPWAY.json

Where Heat has a result, ours must be equal; where Heat has an error, we must have one.
"""

import json
import sys


def difference(theirs, ours, path=''):
    """The first place where two results differ."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            if key not in ours:
                return f'{path}.{key} is missing'
            if key not in theirs:
                return f'{path}.{key} is too much'
            found = difference(theirs[key], ours[key], f'{path}.{key}')
            if found:
                return found
        return None
    if isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours):
            return f'{path} has {len(ours)} elements, not {len(theirs)}'
        return next(filter(None, (difference(a, b, f'{path}[{n}]')
                                  for n, (a, b) in enumerate(zip(theirs, ours)))), None)
    # As JSON: true is not 1, and 1 is not 1.0.
    if json.dumps(theirs) != json.dumps(ours):
        return f'{path} is {ours!r:.200}, not {theirs!r:.200}'
    return None


def documents(path):
    """All objects of a file, which has one for each command that a long list took."""
    found, at = {}, 0
    with open(path) as opened:
        text = opened.read().strip()
    while at < len(text):
        document, at = json.JSONDecoder().raw_decode(text, at)
        found |= document
        while text[at:at + 1].isspace():
            at += 1
    return found


heat, slipway = documents(sys.argv[1]), documents(sys.argv[2])

equal, refused, wrong = 0, 0, []
for name, theirs in heat.items():
    if 'error' in theirs:
        if name in slipway:
            wrong.append(f'{name}: Heat has an error: {theirs["error"]:.200}')
        refused += 1
    elif name not in slipway:
        wrong.append(f'{name}: not resolved, and Heat resolves it')
    else:
        found = difference(theirs['outputs'], slipway[name])
        if found:
            wrong.append(f'{name}: {found}')
        equal += not found

for line in wrong[:20]:
    print(line, file=sys.stderr)
print(f'{equal} of {len(heat)} equal, {refused} refused by both' if not wrong
      else f'{len(wrong)} of {len(heat)} differ')
sys.exit(bool(wrong))
