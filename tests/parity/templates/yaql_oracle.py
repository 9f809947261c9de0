"""Evaluates YAQL expressions with Python's yaql, set up as Heat does it.

Reads lines of JSON, [expression, data], and writes a line for each: {"value": …, "sets": bool},
{"error": text}, or {"skip": text} where a limit of Python's, not the expression, ended it.
"""

import collections.abc  # noqa: F401  yaql counts on somebody having done so
import json
import math
import signal
import sys

import yaql
import yaql.standard_library.collections

ITEMS = int(sys.argv[1])


class Ordered(frozenset):
    """A frozenset in the order in which its members came: Python's own order means nothing, and an
    expression that takes the first of a set would come to anything."""

    def __new__(cls, members=()):
        order = list(dict.fromkeys(members))
        made = super().__new__(cls, order)
        made.order = order
        return made

    def __iter__(self):
        return iter(self.order)

    def union(self, other):
        return Ordered([*self, *other])

    def intersection(self, other):
        return Ordered(member for member in self if member in other)

    def difference(self, other):
        return Ordered(member for member in self if member not in other)

    def symmetric_difference(self, other):
        return Ordered([*self.difference(other), *(member for member in other if member not in self)])


yaql.standard_library.collections.frozenset = Ordered


class Slow(Exception):
    pass


class NoData(Exception):
    pass


def plain(value, sets):
    """The value as JSON has it; sets as lists, which have an order that means nothing."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**64:
            raise OverflowError("an integer that JSON readers cannot read")
        return value
    if isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            raise NoData("a number that JSON has not")
        return value
    if isinstance(value, dict):
        out = {}
        for key, item in value.items():
            if isinstance(key, bool):
                key = "true" if key else "false"
            elif key is None:
                key = "null"
            elif isinstance(key, (int, float)):
                key = repr(key)
            elif not isinstance(key, str):
                raise NoData("a key that is no string")
            out[key] = plain(item, sets)
        return out
    if isinstance(value, (set, frozenset)):
        sets.append(True)
        return [plain(item, sets) for item in value]
    if isinstance(value, (list, tuple)):
        return [plain(item, sets) for item in value]
    raise NoData(type(value).__name__)


def too_slow(*_):
    raise Slow()


def main():
    options = {"yaql.limitIterators": ITEMS, "yaql.memoryQuota": 100000000}
    engine = yaql.YaqlFactory().create(options)
    context = yaql.create_context()
    signal.signal(signal.SIGALRM, too_slow)
    for line in sys.stdin:
        expression, data = json.loads(line)
        sets = []
        signal.setitimer(signal.ITIMER_REAL, 5)
        try:
            result = engine(expression).evaluate(data, context.create_child_context())
            answer = {"value": plain(result, sets), "sets": bool(sets)}
            json.dumps(answer).encode()
        except (Slow, RecursionError, MemoryError, OverflowError) as error:
            answer = {"skip": type(error).__name__}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


main()
