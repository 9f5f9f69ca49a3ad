"""What templates are made of, for comparison with Jinja: values, expressions, statements, and a generator of both."""

from __future__ import annotations

import random
import re
from typing import Iterator

VARIABLES = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "  Hi é 你好 <|im_end|>\n\nline\t2  "},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": {"a": 1, "b": [1.5, None, True], "ü": "x"}}}]},
        {"role": "tool", "content": [{"type": "text", "text": "out"}, {"type": "image"}], "name": "f"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {
        "type": "object", "properties": {"x": {"type": "string", "enum": ["p", "q"]}, "n": {"type": ["integer", "null"]}},
        "required": ["x"]}}}],
    "s": "Hello, World!", "e": "", "u": "Straße ΑΣ ǆ İ ﬁ", "w": "  a  b\tc\n", "q": "it's \"q\" \\ \n\x01 é\u200b",
    "n": 7, "z": 0, "m": -3, "x": 2.5, "y": -0.1, "h": 1e22, "t": True, "f": False, "none_": None,
    "l": [3, 1, 2], "ll": [[1, 2], [3, 4]], "ls": ["b", "A", "c", "a"], "d": {"b": 1, "a": 2, "C": 3, "items": 9},
    "ds": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"k": "X", "v": 3}, {"v": 0}], "el": [], "ed": {}, "big": 12345678901234567890,
    "lines": "one\ntwo\r\n\nthree", "add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>",
}

NAMES = {*VARIABLES, "missing", "range", "i", "v", "ns", "loop"}
VALUES = ["s", "e", "u", "w", "q", "n", "z", "m", "x", "y", "h", "t", "f", "none_", "l", "ll", "ls", "d", "ds", "el", "ed",
          "missing", "lines", "(1, 'a')", "(1,)", "()", "range(3)", "'<a&b>'", "1e-7", "100000.0", "1e16", "0.1 + 0.2", "'7'", "'3.7'", "'abc'"]

BINARY = ["+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or"]

TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "iterable", "sequence", "true",
         "false", "upper", "lower", "callable", "even", "odd", "divisibleby 2", "divisibleby(3)", "eq 7", "equalto('')", "ne(0)",
         "lt 3", "gt(1)", "in [7, '', 2.5]", "sameas none", "not none", "not string"]

FILTERS = ["abs", "batch(2) | list", "batch(2, 'f') | list", "capitalize", "center(12)", "count", "default('d')", "d('d', true)", "dictsort",
           "dictsort(true)", "dictsort(false, 'value')", "dictsort(reverse=true)", "first", "last", "float", "int", "int(5)", "indent",
           "indent(2, true)", "indent('> ', first=true, blank=true)", "items | list", "join", "join(', ')", "length", "list", "lower",
           "map('string') | list", "map('upper') | join('-')", "max", "min", "reject | list", "select | list", "replace('l', 'L')",
           "replace('', '-')", "replace('l', 'L', 1)", "reverse | list", "round", "round(1)", "round(0, 'ceil')", "round(1, 'floor')",
           "round(-1)", "slice(2) | list", "sort", "sort(reverse=true)", "sort(case_sensitive=true)", "string", "sum", "title", "tojson",
           "tojson(indent=2)", "tojson(ensure_ascii=true)", "tojson(sort_keys=true)", "tojson(separators=(',', ':'))", "trim", "trim('H!')",
           "truncate(5)", "truncate(9, true)", "truncate(8, false, '~', 0)", "unique | list", "upper", "urlencode", "wordcount", "escape",
           "e", "striptags", "forceescape", "safe", "string | length", "select('string') | list", "select('odd') | list",
           "reject('none') | list", "selectattr('k') | list", "selectattr('k', 'equalto', 'x') | list", "rejectattr('k', 'defined') | list",
           "map(attribute='v') | list", "map(attribute='k', default='?') | list", "sum(attribute='v')", "sort(attribute='v')",
           "groupby('v') | list", "min(attribute='v')", "max(attribute='v')", "unique(attribute='v') | list", "filesizeformat", "xmlattr",
           "attr('k')", "format(1)", "join(',', attribute='v')"]

