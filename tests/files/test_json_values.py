"""Values of a stream: one a line, or an array's elements, told apart by the first character."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.files import json_values
from monitor.files.json_values import Value


class _Dripping(io.BytesIO):
    """Gives at most `step` bytes at a time, as a slow pipe does."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self._step = step

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(self._step, size) if size is not None and size >= 0 else self._step)


def _values(data: bytes, limit: int = 1000, step: int = 1 << 16) -> list[Value]:
    return list(json_values(_Dripping(data, step), limit))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b'{"a":1}\n\n{"b":2}\n', [(1, b'{"a":1}\n'), (3, b'{"b":2}\n')]),
        (b"[]", []),
        (b'[{"a":[1,{"b":2}]},\n {"c":"]},{"}]\n', [(1, b'{"a":[1,{"b":2}]}'), (2, b'{"c":"]},{"}')]),
        (b'  [\n{"a":1}\n,\n\n{"b":2}\n]', [(2, b'{"a":1}'), (5, b'{"b":2}')]),
        (b'[{"a":"\\\\"},{"b":"\\","}]', [(1, b'{"a":"\\\\"}'), (1, b'{"b":"\\","}')]),
        (b'[1,"x",null]', [(1, b"1"), (1, b'"x"'), (1, b"null")]),
    ],
)
def test_lines_and_arrays(data: bytes, expected: list[Value]) -> None:
    """Commas and brackets in strings and in nested values cut nothing; lines are counted all the same."""
    assert _values(data) == expected
    assert _values(data, step=1) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'[{"a":1},{"b', [b'{"a":1}', b'{"b']),
        (b'[{"a":1}] and more', [b'{"a":1}', b"and more"]),
        (b'[{"a":1}},{"b":2}]', [b'{"a":1}', b'{"b":2}']),
        (b"[}{]", [b"{]"]),
    ],
)
def test_what_is_no_json_comes_out_for_the_parser_to_refuse(data: bytes, expected: list[bytes]) -> None:
    """Torn, trailing and wrongly nested text; the good elements before it are whole."""
    assert [value for _, value in _values(data)] == expected


@pytest.mark.parametrize("step", [1, 7, 1 << 16])
def test_a_value_above_the_limit_is_none(step: int) -> None:
    """In both forms, and the values around it are kept."""
    long = b'"' + b"x" * 100 + b'"'

    assert _values(b"[1,\n" + long + b",\n3]", 50, step) == [(1, b"1"), (2, None), (3, b"3")]
    assert _values(b"1\n" + long + b"\n3\n", 50, step) == [(1, b"1\n"), (2, None), (3, b"3\n")]


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=6) | st.sampled_from(["\\", '"', "],[", "\n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(VALUES, max_size=6), st.sampled_from([None, 1]), st.integers(1, 9))
@settings(max_examples=150, derandomize=True)
def test_an_array_is_cut_where_json_has_it(values: list[object], indent: int | None, step: int) -> None:
    """Whatever it holds, however it is laid out, and wherever the stream pauses."""
    data = json.dumps(values, indent=indent).encode()

    assert [json.loads(value or b"") for _, value in _values(data, 10_000, step)] == values
