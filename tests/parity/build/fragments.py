"""Generates fragments of template overrides: expressions and statements of Jinja2 over Python's values.

Usage: fragments.py --cases N --seed N DIRECTORY

Writes N overrides, each with one fragment, into DIRECTORY. The same seed gives the same fragments.
Fragments whose result is an object's address or chance are not generated.
"""
import argparse
import pathlib
import random
import types

TEXTS = ["''", "'a'", "'abc'", "'a b  c'", "'a,b,,c'", "'Ab-cD'", "' x '", "'1'", "'-12'", "'3.50'", "'é'",
         "'ß日'", "'it\\'s'", "'q\"q'", "'a\\nb\\n\\nc\\n'", "'tab\\tx'", "'\\x41\\u00e9'", "'a' 'b'", "'%'",
         "'{}'", "'<b>&x</b>'", "'http://x/?a=b c'", "'hello world foo'", "image_name", "base_distro", "tag"]
WHOLE = ["0", "1", "2", "3", "7", "-1", "-5", "10", "255", "1_000", "0x1f", "0b101", "0o17", "2**40"]
REAL = ["0.0", "1.0", "1.5", "2.25", "-3.7", "1e3", "1e16", "1e-5", "0.1", "3.14159", "2.5"]
MISSING = ["nope", "nope.x", "env.NOPE", "({'a': 1}).b", "('a' if false)"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *choices):
        choice = self.random.choice(choices)
        # Methods are chosen to be called with a depth.
        return choice() if isinstance(choice, types.FunctionType) else choice

    def value(self, depth):
        return self.one(*[lambda kind=kind: kind(depth) for kind in (
            self.text, self.text, self.whole, self.real, self.boolean, self.list, self.list, self.tuple,
            self.dict, self.anything)])

    def anything(self, depth):
        return self.one("none", "true", "false", *MISSING[:2])

    def simple(self):
        return self.one(*TEXTS, *WHOLE, *REAL, "none", "true", "false")

    def boolean(self, depth):
        if depth <= 0:
            return self.one("true", "false")
        value, other = self.value, self.value
        return self.one(
            lambda: f"{self.text(0)} {self.one('in', 'not in')} {self.one(self.text, self.texts)(0)}",
            lambda: f"({value(0)} {self.one('==', '!=')} {other(depth - 1)})",
            lambda: f"{self.number(0)} {self.one('<', '<=', '>', '>=')} {self.number(depth - 1)}",
            lambda: f"{self.number(0)} < {self.number(0)} <= {self.number(0)}",
            lambda: f"not {value(depth - 1)}",
            lambda: f"({value(0)} is {self.one('', 'not ')}{self.test()})",
            lambda: f"({self.text(0)}).{self.one('isdigit', 'isalpha', 'isupper', 'islower', 'isspace', 'istitle', 'isalnum', 'isidentifier')}()",
            lambda: f"({self.text(0)}).{self.one('startswith', 'endswith')}({self.one(self.text(0), repr(('a', 'c')))})",
        )

    def test(self):
        return self.one("string", "number", "integer", "float", "boolean", "mapping", "sequence", "iterable",
                        "none", "defined", "undefined", "true", "false", "callable", "lower", "upper",
                        "in ['a', 1]", "eq 1", "ne 'a'", "sameas none", "escaped", "filter", "test")

    def number(self, depth):
        return self.one(self.whole, self.real)(depth)

    def whole(self, depth):
        if depth <= 0:
            return self.one(*WHOLE)
        return self.one(
            lambda: f"({self.whole(depth - 1)} {self.one('+', '-', '*', '//', '%')} {self.whole(0)})",
            lambda: f"({self.collection(depth - 1)})|{self.one('length', 'count')}",
            lambda: f"({self.value(0)})|int{self.one('', '(7)', '(0, 16)', '(default=3)')}",
            lambda: f"({self.text(0)}).{self.one('find', 'rfind', 'count', 'index')}({self.one(*TEXTS[1:4])})",
            lambda: f"(-{self.whole(0)})|abs",
            lambda: f"{self.list_of(self.whole)}|sum",
            lambda: f"({self.text(0)})|wordcount",
            lambda: f"({self.list(0)}).{self.one('index', 'count')}({self.one(*WHOLE)})",
            lambda: f"(2 ** {self.one('0', '3', '10')})",
        )

    def real(self, depth):
        if depth <= 0:
            return self.one(*REAL)
        return self.one(
            lambda: f"({self.number(depth - 1)} {self.one('+', '-', '*', '/')} {self.number(0)})",
            lambda: f"({self.real(0)})|round{self.one('', '(1)', '(2)', '(0, %s)' % repr('floor'), '(1, %s)' % repr('ceil'))}",
            lambda: f"({self.value(0)})|float{self.one('', '(2.5)')}",
            lambda: f"(2 ** {self.one('-1', '0.5')})",
        )

    def text(self, depth):
        if depth <= 0:
            return self.one(*TEXTS)
        inner = lambda: self.text(depth - 1)
        letter = lambda: self.one("'a'", "'b'", "','", "' '", "'-'", "'x'")
        return self.one(
            lambda: f"({inner()} ~ {self.value(0)} ~ {self.value(depth - 1)})",
            lambda: f"({inner()} + {self.text(0)})",
            lambda: f"({inner()} * {self.one('0', '2', '3')})",
            lambda: f"({inner()})[{self.slice()}]",
            lambda: f"({inner()}).{self.one('upper', 'lower', 'title', 'capitalize', 'swapcase', 'strip', 'lstrip', 'rstrip', 'casefold', 'expandtabs')}()",
            lambda: f"({inner()}).{self.one('strip', 'lstrip', 'rstrip', 'removeprefix', 'removesuffix')}({letter()})",
            lambda: f"({inner()}).replace({letter()}, {self.text(0)}{self.one('', ', 1')})",
            lambda: f"({inner()}).{self.one('ljust', 'rjust', 'center')}({self.one('5', '8')}{self.one('', ', %s' % repr('.'))})",
            lambda: f"({inner()}).zfill({self.one('3', '6')})",
            lambda: f"({letter()}).join({self.texts(depth - 1)})",
            lambda: f"({self.value(depth - 1)})|{self.text_filter()}",
            lambda: f"({self.one(self.list, self.texts)(depth - 1)})|join({self.one('', letter())})",
            lambda: self.percent(),
            lambda: self.format(),
            lambda: f"({self.value(depth - 1)})|tojson{self.one('', '(indent=2)')}",
            lambda: f"({self.value(0)})|{self.one('default', 'd')}({self.text(0)}{self.one('', ', true', ', boolean=true')})",
            lambda: f"({inner()} if {self.boolean(0)} else {self.text(0)})",
            lambda: f"({self.value(0)} or {inner()})",
        )

    def text_filter(self):
        return self.one("upper", "lower", "title", "capitalize", "trim", "string", "e", "forceescape", "striptags",
                        "urlencode", "center(9)", "replace('a', 'zz')", "replace('b', '', 1)", "indent", "indent(2, true)",
                        "indent('--')", "indent(2, blank=true)", "truncate(6)", "truncate(5, true, '..', 0)",
                        "wordwrap(5)", "wordwrap(4, false)", "reverse" , "pprint", "trim('a')")

    def percent(self):
        form = self.one("%s", "%r", "%5s", "%-6s|", "%.2s")
        number = self.one("%d", "%05d", "%+d", "%x", "%X", "%o", "%#x", "%5.1f|", "%.2f", "%e", "%g", "%c", "% d", "%i")
        return self.one(
            lambda: f"('{form}' % {self.value(0)})",
            lambda: f"('{number}' % {self.number(0)})",
            lambda: f"('{form}-{number}' % ({self.value(0)}, {self.number(0)}))",
            lambda: f"('%(a)s {number.replace('%', '%(b)')}' % {{'a': {self.value(0)}, 'b': {self.number(0)}}})",
            lambda: f"('{form}%%'|format({self.value(0)}))",
        )

    def format(self):
        form = self.one("{}", "{!r}", "{!s:>6}", "{:>8}", "{:^7}|", "{:*<6}")
        number = self.one("{:d}", "{:05d}", "{:,}", "{:x}", "{:#o}", "{:+}", "{:.2f}", "{:08.3f}", "{:e}", "{:g}", "{:%}", "{:b}")
        return self.one(
            lambda: f"('{form}'.format({self.one(self.text(0), self.whole(0), self.real(0))}))",
            lambda: f"('{number}'.format({self.number(0)}))",
            lambda: f"('{{0}}{{1}}{{0}}'.format({self.value(0)}, {self.value(0)}))",
            lambda: f"('{{a}}-{{b[0]}}'.format(a={self.value(0)}, b={self.list_of(self.text)}))",
        )

    def slice(self):
        part = lambda: self.one("", "", "0", "1", "2", "-1", "-2", "9")
        return self.one(lambda: f"{part()}:{part()}", lambda: f"{part()}:{part()}:{self.one('1', '2', '-1', '-2')}")

    def list_of(self, kind):
        items = [kind(0) for _ in range(self.random.randrange(4))]
        return "[" + ", ".join(items) + "]"

    def texts(self, depth):
        if depth <= 0:
            return self.list_of(self.text)
        return self.one(
            lambda: f"({self.text(depth - 1)}).{self.one('split', 'rsplit')}({self.one('', repr(','), repr('-'), repr(','), 'none, 1')})",
            lambda: f"({self.text(depth - 1)}).splitlines({self.one('', 'true')})",
            lambda: f"({self.texts(depth - 1)})|map('{self.one('upper', 'trim', 'title', 'length', 'string')}')|map('string')|list",
            lambda: f"({self.texts(depth - 1)} + {self.texts(0)})",
            lambda: f"({self.text(0)})|list",
        )

    def tuple(self, depth):
        items = [self.value(depth - 1) if depth > 0 else self.simple() for _ in range(self.random.randrange(3))]
        plain = "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
        return self.one(plain, plain, f"({self.text(0)}).{self.one('partition', 'rpartition')}('-')")

    def list(self, depth):
        if depth <= 0:
            return self.list_of(lambda _: self.simple())
        inner = lambda: self.list(depth - 1)
        return self.one(
            lambda: self.list_of(lambda _: self.value(depth - 1)),
            lambda: f"({inner()} + {self.list(0)})",
            lambda: f"({inner()} * {self.one('0', '2')})",
            lambda: f"({inner()})[{self.slice()}]",
            lambda: f"({self.collection(depth - 1)})|list",
            lambda: f"({self.list_of(self.whole)})|sort{self.one('', '(reverse=true)')}",
            lambda: f"({self.texts(0)})|sort{self.one('', '(case_sensitive=true)')}",
            lambda: f"({inner()})|{self.one('reverse', 'unique', 'batch(2)', 'slice(2)', 'batch(2, 0)', 'select', 'reject')}|list",
            lambda: f"({self.list_of(self.whole)})|{self.one('select', 'reject')}('{self.one('odd', 'even', 'integer')}')|list",
            lambda: f"range({self.one('3', '1, 4', '5, 0, -2')})|list",
            lambda: f"({self.dict(0)})|dictsort{self.one('', '(by=%s)' % repr('value'), '(reverse=true)')}",
            lambda: f"({self.rows()})|map(attribute='{self.one('n', 'v', 'z')}'{self.one('', ', default=0')})|list",
            lambda: f"({self.rows()})|{self.one('selectattr', 'rejectattr')}('v'{self.one('', ', %s, 1' % repr('gt'), ', %s' % repr('defined'))})|list",
            lambda: f"({self.rows()})|groupby('n')|map('first')|list",
            lambda: f"({self.rows()})|sort(attribute='v')",
        )

    def rows(self):
        row = lambda: f"{{'n': {self.one(*TEXTS[1:4])}, 'v': {self.one(*WHOLE[:4])}}}"
        return "[" + ", ".join(row() for _ in range(self.random.randrange(1, 4))) + "]"

    def dict(self, depth):
        keys = self.random.sample(TEXTS[1:4] + WHOLE[:3], self.random.randrange(4))
        plain = "{" + ", ".join(f"{key}: {self.value(depth - 1) if depth > 0 else self.simple()}" for key in keys) + "}"
        if depth <= 0:
            return plain
        return self.one(plain, plain, f"dict({plain}, z={self.value(0)})", f"dict([('p', {self.value(0)})])", f"({plain}).copy()")

    def collection(self, depth):
        return self.one(self.list, self.tuple, self.dict, self.text, self.texts, self.view, self.numbers)(depth)

    def view(self, depth):
        view = self.one("({}).keys()", "({}).values()", "({}).items()", "({})|items|list")
        return view.format(self.dict(depth))

    def numbers(self, depth):
        return self.one("range(3)", "range(2, 9, 3)")

    def expression(self):
        depth = self.random.randrange(1, 4)
        if self.random.random() < 0.15:
            return self.one(
                lambda: f"({self.collection(depth)})|{self.one('first', 'last', 'max', 'min')}",
                lambda: f"({self.dict(depth)}).{self.one('get', 'pop')}('a'{self.one('', ', 0')})",
                lambda: f"({self.list(depth)})[{self.one('0', '-1', '5')}]",
                lambda: f"{self.value(0)} {self.one('+', '-', '*', '/', '%', '<', 'in')} {self.value(0)}",
                lambda: f"{self.one(*MISSING)}{self.one('', '|upper', '|length', '|list', '|join', '|first', ' ~ 1', ' + 1', ' == none')}",
                lambda: f"({self.list(0)}).{self.one('pop', 'copy', 'sort', 'reverse', 'clear')}()",
                lambda: f"({self.value(0)}).{self.one('upper', 'append', 'items', 'nothing')}()",
            )
        return self.value(depth)

    def statement(self):
        change = lambda name: self.one(
            lambda: f"{name}.append({self.value(0)})", lambda: f"{name}.extend({self.list(0)})",
            lambda: f"{name}.insert({self.one('0', '-1', '9')}, {self.value(0)})", lambda: f"{name}.pop()",
            lambda: f"{name}.reverse()", lambda: f"{name}.remove({self.simple()})")
        return self.one(
            lambda: f"{{% set l = {self.list(1)} %}}{{% set _ = {change('l')} %}}{{{{ l }}}} {{{{ l|length }}}}",
            lambda: f"{{% set d = {{'l': {self.list(0)}}} %}}{{% set _ = {change('d.l')} %}}{{{{ d }}}}",
            lambda: f"{{% set d = {self.dict(0)} %}}{{% set _ = d.update({self.dict(0)}) %}}{{{{ d }}}} {{{{ d.setdefault('q', 1) }}}} {{{{ d }}}}",
            lambda: f"{{% for x in {self.collection(1)} %}}{{{{ loop.index }}}}/{{{{ loop.length }}}}:{{{{ x }}}}{{% if not loop.last %}}, {{% endif %}}{{% else %}}none{{% endfor %}}",
            lambda: f"{{% for k, v in {self.dict(0)}.items() %}}{{{{ k }}}}={{{{ v }}}} {{{{ loop.cycle('a', 'b') }}}}{{% endfor %}}",
            lambda: f"{{% for x in {self.list_of(self.whole)} if x % 2 %}}{{{{ x }}}}{{{{ loop.previtem|default('-') }}}}{{{{ loop.revindex0 }}}}{{% endfor %}}",
            lambda: f"{{% if {self.expression()} %}}yes{{% elif {self.boolean(1)} %}}maybe{{% else %}}no{{% endif %}}",
            lambda: f"{{% macro m(a, b={self.value(0)}) %}}{{{{ a }}}}|{{{{ b }}}}|{{{{ varargs }}}}|{{{{ kwargs }}}}{{% endmacro %}}{{{{ m({self.value(0)}{self.one('', ', 1', ', 1, 2, 3', ', x=4', ', b=5')}) }}}}",
            lambda: f"{{% macro m(a, b=2) %}}{{{{ a }}}}{{{{ b }}}}{{{{ caller('c') if caller }}}}{{% endmacro %}}{{% call(x) m({self.value(0)}) %}}<{{{{ x }}}}>{{% endcall %}}{{{{ m(1{self.one('', ', 2', ', 2, 3', ', z=1')}) }}}}",
            lambda: f"{{% with a={self.value(1)}, b=2 %}}{{{{ a }}}}{{{{ b }}}}{{% endwith %}}[{{{{ a }}}}]",
            lambda: f"{{% set x %}}<{{{{ {self.value(1)} }}}}>{{% endset %}}{{{{ x|upper }}}}",
            lambda: f"{{% filter {self.text_filter()} %}}ab {{{{ {self.text(1)} }}}}{{% endfilter %}}",
            lambda: f"{{% set a, b = {self.value(0)}, {self.value(1)} %}}{{{{ b }}}}-{{{{ a }}}}",
            lambda: f"{{% set v = {self.value(0)} %}}{{% block inner_{self.random.randrange(9)} {self.one('', 'scoped ')}%}}[{{{{ v }}}}]{{% endblock %}}",
            lambda: f"{{% for v in [1, 2] %}}{{% block inner scoped %}}[{{{{ v }}}}{{{{ loop.index }}}}]{{% endblock %}}{{% endfor %}}",
            lambda: f"{{% set c = cycler({self.value(0)}, 'b') %}}{{{{ c.next() }}}}{{{{ c.next() }}}}{{{{ c.current }}}}{{% set j = joiner('|') %}}{{{{ j() }}}}x{{{{ j() }}}}",
            lambda: f"{{% set p = {self.texts(0)} %}}{{{{ p|customizable('packages')|join(' ') }}}}",
            lambda: f"{{{{ debian_package_install({self.one('', 'packages=')}{self.texts(0)}{self.one('', ', clean_package_cache=false')}) }}}}",
            lambda: f"{{% set g = {self.list(0)}|{self.one('map', 'select')}('string') %}}{{{{ g|join }}}}{{{{ g|join }}}}{{{{ 'true' if g }}}}",
        )

    def fragment(self):
        if self.random.random() < 0.3:
            return self.statement()
        return "[{{ " + self.expression() + " }}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("directory", type=pathlib.Path)
    arguments = parser.parse_args()
    generator = Generator(arguments.seed)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    for number in range(arguments.cases):
        text = "{% extends parent_template %}\n{% block cron_footer %}" + generator.fragment() + "{% endblock %}\n"
        (arguments.directory / f"{number:05}.j2").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
