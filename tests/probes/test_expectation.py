"""Expectations on a JSON body and on its size; the others are tested through real exchanges."""

import pytest

from probes.expectation import Answer, Expect, missed
from probes.failure_word import Failure

BODY = '{"status": "ok", "depth": 0, "up": true, "ratio": 0.5, "nothing": null, "list": [1]}'


def misses(body, size=None, **fields):
    """What an answer with this body misses, by name and text."""
    answer = Answer(
        status=200,
        headers=(),
        body=body,
        body_bytes=len(body or "") if size is None else size,
        wait_s=0.1,
        total_s=0.1,
    )
    return [(miss.name, miss.word, miss.text) for miss in missed(Expect(**fields), answer)]


@pytest.mark.parametrize(
    "pairs",
    [
        (("$.status", "ok"),),
        (("$.depth", 0), ("$.up", True), ("$.ratio", 0.5)),
        (("$.depth", 0.0), ("$.list[0]", 1)),
        (),
    ],
)
def test_values_that_are_there_miss_nothing(pairs):
    """Each pair holds; whole and broken numbers compare by value."""
    assert misses(BODY, body_json=pairs) == []
    assert misses("\ufeff" + BODY, body_json=pairs) == []


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        (("$.status", "down"), 'body_json $.status is "ok", expected "down"'),
        (("$.up", 1), "body_json $.up is true, expected 1"),
        (("$.depth", False), "body_json $.depth is 0, expected false"),
        (("$.depth", "0"), 'body_json $.depth is 0, expected "0"'),
        (("$.nothing", ""), 'body_json $.nothing is null, expected ""'),
        (("$.absent", ""), 'body_json $.absent is missing, expected ""'),
        (("$.list", 1), "body_json $.list is an array, expected 1"),
        (("$", "ok"), 'body_json $ is an object, expected "ok"'),
    ],
)
def test_other_value_is_named(pair, text):
    """The first path that differs, what is there and what should be; true is not 1."""
    assert misses(BODY, body_json=(("$.status", "ok"), pair)) == [("body_json", Failure.BODY_UNEXPECTED, text)]


@pytest.mark.parametrize("body", ["", "ok", "{", "[" * 100_000, '{"a": NaN}', "9" * 10_000 + "x"])
def test_body_that_is_not_json_is_said_to_be_none(body):
    """Also one that is nested a hundred thousand deep."""
    ((name, word, text),) = misses(body, body_json=(("$.status", "ok"),))

    assert (name, word) == ("body_json", Failure.BODY_UNEXPECTED)
    assert text.startswith("body is not JSON: ")


def test_body_that_was_not_read_is_not_judged():
    """A part of a document is no evidence of the whole."""
    assert misses(None, body_json=(("$.status", "ok"),)) == []


@pytest.mark.parametrize(("size", "names"), [(100, []), (101, ["max_body"]), (0, [])])
def test_size_limit_is_exact(size, names):
    """A body of just the limit is within it; also one that was not read to its end has a size."""
    assert [name for name, *_ in misses(None, size, max_body=100)] == names


def test_weightier_misses_come_first():
    """Content explains more than size, size more than slowness."""
    found = misses(BODY, size=2000, body_json=(("$.depth", 1),), max_body=1000, max_wait=0.01)

    assert [name for name, *_ in found] == ["body_json", "max_body", "max_wait"]


def test_path_that_is_none_is_refused_when_it_is_written():
    """Not at the first answer."""
    with pytest.raises(ValueError, match="JSON path"):
        Expect(body_json=(("status", "ok"),))
