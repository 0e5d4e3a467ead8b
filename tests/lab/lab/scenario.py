"""A scenario as a value, read from a small TOML file: what is done to the laboratory, and what is true then. Pure.

    title = "…"
    slow = true                      # not in the core set
    [[before]]                       # what has been, for a while, and is over when the scenario begins
    [[do]]                           # done in order; the last one is when the trouble begins
    deed = "announce"
    network = 64511
    prefix = "198.18.3.0/24"
    [[expect]]                       # none: nothing may fire
    cause = "route.hijack"
    kind = "subprefix"
    affected = "diverted"            # whom: see `Whom`, or a list of names

Ground truth of whom it hits is not written here: it is read from the kernels' forwarding tables.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from monitor.model.verdict import Cause

FOLDER = Path(__file__).resolve().parent.parent / "scenarios"


class Whom(StrEnum):
    """Which vantages a trouble hits, as a question to the laboratory."""

    ALL = "all"
    DIVERTED = "diverted"
    """Those whose packets go another way, or to another end, than in peace; to the host `towards`."""
    CROSSING = "crossing"
    """Those whose packets, or the answers to them, cross the link `over`."""
    ANY = "any"
    """Not judged: where answers, or the service's own calls, go a longer way, others may feel it a little."""


class Expectation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One incident that is right. Fields that are None may be anything.

    `optional`: it may be missing. `target` empty: a vantage's own fault.
    """

    cause: Cause
    optional: bool = False
    target: str = "check-in"
    affected: Whom | tuple[str, ...] = Whom.ALL
    towards: str = "service"
    over: str = ""
    kind: str | None = None
    effect: str | None = None
    prefix: str | None = None
    origin: int | None = None


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One scenario. `calm_s`: how long nothing may fire, where nothing is expected; `limit_s`: for an answer.

    `late`: a vantage whose measurements of the trouble the hub gets when it is over.
    """

    title: str
    before: tuple[dict[str, Any], ...] = ()
    do: tuple[dict[str, Any], ...] = ()
    expect: tuple[Expectation, ...] = ()
    slow: bool = False
    late: str = ""
    calm_s: float = 15.0
    limit_s: float = 60.0
    name: str = ""


class ScenarioError(ValueError):
    """A scenario's file is not one; says which and why."""


def read(name: str) -> Scenario:
    """The scenario of that name.

    :raises ScenarioError: there is none, or it is not one
    """
    path = FOLDER / f"{name}.toml"
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=Scenario)
    except (OSError, msgspec.MsgspecError) as error:
        raise ScenarioError(f"{path.name}: {error}") from error
    return msgspec.structs.replace(found, name=name)


def names() -> tuple[str, ...]:
    """All scenarios there are."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
