"""A user's expression and a server's text: the one may not be costly, the other cannot make it so."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.pattern import read_pattern


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"ok.*ready", "ok" * 2**19),
        (r"\s+ok", " " * 2**20),
        (r"(a+)+$", "a" * 2**20 + "b"),
        (r"(?:[ab]*a[ab]{20}c)", "ab" * 2**19),
        (r"(?s)a.*b.*c", "a" * 2**20),
    ],
)
def test_no_text_makes_a_search_slow(pattern, text):
    """A megabyte that costs a backtracking search its square, or for ever, costs some milliseconds."""
    found = read_pattern(pattern)
    start = time.process_time()

    assert not found.search(text)
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"),
    [
        (r"RIPE\s+NCC", "the RIPE\n NCC", True),
        (r"^ok$", "ok", True),
        (r"^ok$", "ok\n", False),
        (r"(?m)^ok$", "up\nok\n", True),
        (r"(?i)größe", "GRÖSSE GRÖßE", True),
        (r"^.$", "ß", True),
        ("", "", True),
    ],
)
def test_ends_lines_and_letters_are_as_documented(pattern, text, is_found):
    """`^` and `$` are the text's ends, `(?m)` makes them a line's; letters are Unicode's."""
    assert bool(read_pattern(pattern).search(text)) is is_found


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(", "missing )"),
        ("(?=x)", "invalid perl operator"),
        (r"(a)\1", "invalid escape sequence"),
        ("((a{1000}){1000}){1000}", "invalid repetition size"),
        (r"(?:(?:\pL{500}){2}\pN{900})", "too large"),
        ("\ud800", "surrogate"),
    ],
)
def test_an_expression_that_cannot_be_searched_for_is_refused(pattern, says):
    """Broken, beyond the syntax, or one that would cost memory when it is read."""
    with pytest.raises(ValueError, match=says.replace(")", r"\)")):
        read_pattern(pattern)


@given(st.text(max_size=40))
@settings(max_examples=80, deadline=None, derandomize=True)
def test_any_text_is_an_expression_or_a_value_error(text):
    """A configuration may hold anything."""
    try:
        pattern = read_pattern(text)
    except ValueError:
        return

    assert not pattern.search("") or pattern.fullmatch("")
