"""A file with thousands of targets is read, and its mistakes stay readable."""

from __future__ import annotations

import pytest

from monitor.config import ConfigError, parse_config

COUNT = 2_000


def _target(name: str, upstream: str) -> str:
    return f'[[target]]\nname = "{name}"\nurl = "https://a.example/"\ndepends_on = ["{upstream}"]\n'


def test_circle_through_thousands_of_targets_is_one_short_message() -> None:
    """Some names of it are enough to find it."""
    text = "".join(_target(f"t{i}", f"t{(i + 1) % COUNT}") for i in range(COUNT))

    with pytest.raises(ConfigError) as caught:
        parse_config(text)

    assert len(caught.value.problems) == 1
    assert " -> … -> " in str(caught.value)
    assert len(str(caught.value)) < 200


def test_each_of_thousands_of_mistakes_has_its_line() -> None:
    """Every target depends on one that is not there."""
    text = "".join(_target(f"t{i}", "nowhere") for i in range(COUNT))

    with pytest.raises(ConfigError) as caught:
        parse_config(text)

    assert [problem.line for problem in caught.value.problems] == list(range(4, 4 * COUNT + 1, 4))
