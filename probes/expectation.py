"""What a good answer looks like, and which of it an answer misses. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from probes.failure_word import Failure
from probes.json_path import NOTHING, find, parse_path
from probes.pattern import read_pattern

JsonScalar = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """The expectations on an answer. `checks_failed` of an observation names them by these fields' names.

    `status`: accepted codes; empty accepts all. `headers`: (name, text that one of its values must
    contain). `max_wait`, `max_total`: seconds, from request sent to first byte and for the whole exchange.
    `body_regex` is found in the body, in RE2's syntax (`probes.pattern`).
    `body_json`: (path, value) pairs that a JSON body must hold, paths as in `probes.json_path`. `max_body`:
    bytes of the decoded body.

    :raises ValueError: `body_regex` is not a regular expression, or a path no JSON path
    """

    status: tuple[int, ...] = (200,)
    body_contains: str | None = None
    body_regex: str | None = None
    body_json: tuple[tuple[str, JsonScalar], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    max_body: int | None = None
    max_wait: float | None = None
    max_total: float | None = None

    def __post_init__(self) -> None:
        try:
            read_pattern(self.body_regex or "")
        except ValueError as exc:
            raise ValueError(f"body_regex is not a regular expression that RE2 takes: {exc}") from exc
        for path, _ in self.body_json:
            parse_path(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is checked. `body` None: not read to its end; `headers` with lower-case names.

    `body_bytes`: its decoded size; of a body that was not read to its end, as far as is known.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str | None
    body_bytes: int
    wait_s: float
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """One expectation that an answer misses: its name in `Expect`, the failure word, and what was seen instead."""

    name: str
    word: Failure
    text: str


def missed(expect: Expect, answer: Answer) -> tuple[Missed, ...]:
    """What `answer` misses, the weightiest first: a wrong status explains a wrong body, and both explain
    more than slowness does. A body that was not read is not judged."""
    return (
        *_status(expect, answer),
        *_headers(expect, answer),
        *_body(expect, answer),
        *_size(expect, answer),
        *_speed("max_wait", expect.max_wait, answer.wait_s),
        *_speed("max_total", expect.max_total, answer.total_s),
    )  # fmt: skip


def _status(expect: Expect, answer: Answer) -> Iterator[Missed]:
    if expect.status and answer.status not in expect.status:
        allowed = ", ".join(str(code) for code in expect.status[:5]) + (", ..." if len(expect.status) > 5 else "")
        text = f"status {answer.status}, expected {allowed}"
        yield Missed(name="status", word=Failure.STATUS_UNEXPECTED, text=text)


def _headers(expect: Expect, answer: Answer) -> Iterator[Missed]:
    for name, text in expect.headers:
        if not any(name.lower() == given and text in value for given, value in answer.headers):
            yield Missed(name="headers", word=Failure.HEADER_UNEXPECTED, text=f"no header {name} has {text!r}")
            return  # one entry in checks_failed, however many headers were expected


def _body(expect: Expect, answer: Answer) -> Iterator[Missed]:
    if answer.body is None:
        return
    if expect.body_contains is not None and expect.body_contains not in answer.body:
        text = f"body lacks {expect.body_contains!r}"
        yield Missed(name="body_contains", word=Failure.BODY_UNEXPECTED, text=text)
    if expect.body_regex is not None and not read_pattern(expect.body_regex).search(answer.body):
        text = f"body does not match {expect.body_regex!r}"
        yield Missed(name="body_regex", word=Failure.BODY_UNEXPECTED, text=text)
    if expect.body_json and (text := _json_text(expect.body_json, answer.body)):
        yield Missed(name="body_json", word=Failure.BODY_UNEXPECTED, text=text)


def _json_text(expected: tuple[tuple[str, JsonScalar], ...], body: str) -> str:
    """What is wrong with a JSON body, the first path of it; empty when nothing is."""
    try:
        document = msgspec.json.decode(body.removeprefix("\ufeff"))
    except (msgspec.DecodeError, RecursionError) as exc:
        return f"body is not JSON: {exc}"
    for path, value in expected:
        found = find(parse_path(path), document)
        if not _is_same(found, value):
            return f"body_json {path} is {_shown(found)}, expected {_shown(value)}"
    return ""


def _is_same(found: object, value: JsonScalar) -> bool:
    """Whether two JSON values are the same; in Python, true equals 1."""
    return isinstance(found, bool) is isinstance(value, bool) and found == value


def _shown(found: object) -> str:
    if found is NOTHING:
        return "missing"
    if isinstance(found, dict | list):
        return "an object" if isinstance(found, dict) else "an array"
    return msgspec.json.encode(found[:60] if isinstance(found, str) else found).decode()


def _size(expect: Expect, answer: Answer) -> Iterator[Missed]:
    if expect.max_body is not None and answer.body_bytes > expect.max_body:
        text = f"max_body is {expect.max_body} bytes, the body has {answer.body_bytes}"
        yield Missed(name="max_body", word=Failure.BODY_TOO_LARGE, text=text)


def _speed(name: str, limit_s: float | None, took_s: float) -> Iterator[Missed]:
    if limit_s is not None and took_s > limit_s:
        yield Missed(name=name, word=Failure.TOO_SLOW, text=f"{name} is {limit_s:g} s, took {took_s:.3f} s")