METHODS = ["strip()", "lstrip()", "rstrip()", "strip('H! ')", "lstrip('He')", "rstrip('!d')", "split()", "split(',')", "split(' ', 1)",
           "split(None, 1)", "rsplit(' ', 1)", "rsplit()", "rsplit(None, 1)", "split('')", "splitlines()", "splitlines(true)", "startswith('H')",
           "startswith(('x', 'H'))", "endswith('!')", "endswith('')", "startswith('e', 1)", "replace('l', '')", "replace('', '.', 3)", "upper()",
           "lower()", "title()", "capitalize()", "swapcase()", "join(['a', 'b'])", "join('abc')", "join([1])", "find('l')", "find('l', 4)",
           "find('zz')", "rfind('l')", "rfind('l', 0, 4)", "index('o')", "index('zz')", "rindex('o')", "count('l')", "count('')", "partition(', ')",
           "rpartition('o')", "partition('zz')", "removeprefix('He')", "removesuffix('!')", "isdigit()", "isalpha()", "isalnum()", "isspace()",
           "isupper()", "islower()", "isnumeric()", "isdecimal()", "isascii()", "center(20)", "center(21, '*')", "ljust(16, '.')", "rjust(16)",
           "zfill(16)", "expandtabs(4)", "format(1, a=2)", "casefold()"]

