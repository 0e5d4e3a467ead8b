"""Paths into JSON: the singular queries of RFC 9535, and nothing else."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.json_path import NOTHING, find, parse_path

DOCUMENT = {
    "status": "ok",
    "checks": [{"state": "up"}, {"state": "down"}],
    "two words": {"a.b": 1, "it's": 2, 'say "hi"': 3, "☺": 4, "j j": {"k.k": 5}},
    "null": None,
    "_x": False,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$", DOCUMENT),
        ("$.status", "ok"),
        ("$['status']", "ok"),
        ('$["status"]', "ok"),
        ("$.checks[0].state", "up"),
        ("$.checks[-1].state", "down"),
        ("$ .checks [1] ['state']", "down"),
        ("$['two words']['a.b']", 1),
        (r"$['two words']['it\'s']", 2),
        ('$["two words"]["it\'s"]', 2),
        ("$['two words']['say \"hi\"']", 3),
        (r'$["two words"]["say \"hi\""]', 3),
        (r"$['two words']['\u263A']", 4),
        ("$['two words'].☺", 4),
        ("$['two words']['j j']['k.k']", 5),
        ("$.null", None),
        ("$._x", False),
    ],
)
def test_path_finds_its_value(path, value):
    """The forms of RFC 9535 section 2.3, quotes and escapes among them."""
    assert find(parse_path(path), DOCUMENT) == value


@pytest.mark.parametrize(
    "path",
    ["$.absent", "$.status.x", "$.status[0]", "$.checks[2]", "$.checks[-3]", "$.checks.state", "$[0]", "$.null.x"],
)
def test_path_without_value_finds_nothing(path):
    """A missing member is nothing, not null; a member of an array or an index of an object neither."""
    assert find(parse_path(path), DOCUMENT) is NOTHING


@pytest.mark.parametrize(
    "path",
    [
        "", "status", ".status", "@.status", "$.", "$status", "$..status", "$.*", "$[*]", "$[0:1]", "$[?@.a]",
        "$['a','b']", "$[01]", "$[-0]", "$[1.0]", "$['a\"]", "$['a", "$[a]", "$.1a", "$.a-b", "$.a.", "$.a ",
        r"$['\x41']", r"$['\"']", r"$[\"it\'s\"]", "$['\n']", "$[9007199254740992]", r"$['\uD800']",
    ],
)  # fmt: skip
def test_what_is_no_singular_query_is_refused(path):
    """Wildcards, slices, filters and descent name many values; the others are not JSONPath at all."""
    with pytest.raises(ValueError, match="JSON path"):
        parse_path(path)


scalars = st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


def every_place(value, path="$"):
    """Each path of a document, its names spelled as JSON strings, and the value that is there."""
    yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from every_place(inner, f"{path}[{json.dumps(name)}]")
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from every_place(inner, f"{path}[{index}]")
            yield from every_place(inner, f"{path}[{index - len(value)}]")


@given(documents)
@settings(derandomize=True, max_examples=100, deadline=None)
def test_every_value_of_any_document_has_a_path(document):
    """Any name in double quotes, any index from either end."""
    for path, value in every_place(document):
        assert find(parse_path(path), document) == value


@given(
    st.text(max_size=30).map("${}".format) | st.text(alphabet="$.[]'\"\\a0-1 *u", max_size=30).map("${}".format)
)
@settings(derandomize=True, max_examples=300, deadline=None)
def test_any_text_is_a_path_or_an_error(text):
    """Nothing but ValueError comes out, whatever stands in the configuration."""
    try:
        steps = parse_path(text)
    except ValueError:
        return

    assert find(steps, DOCUMENT) is not None or steps == ("null",)
