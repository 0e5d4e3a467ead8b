"""One value of a JSON document by its path: the singular queries of JSONPath (RFC 9535 section 2.3.5.1). Pure.

    $.status    $['two words']    $.checks[0].state    $.queue[-1]

A singular query names at most one value, so an expectation on it is true or false. What RFC 9535 has besides
(wildcards, slices, filters, descent) names any number of values and can cost a hostile document's square; it
is refused, not ignored.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

Steps = tuple[str | int, ...]
"""Member names and array indexes, from the root."""

NOTHING = object()
"""There is no value at the path: not the same as null, which is one."""

_MAX_INDEX = 2**53 - 1  # RFC 9535 section 2.1: the range of I-JSON (RFC 7493)
_NAME = r"[A-Za-z_\u0080-\uD7FF\uE000-\U0010FFFF][A-Za-z0-9_\u0080-\uD7FF\uE000-\U0010FFFF]*"
_SEGMENT = re.compile(
    rf"""[ \t\n\r]*(?:
        \.(?P<name>{_NAME})
      | \[(?P<index>0|-?[1-9][0-9]{{0,15}})\]
      | \['(?P<single>(?:[^'\\\x00-\x1f]|\\.)*)'\]
      | \["(?P<double>(?:[^"\\\x00-\x1f]|\\.)*)"\]
    )""",
    re.VERBOSE,
)


# What a name in single quotes has differently: its own quotation mark is escaped, the other one is not.
_IN_DOUBLE = {"\\'": "'", '"': '\\"', '\\"': "\\x"}  # \x is no escape of JSON, so it is refused


@lru_cache(maxsize=1024)
def parse_path(text: str) -> Steps:
    """The steps of a path.

    :raises ValueError: it is not a singular query; the message names the place
    """
    if not text.startswith("$"):
        raise ValueError(f"a JSON path starts with $: {text[:80]!r}")
    at = 1
    steps: list[str | int] = []
    while at < len(text):
        segment = _SEGMENT.match(text, at)
        if segment is None:
            raise ValueError(f"not .name, ['name'] or [index] at character {at} of the JSON path {text[:80]!r}")
        steps.append(_step(segment))
        at = segment.end()
    return tuple(steps)


def find(steps: Steps, document: object) -> object:
    """The value at the path in a decoded document; NOTHING where there is none."""
    value = document
    for step in steps:
        if isinstance(step, str):
            value = value.get(step, NOTHING) if isinstance(value, dict) else NOTHING
        elif isinstance(value, list) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return NOTHING
    return value


def _step(segment: re.Match[str]) -> str | int:
    if segment["name"] is not None:
        return segment["name"]
    if segment["index"] is not None:
        index = int(segment["index"])
        if abs(index) > _MAX_INDEX:
            raise ValueError(f"an index of a JSON path is beyond {_MAX_INDEX}: {index}")
        return index
    quoted = segment["double"]
    if quoted is None:
        quoted = re.sub(r"\\.|\"", lambda part: _IN_DOUBLE.get(part[0], part[0]), segment["single"])
    try:
        return msgspec.json.decode(f'"{quoted}"', type=str)
    except msgspec.DecodeError as exc:
        raise ValueError(f"a name in a JSON path is not a string: {exc}") from exc
