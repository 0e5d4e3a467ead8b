"""Any text gives a configuration or a `ConfigError`, nothing else, with a bounded message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import Config, ConfigError, known_keys, parse_config

# A message shows the value and at most what is allowed; a file's length must not show in it.
MAX_LINE = 1_000

_KEYS = st.sampled_from(sorted({part for key in known_keys() for part in key.split(".")}))
_VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["https://a.example/", "30s", "203.0.113.0/24", "system", "ris-live", "mrt", "a@b.example"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS | st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


def _toml(value: object) -> str:
    """A value in TOML's inline form."""
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return str(value)


def _outcome(text: str) -> str:
    result = _config_or_error(text)
    if isinstance(result, Config):
        assert result.targets
        return "config"
    lines = str(result).split("\n")
    assert len(lines) == len(result.problems) > 0
    assert all(line.isprintable() and len(line) < MAX_LINE for line in lines)
    return "error"


def _config_or_error(text: str) -> Config | ConfigError:
    try:
        return parse_config(text)
    except ConfigError as error:
        return error


@settings(derandomize=True, max_examples=300)
@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    """Mostly not TOML at all."""
    _outcome(text)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.dictionaries(_KEYS, _VALUES, max_size=6))
def test_any_values_under_known_keys(document: dict[str, object]) -> None:
    """Valid TOML with the right keys and any type of value under them."""
    _outcome("".join(f"{_toml(key)} = {_toml(value)}\n" for key, value in document.items()))


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.dictionaries(_KEYS, _VALUES, max_size=6))
def test_any_values_in_a_target(keys: dict[str, object]) -> None:
    """The table with most keys, so that more than a missing name is met."""
    required = {"name": "a", "url": "https://a.example/"}
    _outcome(f"target = [{_toml(required | keys)}]\n")


@pytest.mark.parametrize(
    "text",
    [
        "target = " + "[" * 5_000,
        "target = " + "[" * 300 + "]" * 300,
        "a." * 2_000 + "a = 1",
        "number = " + "9" * 5_000,
        "[[target]]\ninterval = 0x" + "f" * 5_000,
        "[[target]]\n" * 20_000,
        '[[target]]\nname = "a"\nurl = "https://[::1"\n',
        '[[target]]\nname = "a"\nurl = "https://a.example/"\norigins = ["AS' + "9" * 5_000 + '"]\n',
        '[[target]]\nname = "a"\nurl = "https://' + "a." * 900 + '"\n',
        "a" * 100_000 + " = 1",
        "[[target]]\n[target." + "b" * 100_000 + "]\n" * 2,
        ("c" * 100_000 + " = 1\n") * 2,
        "at = 1979-05-27T07:32:00Z",
    ],
    ids=[
        "open",
        "nested",
        "dotted",
        "digits",
        "hexadecimal",
        "many",
        "bracket",
        "asn",
        "host",
        "key",
        "header",
        "twice",
        "time",
    ],
)
def test_known_ways_to_hurt_a_parser(text: str) -> None:
    """Depth, digits and counts at which Python's own limits speak up."""
    assert _outcome(text) == "error"
