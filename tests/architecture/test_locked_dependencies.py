"""The pins that `make` installs: complete, exact, and silent about where packages come from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from monitor import __version__


@pytest.fixture(scope="module")
def pins(repository: Path) -> dict[str, str]:
    """Name to version, from the lock's `name==version` lines."""
    text = (repository / ".ci" / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)$", text, re.MULTILINE))


@pytest.fixture(scope="module")
def description(repository: Path) -> dict[str, dict[str, object]]:
    """pyproject.toml."""
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))


def test_lock_holds_pins_and_nothing_else(repository: Path) -> None:
    """No address, option, path or open range: the machine that installs knows its own index."""
    text = (repository / ".ci" / "requirements.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert lines
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*", line)] == []
    assert "/" not in text


def test_each_dependency_is_pinned_within_its_range(
    pins: dict[str, str], description: dict[str, dict[str, object]]
) -> None:
    """Runtime, demo and development alike, so that the ranges and the pins cannot drift apart."""
    project = description["project"]
    extras, groups = project["optional-dependencies"], description["dependency-groups"]
    wanted = [*project["dependencies"], *extras["demo"], *groups["dev"]]  # type: ignore[misc, index]
    requirements = [Requirement(line) for line in wanted]

    assert len(requirements) > 10
    for requirement in requirements:
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}"


def test_version_is_the_same_everywhere(description: dict[str, dict[str, object]]) -> None:
    """`whydown --version` and the package's description."""
    assert description["project"]["version"] == __version__
