"""Generates regular expressions and has them searched for by Python's re and by Slipway; prints where
the two differ.

Usage: regex.py SEARCH_EXAMPLE CASES SEED
"""

import random
import re
import subprocess
import sys
import warnings

# Patterns of people's own configurations, and what the two syntaxes could read differently.
WRITTEN = ["^ironic(?!-neutron)", r"nova-api\Z", "a{", "a{b", "{}", "{,2}", "a{,2}", "a{2,}", "a{1,2}?", "a{3,1}", "^nova",
           "(nova|glance)-api$", "nova$", "(?i)NOVA", "(?i:N)ova", "(?P<a>n)(?P=a)", "(n)(?(1)o|x)", "(?<=a)b", "(?<!a)b", "[[]",
           "[]]", "[^]]", "[a-]", "[-a]", "[a-c&&b]", "[a--b]", "[!--]", r"[\w-]", r"[\]]", r"\.", r"\-", r"\<", r"\a", r"\101", r"\0",
           r"\08", r"\1", r"(a)\1", r"(a)\11", "a++b", "a*+", "a**", "a+*", "*a", "+", "?", "a|", "|a", "()", "(", ")", "(?:", "[", "[a",
           "(?#x)a", "(?x)a b", "(?x)a#b", "(?m)^a$", "(?s).", "(?a)a", "(?u)a", "(?L)a", "(?z)a", "(?<a>b)", r"\z", r"\G", r"\K", r"\h",
           r"\R", r"\e", r"\p{L}", r"\x4", r"\u12", r"\N", "a{1}{2}", "(?>a+)b", "^*", "$*", r"\b*", "(?=a)*", "x*?", r"[\d-z]", r"[\d-]", "[a-\\d]"]
PIECES = ["a", "b", "nova", "-", "api", ".", "^", "$", r"\d", r"\w", r"\W", r"\s", r"\b", r"\B", r"\A", r"\Z", "[ab]", "[^a-c]", "[-_]",
          r"[\w.]", "(a|b)", "(?:no)", "(?!a)", "(?=n)", "(?<=-)", "(?<!v)", "|", "*", "+", "?", "{2}", "{1,}", "{,1}", "{", "}", "]", "*?",
          "++", r"\n", r"\.", r"\-", "&", "~", "#", " ", "(?i)", "(?i:A)", "[[]", "é", r"\x61", r"(a)\1", ",", "0"]
TEXTS = ["nova-api", "aab", "a", "", "ironic-neutron-agent", "ironic-api", "a{b", "ab12", "é b", "a#b", "{,2}", "n-o_v a", "AAB", "[]&~"]


def theirs(pattern, text):
    try:
        found = re.search(pattern, text)
    except (re.error, OverflowError):
        return "error"
    if not found:
        return "none"
    return "%d %d" % tuple(len(text[:place].encode()) for place in found.span())


def main():
    warnings.simplefilter("ignore")
    cases, rng = int(sys.argv[2]), random.Random(int(sys.argv[3]))
    asked = [(pattern, text) for pattern in WRITTEN for text in TEXTS]
    for _ in range(cases):
        asked.append(("".join(rng.choice(PIECES) for _ in range(rng.randrange(1, 6))), rng.choice(TEXTS)))
    lines = "".join("%s\t%s\n" % pair for pair in asked)
    said = subprocess.run([sys.argv[1]], input=lines, stdout=subprocess.PIPE, check=True, encoding="utf-8").stdout.splitlines()
    different = errors = 0
    for (pattern, text), have in zip(asked, said, strict=True):
        want = theirs(pattern, text)
        errors += want == "error"
        # Python up to 3.10 takes a flag for the whole pattern inside of it.
        if want != have and not (want == "error" and "(?i)" in pattern[1:]):
            different += 1
            print("differs: %r on %r: re %s, slipway %s" % (pattern, text, want, have))
    print("build: %d regular expressions (seed %s): %d differ; %d are refused by both" % (len(asked), sys.argv[3], different, errors))
    sys.exit(1 if different else 0)


main()
