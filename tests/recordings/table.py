"""Writes tests/recordings/table.md: `python tests/recordings/table.py DATA_FOLDER` (needs the recordings).

Every figure in the table is measured by this command, through the same decoder and detector as live.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from measure import ordinary, run, together
from ordinary import FILES, WHY
from peering import EXPERIMENTS, play
from recorded import HIJACKS, TELEGRAM

from monitor.bgp.episodes import EpisodeKind

DECLARED = {"telegram": (62041,), "prepend_135700": (61681,)}
"""Rightful origins of the recordings that hold no table of before."""

SHOWN = 6

HEAD = """# Real recordings through the detector

Made by `python tests/recordings/table.py DATA_FOLDER`; the recordings lie outside the repository. Each row was
turned into a RIS Live message and decoded as such. *Late* counts from the first message with the labelled route
to the episode. *Peers* is the height of the episode, of the peers that had a route to the space.

## Labelled events

| recording | messages | bad | kind | prefix | origin | late | peers | collectors | besides |
|---|---|---|---|---|---|---|---|---|---|"""

PEERING = """
## Controlled hijacks (PEERING)

The second site announces the same prefix and origin behind a neighbour of its own.

| experiment | peers that took the second route | episode |
|---|---|---|"""

ORDINARY = f"""
## Ordinary minutes

A thousand prefixes of each file, drawn by a seed, with nothing declared, no table of before and no VRPs. *Taken*
are the episodes that could open an incident, the first {SHOWN} of them.

| file | elements | watched | episodes | taken |
|---|---|---|---|---|"""


def declared(name: str) -> tuple[int, ...]:
    """The origins to declare for a recording."""
    return next((origins for start, origins in DECLARED.items() if name.startswith(start)), ())


def _counts(kinds: Counter[EpisodeKind]) -> str:
    return ", ".join(f"{count} {kind.value}" for kind, count in sorted(kinds.items())) or "nothing"


def labelled(data: Path) -> Iterator[str]:
    """One row a recording."""
    for recording in HIJACKS + TELEGRAM:
        seen = run(recording, data, declared(recording.name))
        if seen.episode is None:
            yield f"| {recording.name} | {seen.messages} | {seen.bad} | **missed** | | | | | | |"
            continue
        found = seen.episode
        yield (
            f"| {recording.name} | {seen.messages} | {seen.bad} | {found.kind.value} | {found.prefix} "
            f"| AS{found.origin} | {seen.late_messages} messages, {seen.late_s:g} s "
            f"| {found.peers} of {found.peers_of} ({found.share:.0%}) | {found.collectors} "
            f"| {_counts(seen.others)} |"
        )


def telegram_at_once(data: Path) -> str:
    """What one watch over all of Telegram's recorded prefixes says in that day."""
    kinds = together(TELEGRAM, data, declared("telegram"))
    return f"\nAll {len(TELEGRAM)} prefixes of Telegram in one watch: {_counts(kinds)}."


def experiments(data: Path) -> Iterator[str]:
    """One row an experiment."""
    for name, before, during in EXPERIMENTS:
        found, taken, had = play(data, name, before, during)
        shown = "**missed**" if found is None else f"{found.kind.value}, {found.peers} of {found.peers_of} peers"
        yield f"| {name} | {taken} of {had} | {shown} |"


def usual_minutes(data: Path) -> Iterator[str]:
    """One row a stretch of ordinary updates, then each prefix that looks taken."""
    for name, files in FILES:
        seen = ordinary([data / "mrt" / file for file in files])
        taken = "".join(
            f"; {one.prefix} AS{one.offender}, not AS{min(one.expected)} ({one.peers} of {one.peers_of} peers)"
            for one in seen.taken[:SHOWN]
        )
        yield f"| {name} | {seen.facts} | {seen.watched} | {_counts(seen.kinds)} | {len(seen.taken)}{taken} |"
    yield ""
    yield from (f"- {name}: {why}" for name, why in WHY.items())


def main() -> None:
    """Write the table beside this file."""
    data = Path(sys.argv[1])
    parts = [
        HEAD,
        *labelled(data),
        telegram_at_once(data),
        PEERING,
        *experiments(data),
        ORDINARY,
        *usual_minutes(data),
        "",
    ]
    text = "\n".join(parts)
    Path(__file__).with_name("table.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
