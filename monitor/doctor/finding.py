"""A finding, and checks that run side by side, each within its time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from monitor.report.safe_text import one_line
from monitor.station.plugin_state import State

LONGEST_S = 20.0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found. `todo`: what to do about it; None: nothing."""

    check: str
    state: State
    text: str
    todo: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """`look` ends in findings, or is given up after `LONGEST_S`."""

    name: str
    look: Callable[[], Awaitable[Sequence[Finding]]]


async def examine(checks: Sequence[Check], longest_s: float = LONGEST_S) -> list[Finding]:
    """The findings of all checks, in their order; one that fails or takes too long is a finding too."""
    results = await asyncio.gather(*(_bounded(check, longest_s) for check in checks))
    return [finding for findings in results for finding in findings]


async def _bounded(check: Check, longest_s: float) -> Sequence[Finding]:
    try:
        async with asyncio.timeout(longest_s):
            return await check.look()
    except TimeoutError:
        said = f"no result within {longest_s:g} s"
    except Exception as error:
        # A check that fails must not hide what the others found.
        said = one_line(f"the check itself failed: {type(error).__name__}: {error}", 200)
    return [Finding(check=check.name, state=State.UNKNOWN, text=said)]