EXPRESSIONS = """
1 + 2 * 3 ** 2 | 2 ** 3 ** 2 | -2 ** 2 | -x | abs | 7 // -2 | -7 // 2 | 7 % -3 | -7 % 3 | -7.5 // 2 | 7.5 % -2 | 7 / 2 | 6 / 2 | 2 ** -1
1 < 2 < 3 | 1 < 2 > 3 | 3 > 2 > 1 == 1 | not 1 == 2 | not not s | not missing and t | 1 if t else 2 | 1 if f | 'a' if f else 'b' if f else 'c'
(1 if t else 2) + 3 | [1, 2, 3][::-1] | s[1:5] | s[-3:] | s[::2] | s[::-1] | s[5:2] | s[100:] | s[:-1] | u[::-1] | u[2:5] | u[1] | s[0] | s[-1] | s[99]
l[0] | l[-1] | l[9] | l[1:] | l[::2] | ll[1][0] | d.a | d['a'] | d.zz | d.items | d['items'] | d.get('a') | d.get('zz') | d.get('zz', 5) | d.keys() | list
d.values() | list | d.items() | list | d.items() | d.keys() | d | l | ll | ds | none_ | t | x | h | y | big | big | tojson | [big] | s is string and n is number
'a' 'b' "c" | "\\n\\t\\x41\\u00e9\\101\\q" | '%s-%d-%5.2f|%-5s|%05d|%x' % ('a', 3, 2.345, 'b', 42, 255) | '%s' % 5 | '%(a)s' % d | '%s %s' % (1,) | '%d' % 'a'
'%%' % () | '{} {}'.format(1, 'a') | '{0}{1}{0}'.format('x', 'y') | '{a:>5}|{b:<5}|{c:^5}'.format(a=1, b='x', c='y') | '{:.2f}'.format(2.345) | '{:,}'.format(1234567)
'{:05d}'.format(42) | '{:x}'.format(255) | '{!r}'.format('a') | '{}'.format(none) | '{:.1%}'.format(0.123) | '{{}}'.format() | '{'.format() | '{}'.format()
[1, 'a', none, true, 1.0, (1,), {}, []] | {'a': {'b': [1, (2, 3)]}, 1: 2, none: 3, true: 4} | {1: 'a', 1.0: 'b', true: 'c'} | {'a': 1, 'a': 2} | ({'a': 1}).a
[] + [1] | [1] * 3 | 'ab' * 3 | 3 * 'ab' | 'ab' * -1 | (1,) + (2,) | 'a' + 1 | 1 + 'a' | [1] + (2,) | none + 1 | 'a' * 'b' | l == [3, 1, 2] | (1, 2) == [1, 2]
1 == 1.0 | 1 == true | 'a' == 'a' | none == none | missing == missing2 | missing == none | [1, 2] < [1, 3] | 'a' < 'b' | 1 < 'a' | none < 1 | (1, 'a') < (1, 'b')
'ell' in s | 'zz' not in s | 1 in l | 1 in 5 | 'a' in d | 1 in 'abc' | missing in l | missing in 'abc' | 'a' in missing | 1 in (1, 2) | 2 in range(3) | '' in ''
missing | missing.a | missing['a'] | missing() | missing + 1 | missing ~ 'a' | missing | length | missing | list | missing | upper | missing | default(3) | -missing
missing is defined | d.zz is defined | d.a is defined | d.zz.y is defined | d.zz.y | none_.a | none_.a.b | n.a | s.zz | l.zz | s.upper | s.__class__ | ''.__class__.__mro__
d.__class__ | l.append(1) | l.append | d.update({}) | d.pop('a') | l.pop() | d.clear is defined | l.sort() | s.upper() | s.zz() | d.a() | 5() | 'a'()
range(5) | list | range(2, 8, 3) | list | range(5, 0, -2) | list | range(3) | range(1, 4) | range(0, 9, 2) | range(5)[1:3] | range(5)[2] | range(0) | list | range(1, 2, 0)
range(200000) | range('a') | dict(a=1, b=2) | dict([('a', 1)]) | dict(d, z=1) | namespace(a=1).a | namespace(a=1)['a'] | namespace({'a': 1}).a | namespace(a=1).b
lipsum() | joiner(', ')() | cycler('a', 'b').next() | cycler(1, 2).current | cycler() | strftime_now('%Y-%m-%d %H:%M:%S %j %a %A %b %B %d %y %I %p %U %W %w %%')
strftime_now('%d %B %Y') | strftime_now('%-d/%-m') | strftime_now('%G-%V %u') | raise_exception('no') | raise_exception()
'a,b'.split(',') | 'a,b'.split(',')[0] | 'x'.join(ls) | ls | sort | join | ls | sort(case_sensitive=true) | join | d | dictsort | d | list | d | length | d | first
s | upper | lower | title | 'hello-world (foo) [bar] {x} <y> a\tb' | title | "it's" | title | "it's".title() | s | first | s | last | el | first | el | last | el | max | el | min
n | string ~ x | string | '5' | int + 1 | '5.9' | int | 'x' | int | 'x' | int(9) | '0x1f' | int(0, 16) | '101' | int(0, 2) | ' 5 ' | int | '1_000' | int | 5.9 | int | true | int | none | int
none | float | '1e3' | float | 'inf' | float | 3 | float | 2.5 | round | 3.5 | round | 2.675 | round(2) | 1234.5678 | round(-2) | 1234 | round(-2) | 5 | round | 5 | round(1, 'ceil')
0.1 | 1.0 | 1e100 | 1e-5 | 0.0001 | 123456789012345678.0 | 1e15 | 1e16 | -0.0 | 1.5e300 * 1e10 | 5e-324 | 3.14159 | 1/3 | 2/3 | 1e22 | 100.0 | 1_000 | 0xff | 0b101 | 0o17
9223372036854775807 | -9223372036854775807 | 1.0 == 1 | 1.5 | tojson | 1e16 | tojson | 'é\\n"' | tojson | 'é' | tojson(ensure_ascii=true) | '<&>' | tojson | {'a': none} | tojson
{1: 2, none: 3, true: 4, 1.5: 5} | tojson | (1, 2) | tojson | [] | tojson(indent=2) | {} | tojson(indent=2) | {'a': [], 'b': {}} | tojson(indent=2) | range(3) | tojson | missing | tojson
namespace(a=1) | tojson | d.items() | tojson | l | tojson(indent=0) | l | tojson(indent='--') | tools | tojson(indent=4) | tools | tojson | messages | tojson
messages | map(attribute='role') | list | messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | first | messages | selectattr('tool_calls', 'defined') | list | length
messages | selectattr('role', 'in', ['user', 'tool']) | list | length | messages | rejectattr('role', 'equalto', 'system') | map(attribute='role') | join(',') | messages[0].role | messages[-1]['content'][0].text
messages | map(attribute='content.0.text') | list | ds | map(attribute='k') | list | ds | groupby('k') | list | ds | map('length') | list | ls | map('replace', 'a', 'b') | list
ls | map('zz') | list | ls | select('zz') | list | s | zz | s is zz | s | replace | s | join(1, 2, 3) | s | upper(1) | s | default(default_value='q') | s | truncate(length=5, end='~')
ls | select('in', ['a', 'b']) | list | ls | select('upper') | list | l | select('>', 1) | list | l | select('divisibleby', 2) | list | l | map('string') | list | l | sum | ll | sum(start=[])
d | items | list | d | map('upper') | list | l | select('odd') | length | (l | select('odd')) is iterable | not (el | select) | (el | map('string')) is defined
(l | select('odd')) | first | u | upper | u | lower | u | title | u | capitalize | u.swapcase() | u | length | u | reverse | s | reverse | l | reverse | list | u.title() | 'ΑΣ ΣΑΣ.' | lower
q | tojson | [q] | q.split() | "a'b" | ["a'b", 'a"b', 'a\\'b"c'] | ['\\\\', '\\n', 'é', '\\x7f', '\\u200b'] | s.format() | s.replace('o', '0').upper().split(', ')[1][::-1] | [s.strip] | s.split is callable
'%s' | format('a') | '%s %s' | format('a', 'b') | '%(x)s' | format(x=1) | 'a' | center(5) ~ '|' | 'abc' | indent | lines | indent(2) | lines | indent(first=true) | lines.splitlines()
1 is number | 1.0 is integer | true is integer | true is number | 'a' is sequence | d is sequence | d is mapping | none is none | none is defined | l is iterable | 5 is iterable | range(3) is sequence
d.items() is sequence | d.items() is iterable | d.items is callable | range is callable | s is callable | 5 is odd | 4 is even | 4 is divisibleby 2 | 4 is divisibleby(3) | 'A' is upper | 'a1' is lower | 1 is sameas 1
1 is sameas true | none is sameas none | 'a' is in 'abc' | 'a' is in ['a'] | 1 is eq 1 | 1 is == 1 | 1 is lt 2 | 3 is not gt 4 | 'upper' is filter | 'zz' is filter | 'odd' is test | s is defined is true
t and n | f or n | z and n | e or 'x' | none_ or el or ed | not e | not (t and f) | t and not f | n > 5 and n < 10 | n in l or n == 7 | 'x' ~ 1 ~ none ~ true ~ 1.5 ~ [1]
(s) | ((s)) | (1, 2) | (1, 2)[0] | 1, 2 | [1, 2,] | {'a': 1,} | (1,) | () | s.upper()[0].lower() | {'a': s.upper}['a']() | [l, d][1].a | d[['a'][0]] | d['a' ~ ''] | ll.0.1 | ll[0, 1] | d[1:2] | s[:] | l[:]
loop | self | caller | varargs | true | True | none | None | True == true | nonexistent.foo | s . upper() | s [0] | l [ 0 ] | "a" if t else missing.x | (missing.x if f else 'ok') | t or missing.x
dict(**d) | dict(*[[('a', 1)]]) | range(*[1, 4]) | list | '{}-{}'.format(*ls) | '{a}'.format(**d) | s.replace(*['l', 'L']) | 'a' | e | ('<' | e) + '<' | '<' + ('>' | safe) | ('<' | safe) ~ '<'
dict.from_keys([('a', 1)]) | dict['any'](a=1) | dict[1](b=2) | dict._x([]) | dict.fromkeys('ab') | dict.fromkeys([1, 2], 'x') | d.fromkeys(ls) | dict.__name__ | dict.__class__()
dict.fromkeys() | dict.fromkeys(5) | dict.mro() | dict.fromkeys('aa', 1) | dict.any is callable | range['a'] | namespace.x
1 | -1e300 | filesizeformat | -0.5 | filesizeformat | -999 | filesizeformat | 2.5 | round(-400) | -2.5 | round(-400)
""".replace("\n", " | ").strip()


