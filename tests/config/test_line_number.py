"""Lines of keys: the scanner finds what tomllib does not tell, in every form of TOML."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config.line_number import LineNumbers
from monitor.config.problem import KeyPath

DOCUMENT = '''\
# a comment with [brackets] and key = "value"
top = 1
[vantage]
name = "a # no comment" # [a comment]
"quoted key".'and dotted' = 5

[[target]]
body = """
[not.a.header]
key = "not a key"
quotes at the end: """""
name = 'x'
[target.expect]
status = [
  200,  # [ unbalanced in a comment
  204,
]
max_wait = "2s"
[[target]]
expect = { status = 1, "max_wait" = "]" }
url = \'\'\'
]]]
\'\'\'
after = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("vantage",), 3),
        (("vantage", "name"), 4),
        (("vantage", "quoted key", "and dotted"), 5),
        (("target",), 7),
        (("target", 0), 7),
        (("target", 0, "body"), 8),
        (("target", 0, "name"), 12),
        (("target", 0, "expect"), 13),
        (("target", 0, "expect", "status"), 14),
        (("target", 0, "expect", "max_wait"), 18),
        (("target", 1), 19),
        (("target", 1, "expect", "status"), 20),
        (("target", 1, "url"), 21),
        (("target", 1, "after"), 24),
        (("target", 1, "absent"), 19),
        (("absent",), None),
    ],
)
def test_line_of_each_form_of_statement(path: KeyPath, line: int | None) -> None:
    """Strings over several lines, arrays, inline tables and comments do not lead astray."""
    tomllib.loads(DOCUMENT)  # the scanner promises nothing for anything else

    assert LineNumbers(DOCUMENT).find(path) == line


@settings(derandomize=True, max_examples=100)
@given(st.text(max_size=200))
def test_any_text_ends_the_scan(text: str) -> None:
    """It is called with accepted text only, but must not hang or fail on any."""
    assert LineNumbers(text).find(("no such key at all",)) is None


@settings(derandomize=True, max_examples=50)
@given(st.lists(st.text(st.characters(exclude_characters='\\"', categories=["L", "N", "P", "Zs"])), unique=True))
def test_each_quoted_key_is_found_in_its_line(keys: list[str]) -> None:
    """Any printable key, one a line."""
    text = "".join(f'"{key}" = "]["\n' for key in keys)

    lines = LineNumbers(text)

    assert [lines.find((key,)) for key in keys] == list(range(1, len(keys) + 1))
