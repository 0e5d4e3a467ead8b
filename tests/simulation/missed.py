"""Of hijacks that were not named: how many left a trace at all. `python tests/simulation/missed.py RESULTS`

RESULTS is what `run.py --results` keeps. A hijack leaves a trace where a peer of a collector took a way by the
hijacker, or where somebody answered in the genuine server's place. A black hole that no collector heard of looks
like a silent server to whom it swallows, and an interception of that kind like a longer way; no monitor can tell
these, and none should guess. A forged origin is heard as a new neighbour of the origin, which any peering is.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from playing import Ledger, LedgerError, Played
from simulator.play import world_of
from simulator.world import Truth, World

from monitor.evaluate import FULL
from monitor.model.verdict import Cause

HIJACK = Cause.ROUTE_HIJACK.value


def trace_of(kind: str, seed: int) -> str:
    """What the hijack of a play showed of itself."""
    world = world_of(kind, seed)
    (truth,) = (one for one in world.truths if one.hijack)
    heard = world.setting.recorded.routes and _is_heard(world, truth)
    return f"{'heard' if heard else 'unheard'} {truth.hijack['kind']}, {truth.hijack['effect']}"


def _is_heard(world: World, truth: Truth) -> bool:
    """Whether any peer of a collector took a way by the hijacker."""
    return any(
        truth.culprit in routes.get(peer.asn, ())
        for epochs in world.routing.epochs.values()
        for begun, routes in epochs
        if begun >= truth.span.start
        for peer in world.setting.peers
    )


def missed(played: list[Played]) -> Counter[tuple[str, str]]:
    """Trace and the cause that was named instead, to how many."""
    found: Counter[tuple[str, str]] = Counter()
    for one in played:
        for pair in one.pairs[FULL]:
            if pair.truth == HIJACK != pair.given:
                found[trace_of(one.kind, one.seed), pair.given] += 1
    return found


def as_markdown(played: list[Played]) -> str:
    """How many of how many, and the table of them."""
    hijacks = sum(pair.truth == HIJACK for one in played for pair in one.pairs[FULL])
    found = missed(played)
    lines = [f"{found.total()} of {hijacks} hijacks were not named.", "", "| trace | named instead | hijacks |"]
    lines += ["| --- | --- | --- |"]
    lines += [f"| {trace} | {given} | {count} |" for (trace, given), count in found.most_common()]
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