def expressions() -> Iterator[str]:
    """All lists above combined. In EXPRESSIONS ' | ' separates, but filters have it, too: every cut of it is tried."""
    for line in EXPRESSIONS.split(" | "):
        if line.strip():
            yield line.strip()
    parts = [part.strip() for part in EXPRESSIONS.split(" | ") if part.strip()]
    for first, second in zip(parts, parts[1:]):
        yield f"{first} | {second}"
    for first, second, third in zip(parts, parts[1:], parts[2:]):
        yield f"{first} | {second} | {third}"
    for value in VALUES:
        for name in FILTERS:
            yield f"{value} | {name}"
        for name in TESTS:
            yield f"{value} is {name}"
        for other in VALUES:
            for sign in BINARY:
                yield f"({value}) {sign} ({other})"
    for value in ("s", "e", "u", "w", "q", "lines", "'abc'", "'ÀÉ'", "'123'"):
        for name in METHODS:
            yield f"{value}.{name}"


STATEMENTS = [
    "{% for i in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }},{% endfor %}",
    "{% for i in l %}{{ loop.previtem }}-{{ loop.nextitem }}{{ loop.previtem is defined }}{{ loop.nextitem is defined }};{% endfor %}",
    "{% for i in l %}{{ loop.cycle('a', 'b') }}{{ loop.changed(i > 1) }}{{ loop.depth }}{% for j in l %}{{ loop.depth }}{{ loop.index }}{% endfor %}{% endfor %}",
    "{% for i in l if i > 1 %}{{ i }}{{ loop.index }}{{ loop.last }}{{ loop.length }},{% else %}none{% endfor %}",
    "{% for i in l if i > 9 %}{{ i }}{% else %}none{{ i is defined }}{% endfor %}",
    "{% set ns = namespace(stop=false) %}{% for i in l if not ns.stop %}{{ i }}{% set ns.stop = true %}{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}{{ k is defined }}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% for a, b in l %}{% endfor %}",
    "{% for a in 'aé你' %}{{ a }},{% endfor %}{% for i in missing %}x{% else %}empty{% endfor %}",
    "{% for i in 5 %}{% endfor %}", "{% for i in none_ %}{% endfor %}",
    "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% else %}no{% endfor %}",
    "{% for i in l %}{% for j in l %}{% if j == 1 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}",
    "{% for i in l %}{% with a = i %}{% if a == 1 %}{% continue %}{% endif %}{{ a }}{% endwith %}{% endfor %}",
    "{% set a = 1 %}{% for i in l %}{{ a }}{% set a = i %}{{ a }}{% endfor %}{{ a }}",
    "{% set ns = namespace(a=1, b=[]) %}{% for i in l %}{% set ns.a = ns.a + i %}{% set ns.b = ns.b + [i] %}{% endfor %}{{ ns.a }}{{ ns.b }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (c, d) = (3, 4) %}{{ c }}{{ d }}{% set a, b = b, a %}{{ a }}{{ b }}",
    "{% set a, b = [1] %}", "{% set d.x = 1 %}", "{% set q = 1, 2 %}{{ q }}", "{% set x %}block {{ n }}{% endset %}[{{ x }}]",
    "{% set x | upper | replace('B', 'c') %}abc{% endset %}[{{ x }}]{% set x %}{% endset %}{{ x is defined }}",
    "{% if n > 5 %}a{% elif n %}b{% else %}c{% endif %}{% if z %}a{% elif f %}b{% else %}c{% endif %}{% if z %}x{% endif %}{% if t %}{% set in_if = 1 %}{% endif %}{{ in_if }}",
    "{% macro m(a, b=2, c='x') %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c=5) }}{{ m(b=1, a=2) }}{{ m() }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(z=2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}{{ m() }}{{ m.name }}",
    "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "{% macro m(a, b=a ~ '!') %}{{ b }}{% endmacro %}{{ m('x') }}{% set g = 5 %}{% macro h() %}{{ g }}{{ n }}{% endmacro %}{{ h() }}{% set g = 6 %}{{ h() }}",
    "{% macro box(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call box('a') %}body {{ n }}{% endcall %}{% call box('b') %}{% call box('c') %}x{% endcall %}{% endcall %}",
    "{% macro each(l) %}{% for i in l %}{{ caller(i, loop.index) }};{% endfor %}{% endmacro %}{% call(a, b) each(l) %}{{ a }}:{{ b }}{% endcall %}",
    "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}", "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}{% call m() %}{% endcall %}",
    "{% macro m() %} a {% endmacro %}{{ m() | trim }}{{ m() ~ m() }}{{ m is callable }}{{ m }}"[:-7],
    "{% filter upper %}abc {{ s }}{% endfilter %}{% filter replace('a', 'b') | upper %}aaa{% endfilter %}",
    "{% with %}{% set a = 1 %}{{ a }}{% endwith %}{{ a is defined }}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}",
    "{% generation %}abc{% set a = 1 %}{% endgeneration %}{{ a is defined }}",
    "{% raw %}{{ x }} {% if %} {# #}{% endraw %}", "{%- raw -%}  a  {%- endraw -%}  b", "a {% raw %}\n x {% endraw %}\n b",
    "a {# comment #} b {#- c -#} c\n{# line #}\nd", "  {# lead #}\nx", "{##}{#-#}x",
    "a\n  {% if t %}\n  b\n  {% endif %}\nc\n", "a\n  {%+ if t %}\n  b\n  {%- endif +%}\nc", "a  {%- if t -%}  b  {%- endif -%}  c", "  {{ n }}  \n  {{- n -}}  \n x",
    "{% if t %}\n\n\nx\n{% endif %}\n\n", "\n\n{{ n }}\n", "{{ n }}\n\n", "  {% set a = 1 %}  {% set b = 2 %}\n  x", "x  {% set a = 1 %}\ny", "\t {% set a = 1 %}\ny", "{% set a = 1 -%}\n\n\n  y",
    "{{ '{{' }}{{ '}}' }}{{ '%}' }}", "{{ {'a': {'b': 1}} }}", "{{{'a': 1}}}", "{{ {} }}", "a{b}c{ d }e%}f}}g", "{{ n\n  +\n n }}", "{{n}}{{ n}}{{n }}", "{%if t%}x{%endif%}",
    "line\r\nline2\r{{ n }}\r\n", "é你好{{ s }}é", "{{ 1, 2 }}", "{% for i in 1, 2 %}{{ i }}{% endfor %}", "{% if t: %}x{% endif %}",
    "{% set a = namespace() %}{% set a.b = namespace(c=1) %}{{ a.b.c }}{% set x = a.b %}{% set x.c = 2 %}{{ a.b.c }}",
    "{% set j = joiner(', ') %}{% for i in l %}{{ j() }}{{ i }}{% endfor %}", "{% set c = cycler('a', 'b', 'c') %}{% for i in range(5) %}{{ c.next() }}{{ c.current }}{% endfor %}{% set _ = c.reset() %}{{ c.current }}",
    "{% set g = l | select('odd') %}{{ g | list }}{{ g | list }}", "{% set g = l | map('string') %}{% for i in g %}{{ i }}{% endfor %}{% for i in g %}{{ i }}{% endfor %}",
    "{% for m in messages %}{{ m.role }}: {{ m.content if m.content is string else m.content | tojson }}\n{% endfor %}",
    "{% for t in tools %}{{ t.function.name }}{% for k, v in t.function.parameters.properties.items() %}{{ k }}:{{ v.type }}{{ v.enum | default([]) | join('|') }}{% endfor %}{% endfor %}",
    "{% for m in messages | selectattr('role', 'equalto', 'user') %}{{ loop.index }}{{ m.role }}{% endfor %}", "{% for m in messages[1:] | reverse %}{{ m.role }}{% endfor %}",
    "{%- for m in messages -%}\n  {%- if loop.first and m.role != 'system' -%}x{%- endif -%}\n  {{- m.role + '\\n' -}}\n{%- endfor -%}",
    "{% set ns = namespace(last=-1) %}{% for m in messages %}{% if m['role'] == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}{{ ns.last }}",
    "{% for m in messages %}{% for c in m.tool_calls or [] %}{{ c.function.name }}{{ c.function.arguments | tojson }}{{ c.id[-1:] }}{% for k in c.function.arguments %}{{ k }}{% endfor %}{% endfor %}{% endfor %}",
    "{% if messages[0]['role'] == 'system' %}{% set messages = messages[1:] %}{% endif %}{{ messages | length }}",
    "{% if not (messages | selectattr('role', 'equalto', 'x')) %}no{% else %}yes{% endif %}", "{{ messages | selectattr('role', 'equalto', 'x') | length }}",
    "{{ raise_exception('Conversation roles must alternate') if n == 7 }}", "{% if f %}{{ raise_exception('x') }}{% endif %}ok", "{% if f %}{{ s | nofilter }}{% endif %}ok",
    "{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{% from 'x' import y %}", "{% nope %}", "{% if %}{% endif %}", "{% if t %}", "{% endif %}", "{% for i in l %}", "{{ s", "{{ 's }}",
    "{% set = 1 %}", "{% set 1 = 1 %}", "{% set none = 1 %}", "{% macro %}{% endmacro %}", "{% for %}{% endfor %}", "{{ }}", "{{ 1 + }}", "{{ (1 }}", "{{ [1 }}", "{{ {1 }}", "{{ a b }}", "{{ a. }}", "{{ s | }}", "{{ s is }}",
    "{% break %}", "{# x", "{% if t %}{% else %}{% else %}{% endif %}", "{{ 1 = 2 }}", "{{ $ }}", "{{ a ? b }}", "{{ 'a' 1 }}", "{{ not }}", "{{ s is defined is string }}", "{{ f(a=1, 2) }}", "{{ f(**d, 1) }}",
    "{% macro m(a=1, b) %}{% endmacro %}", "{{ loop.index }}", "{% for i in l %}{% set i = i * 2 %}{{ i }}{% endfor %}", "{% for i in l %}{% if loop.first %}{% set seen = 1 %}{% endif %}{{ seen }}{% endfor %}",
    "{% set x %}{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(1) }}{{ m(2) }}{% endset %}[{{ x }}]", "{% filter upper %}{% macro m(a) %}x{{ a }}{% endmacro %}{{ m('b') }}{% endfilter %}",
    "{% macro box() %}({{ caller() }}){% endmacro %}{% set x %}{% set y %}{% call box() %}c{{ n }}{% endcall %}{% endset %}{{ y }}{% endset %}{{ x }}",
    "{% set x | trim %} {% set y %}{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}{% endset %}{{ y }}{{ y }} {% endset %}[{{ x }}]", "{% print n, s %}", "{% print 1, %}", "{% print %}", "{% print (1, 2) %}",
    "{% if f %}{{ s | nofilter | nofilter2 }}{% endif %}{{ 1 if t else s | nofilter }}", "{{ s | nofilter if t }}", "{% for i in el %}{{ i | nofilter }}{% endfor %}", "{% if t %}{% for i in el %}{{ i | nofilter }}{% endfor %}{% endif %}", "{% if s is nottest %}{% endif %}", "{{ t or s is nottest }}", "{{ [s | nofilter] if f else 2 }}",
    "{{ l | map('nofilter') | first is defined }}", "{{ el | map('nofilter') | list }}", "{% set g = l | map('nofilter') %}x", "{{ l | map('string') | map('upper') | first }}{{ l | select('odd') | map('string') | reverse }}", "{{ none_ | selectattr('type', 'equalto', 'x') | list | length }}", "{{ [[1, 'a'], [2]] | map('first') | first }}{{ [1, none] | map('upper') | first }}",
    "{% set a = [] %}{% for i in l %}{% set a = a + [i] %}{% endfor %}{{ a }}", "{% set a = [1] %}{{ a.append(2) }}{{ a }}", "{% set _ = d.update({'x': 1}) %}", "{% set a %}{% for i in l %}{{ i }}{% endfor %}{% endset %}{{ a | length }}",
]


