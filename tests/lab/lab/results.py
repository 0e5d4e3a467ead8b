"""`python -m lab.results`: plays scenarios with and without the boost and writes the table, RESULTS.md.

Each scenario has a laboratory of its own, so that none is answered from what another left behind. What is written
is what was measured: a wrong answer is in the table with what was said instead.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import click
import msgspec
from lab import scenario
from lab.monitor_config import PACES

from monitor import __version__

FILE = scenario.FOLDER.parent / "RESULTS.md"
# The longest that a laboratory may take for its one scenario: warming up, answering, closing.
_SECONDS_EACH = 600
# Those that show what the boost is worth: found by vantages, found by BGP, and at the server.
_UNBOOSTED = ("overload", "crash", "subprefix-blackhole", "subprefix-hijack", "exact-hijack", "vantage-fault")
Outcome = dict[str, Any]
_STARTED = time.time()


@click.command()
@click.argument("names", nargs=-1)
@click.option("--into", type=click.Path(path_type=Path), default=FILE, show_default=True)
@click.option(
    "--keep", type=click.Path(path_type=Path),
    help="Folder that keeps every laboratory's own folder, and its outcome; what it has is not played again.",
)  # fmt: skip
@click.option("--lanes", type=click.IntRange(1, 16), default=2, show_default=True, help="Laboratories at a time.")
def main(names: Sequence[str], into: Path, keep: Path | None, lanes: int) -> None:
    """Measure scenarios NAMES, default all, and write the table."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    wanted = names or scenario.names()
    boosted = _played(wanted, "steady", keep, lanes)
    unboosted = _played([name for name in _UNBOOSTED if name in wanted], "unboosted", keep, lanes)
    into.write_text("\n".join(table(boosted, unboosted, since=_oldest(keep))) + "\n", encoding="utf-8")


def _oldest(keep: Path | None) -> datetime:
    """When the oldest kept outcome was played; the program's own start when none is."""
    times = [_STARTED] if keep is None else [outcome.stat().st_mtime for outcome in keep.glob("*.json")]
    return datetime.fromtimestamp(min(times, default=_STARTED), UTC)


def _played(names: Sequence[str], pace: str, keep: Path | None, lanes: int) -> dict[str, Outcome | None]:
    """Each scenario's outcome in a laboratory of its own; None where that broke."""
    with ThreadPoolExecutor(lanes) as pool:
        return dict(zip(names, pool.map(lambda name: _play(name, pace, keep), names), strict=True))


def _play(name: str, pace: str, keep: Path | None) -> Outcome | None:
    """Play one, unless its outcome is kept already."""
    if keep is None:
        return _played_now(name, pace, ())
    outcome = keep / f"{pace}-{name}.json"
    if outcome.exists():
        return msgspec.json.decode(outcome.read_bytes(), type=Outcome)
    found = _played_now(name, pace, ("--keep", str(keep / f"{pace}-{name}")))
    if found is not None:
        outcome.write_bytes(msgspec.json.encode(found))
    return found


def _played_now(name: str, pace: str, kept: tuple[str, ...]) -> Outcome | None:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "lab", name, "--pace", pace, "--json", *kept],
            stdout=subprocess.PIPE, timeout=_SECONDS_EACH, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    lines = done.stdout.splitlines()
    return msgspec.json.decode(lines[0], type=Outcome) if lines else None


def table(
    boosted: dict[str, Outcome | None], unboosted: dict[str, Outcome | None], *, since: datetime
) -> Iterator[str]:
    """The file's lines. `since`: when the measuring began."""
    steady = PACES["steady"]
    right = [name for name, outcome in boosted.items() if outcome is not None and _is_right(outcome)]
    yield "# What the monitor said in the laboratory"
    yield ""
    yield (
        f"Measured {since:%Y-%m-%d %H:%M} to {datetime.now(UTC):%H:%M} UTC with whydown {__version__} by"
        f" `make lab-results`, on {os.cpu_count()} processors with a load of {os.getloadavg()[2]:.0f},"
        f" Linux {platform.release()}. `make lab` shows what is played on."
    )
    yield ""
    yield (
        f"HTTP every {steady.interval_s:g} s, traceroute every {steady.trace_s:g} s, DNS every {steady.dns_s:g} s;"
        f" boosted every {steady.boost_s:g} s. Seconds count from the last deed of the scenario to the right cause"
        " named for good, and to the mail in the SMTP server's hands. The vantages truly hit are read from the"
        " kernels' forwarding tables."
    )
    yield ""
    yield f"**{len(right)} of {len(boosted)} right.** {_times(boosted)}"
    yield ""
    yield "| scenario | expected | said | vantages | cause, s | mail, s | cause without boost, s |"
    yield "|---|---|---|---|---:|---:|---:|"
    for name, outcome in boosted.items():
        yield from _rows(name, outcome, unboosted.get(name))


def _rows(name: str, outcome: Outcome | None, without: Outcome | None) -> Iterator[str]:
    if outcome is None:
        yield f"| {name} | | the laboratory broke | | | | |"
        return
    slower = {answer["expected"]: answer for answer in (without or {}).get("answers", [])}
    for answer in outcome["answers"]:
        said = "right" if answer["right_cause"] else answer["given"]
        vantages = "right" if answer["right_vantages"] else f"{', '.join(answer['given_vantages']) or 'none'}"
        seconds = _seconds(slower.get(answer["expected"], {}).get("cause_s"))
        yield (
            f"| {name} | {answer['expected']} | {said} | {vantages} | {_seconds(answer['cause_s'])}"
            f" | {_seconds(answer['mail_s'])} | {seconds} |"
        )
    if not outcome["answers"]:
        yield f"| {name} | nothing | {'right' if _is_right(outcome) else 'see below'} | | | | |"
    for alarm in outcome["false_alarms"]:
        yield f"| {name} | | **false alarm**: {alarm} | | | | |"
    if outcome["not_staged"]:
        yield f"| {name} | | the laboratory failed: {outcome['not_staged']} | | | | |"
    if outcome["closed_s"] is None:
        yield f"| {name} | | an incident stayed open after the trouble was over | | | | |"


def _is_right(outcome: Outcome) -> bool:
    return (
        all(answer["right_cause"] and answer["right_vantages"] for answer in outcome["answers"])
        and not outcome["false_alarms"]
        and outcome["closed_s"] is not None
        and not outcome["not_staged"]
    )


def _times(outcomes: dict[str, Outcome | None]) -> str:
    answers = [answer for outcome in outcomes.values() if outcome is not None for answer in outcome["answers"]]
    causes = sorted(answer["cause_s"] for answer in answers if answer["cause_s"] is not None)
    mails = [answer["mail_s"] - answer["cause_s"] for answer in answers if answer["mail_s"] is not None]
    if len(causes) < 2:
        return ""
    cuts = quantiles(causes, n=20, method="inclusive")
    return (
        f"Time to the right cause, where it was named: median {cuts[9]:.1f} s, 95 % within {cuts[18]:.1f} s;"
        f" to the mail at most {max(mails, default=0.0):.1f} s more."
    )


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


if __name__ == "__main__":
    main()
