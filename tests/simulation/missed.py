"""Of hijacks, how many left a trace at all, and how many were named: `python tests/simulation/missed.py RESULTS`

RESULTS is what `run.py --results` keeps. What a hijack left is told from the world, whatever was said of it:

- *heard*: a peer of a collector took a way by the hijacker, and the folder has routes;
- *key*: an impostor answered over TLS, where the genuine key had been seen;
- *path*: packets of a vantage that traces went through a network that its usual way does not have.

A black hole that left none looks like a silent server to whom it swallows, an impostor without TLS like the
server's own mistake, and an interception like a longer way: no monitor can tell these, and none should guess. So
recall is given twice, over all hijacks and over those that left a trace. A trace need not be enough: a forged
origin is heard as a new neighbour of the origin, which any peering is.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from playing import Ledger, LedgerError, Played
from simulator.cast import Vantage
from simulator.play import world_of
from simulator.world import Truth, World

from monitor.evaluate import FULL, Pair
from monitor.model.verdict import Cause

HIJACK = Cause.ROUTE_HIJACK.value
BLACK_HOLE = "blackhole"
SETTLED_S = 30.0
"""All networks have changed their routes so long after a hijack began."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What a hijack of one kind and effect left: see the head of this file."""

    kind: str
    effect: str
    heard: bool
    key: bool
    path: bool

    @property
    def any(self) -> bool:
        """Whether there was anything to go by."""
        return self.heard or self.key or self.path

    def __str__(self) -> str:
        left = [name for name in ("heard", "key", "path") if getattr(self, name)]
        return f"{self.kind}, {self.effect}: {' + '.join(left) or 'nothing'}"


def trace_of(kind: str, seed: int) -> Trace:
    """What the hijack of a play left."""
    world = world_of(kind, seed)
    (truth,) = (one for one in world.truths if one.hijack)
    recorded = world.setting.recorded
    effect = str(truth.hijack["effect"])
    return Trace(
        kind=str(truth.hijack["kind"]),
        effect=effect,
        heard=recorded.routes and _is_heard(world, truth),
        key=effect == "impostor"
        and world.main.https
        and any(_ways(world, truth, one) for one in world.setting.vantages),
        path=recorded.traces
        and recorded.prefix_to_as
        and any(during - before for one in world.setting.vantages for before, during in _ways(world, truth, one)),
    )


def _is_heard(world: World, truth: Truth) -> bool:
    """Whether any peer of a collector took a way by the hijacker."""
    return any(
        truth.culprit in routes.get(peer.asn, ())
        for epochs in world.routing.epochs.values()
        for begun, routes in epochs
        if begun >= truth.span.start
        for peer in world.setting.peers
    )


def _ways(world: World, truth: Truth, vantage: Vantage) -> list[tuple[set[int], set[int]]]:
    """The networks that show on a vantage's way to each address that was taken from it, before and meanwhile."""
    found = []
    for address in world.main.addresses:
        before = world.routing.deliver(vantage.asn, address, truth.span.start - 1.0)
        during = world.routing.deliver(vantage.asn, address, truth.span.start + SETTLED_S)
        if during.taken is not None:
            # Who drops packets does not answer for them either.
            shown = during.path[:-1] if during.taken.effect == BLACK_HOLE else during.path
            found.append((set(before.path), set(shown)))
    return found


def traced(played: list[Played]) -> Counter[tuple[Trace, str]]:
    """What each hijack left and what was named, to how many."""
    found: Counter[tuple[Trace, str]] = Counter()
    for one in played:
        hijacks = [pair for pair in one.pairs[FULL] if _is_hijack(pair)]
        if hijacks:
            trace = trace_of(one.kind, one.seed)
            found.update((trace, pair.given) for pair in hijacks)
    return found


def _is_hijack(pair: Pair) -> bool:
    return pair.truth == HIJACK


def as_markdown(played: list[Played]) -> str:
    """Recall over all hijacks and over those that left a trace, and the table of those that were not named."""
    found = traced(played)
    lines = ["| hijacks | named | recall |", "| --- | --- | --- |"]
    for name, wanted in (("all", (True, False)), ("that left a trace", (True,)), ("that left none", (False,))):
        of = sum(count for (trace, _), count in found.items() if trace.any in wanted)
        right = sum(count for (trace, given), count in found.items() if trace.any in wanted and given == HIJACK)
        lines.append(f"| {name} | {right} of {of} | {f'{right / of:.1%}' if of else '-'} |")
    lines += ["", "| not named, and what it left | named instead | hijacks |", "| --- | --- | --- |"]
    missed = [((trace, given), count) for (trace, given), count in found.most_common() if given != HIJACK]
    lines += [f"| {trace} | {given} | {count} |" for (trace, given), count in missed]
    return "\n".join(lines)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    try:
        print(as_markdown(list(Ledger(parser.parse_args().results).played.values())))
    except LedgerError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