def names_variable(expression: str) -> bool:
    return any(not word[0].isdigit() and word in NAMES for word in re.findall(r"\w+", re.sub(r"'[^']*'|\| *\w+", "", expression)))


def GENERATED(count: int, seed: int = 20261124) -> Iterator[str]:
    """Templates put together at random, white space control and all."""
    rng = random.Random(seed)

    def atom() -> str:
        return rng.choice(VALUES + ["d.a", "l[0]", "messages[1].content", "messages[0]['role']", "s[1:3]", "i", "loop.index", "ns.a", "v"])

    def expression(depth: int) -> str:
        if depth <= 0 or rng.random() < 0.25:
            return atom()
        kind = rng.randrange(8)
        inner = expression(depth - 1)
        if kind == 0:
            return f"{inner} {rng.choice(BINARY)} {expression(depth - 1)}"
        if kind == 1:
            return f"({inner}) | {rng.choice(FILTERS)}"
        if kind == 2:
            return f"{inner} is {rng.choice(TESTS)}"
        if kind == 3:
            return f"{inner} if {expression(depth - 1)} else {expression(depth - 1)}"
        if kind == 4:
            return f"not {inner}"
        if kind == 5:
            return f"[{inner}, {expression(depth - 1)}]"
        if kind == 6:
            return f"({inner}).{rng.choice(METHODS)}"
        # What is made of literals alone Jinja computes while it compiles, where a slice of a number is undefined and no error.
        inner = inner if names_variable(inner) else rng.choice(["s", "n", "x", "l", "missing"])
        return f"({inner})[{rng.choice(['0', '-1', '1:', '::-1', ':2', repr('a'), 'n'])}]"

    def tag(text: str) -> str:
        return "{%" + rng.choice(["", "", "", "-", "+"]) + f" {text} " + rng.choice(["", "", "", "-", "+"]) + "%}"

    def space() -> str:
        return rng.choice(["", "", " ", "\n", "\n  ", "  \n", "x", " y ", "\n\n", "\t"])

    def body(depth: int) -> str:
        return "".join(space() + statement(depth) for _ in range(rng.randrange(1, 4))) + space()

    def statement(depth: int) -> str:
        kind = rng.randrange(10) if depth > 0 else rng.randrange(3)
        if kind < 2:
            return "{{" + rng.choice(["", "-"]) + f" {expression(2)} " + rng.choice(["", "-"]) + "}}"
        if kind == 2:
            return tag(f"set {rng.choice(['v', 'i', 'ns.a', 'w'])} = {expression(2)}")
        if kind == 3:
            return tag(f"if {expression(1)}") + body(depth - 1) + tag("else") + body(depth - 1) + tag("endif")
        if kind in (4, 5):
            test = rng.choice(["", "", f" if {expression(1)}"])
            return tag(f"for i in {rng.choice(['l', 'ls', 'd', 'ds', 'messages', 'range(3)', 's[:3]', 'el'])}{test}") + body(depth - 1) + tag("endfor")
        if kind == 6:
            return tag("set v") + body(depth - 1) + tag("endset")
        if kind == 7:
            return tag(f"with v = {expression(1)}") + body(depth - 1) + tag("endwith")
        if kind == 8:
            return tag(f"macro mm(v, i={expression(1)})") + body(depth - 1) + tag("endmacro") + "{{ mm(" + atom() + ") }}"
        return "{#" + rng.choice(["", "-"]) + " c " + rng.choice(["", "-"]) + "#}"

    for _ in range(count):
        yield "{% set ns = namespace(a=0) %}" + body(3)
