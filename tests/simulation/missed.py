"""Of hijacks, how many left a trace at all, and how many were named: `python tests/simulation/missed.py RESULTS`

RESULTS is what `run.py --results` keeps. What a hijack left is told from the world and from what was recorded of
it, whatever was said of it:

- *heard*: a peer of a collector took a way by the hijacker, and the folder has routes;
- *key*: while it lasted somebody answered with a key that nobody had met before;
- *path*: while it lasted a traceroute of a vantage whose packets it took shows a network that none of that
  vantage's had shown before, and the folder says whose the routers are.

A black hole that left none looks like a silent server to whom it swallows, an impostor without TLS like the
server's own mistake, and an interception like a longer way: no monitor can tell these, and none should guess. So
recall is given twice, over all hijacks and over those that left a trace. A trace need not be enough: a forged
origin is heard as a new neighbour of the origin, which any peering is, and packets of a lone network that die
behind its other provider may have met that provider's own fault.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from playing import Ledger, LedgerError, Played
from simulator.cast import Vantage
from simulator.folder import write
from simulator.kinds import KINDS
from simulator.play import world_of
from simulator.world import Truth, World

from monitor.diagnose import Fact
from monitor.evaluate import FULL, Pair
from monitor.model.prefix import as_address
from monitor.model.verdict import Cause
from monitor.replay import Folder, read_folder
from probes.observation import HttpObservation, TraceObservation

HIJACK = Cause.ROUTE_HIJACK.value
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
    heard = world.setting.recorded.routes and _is_heard(world, truth)
    with TemporaryDirectory() as folder:
        write(world, Path(folder))
        recorded = read_folder(Path(folder), _never)
    return Trace(
        kind=str(truth.hijack["kind"]),
        effect=str(truth.hijack["effect"]),
        heard=heard,
        key=bool(_new_keys(recorded, truth)),
        path=any(_new_networks(recorded, truth, one.name) for one in world.setting.vantages if _taken(world, one)),
    )


def _never(path: Path, line: int, why: str) -> None:
    raise AssertionError(f"{path}:{line}: {why}")


def _parted(facts: Iterable[Fact], truth: Truth, of: Callable[[Fact], Iterable[object]]) -> set[object]:
    """What facts tell of the target while a hijack lasts, and not before."""
    found: dict[bool, set[object]] = {False: set(), True: set()}
    for fact in facts:
        measured = isinstance(fact, HttpObservation | TraceObservation) and fact.target == truth.target
        if measured and fact.at < truth.span.end:
            found[fact.at >= truth.span.start].update(of(fact))
    return found[True] - found[False]


def _new_keys(recorded: Folder, truth: Truth) -> set[object]:
    def of(fact: Fact) -> Iterator[object]:
        if isinstance(fact, HttpObservation) and fact.spki_sha256 is not None:
            yield fact.spki_sha256

    return _parted(recorded.facts, truth, of)


def _new_networks(recorded: Folder, truth: Truth, vantage: str) -> set[object]:
    table = recorded.knowledge.prefix_table

    def of(fact: Fact) -> Iterator[object]:
        if table is None or not isinstance(fact, TraceObservation) or fact.vantage != vantage:
            return
        for hop in fact.hops:
            address = as_address(hop.address or "")
            if address is not None and hop.address != fact.address:
                yield from table.lookup(address) or ()

    return _parted(recorded.facts, truth, of)


def _taken(world: World, vantage: Vantage) -> bool:
    """Whether packets of a vantage were taken from any address."""
    at = next(one.span.start for one in world.truths if one.hijack) + SETTLED_S
    deliveries = (world.routing.deliver(vantage.asn, address, at) for address in world.main.addresses)
    return any(delivery.taken is not None for delivery in deliveries)


def _is_heard(world: World, truth: Truth) -> bool:
    """Whether any peer of a collector took a way by the hijacker."""
    return any(
        truth.culprit in routes.get(peer.asn, ())
        for epochs in world.routing.epochs.values()
        for begun, routes in epochs
        if begun >= truth.span.start
        for peer in world.setting.peers
    )


Traced = tuple[str, Trace, str]
"""The kind of a play, what its hijack left, and what was named."""


def traced(played: list[Played], processes: int = 1) -> Counter[Traced]:
    """What each hijack left and what was named, to how many."""
    hijacks = [(one.kind, one.seed, pair.given) for one in played for pair in one.pairs[FULL] if _is_hijack(pair)]
    kinds, seeds = [kind for kind, _, _ in hijacks], [seed for _, seed, _ in hijacks]
    if processes == 1:
        traces = list(map(trace_of, kinds, seeds))
    else:
        with ProcessPoolExecutor(processes) as pool:
            traces = list(pool.map(trace_of, kinds, seeds, chunksize=8))
    return Counter((kind, trace, given) for (kind, _, given), trace in zip(hijacks, traces, strict=True))


def _is_hijack(pair: Pair) -> bool:
    return pair.truth == HIJACK


def as_markdown(found: Counter[Traced]) -> str:
    """Recall over all hijacks and over those that left a trace, and the table of those that were not named."""
    lines = ["| hijacks | all kinds | held-out kinds | kinds fitted on |", "| --- | --- | --- | --- |"]
    for name, left in (("all", (True, False)), ("that left a trace", (True,)), ("that left none", (False,))):
        of = {key: count for key, count in found.items() if key[1].any in left}
        cells = [_recall({key: count for key, count in of.items() if wanted(key[0])}) for wanted in _COLUMNS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines += ["", "| not named, and what it left | named instead | hijacks |", "| --- | --- | --- |"]
    missed: Counter[tuple[str, str]] = Counter()
    for (_, trace, given), count in found.items():
        if given != HIJACK:
            missed[str(trace), given] += count
    lines += [f"| {trace} | {given} | {count} |" for (trace, given), count in missed.most_common()]
    return "\n".join(lines)


_COLUMNS: tuple[Callable[[str], bool], ...] = (
    lambda kind: True,
    lambda kind: KINDS[kind].held_out,
    lambda kind: not KINDS[kind].held_out,
)


def _recall(found: dict[Traced, int]) -> str:
    of = sum(found.values())
    right = sum(count for (_, _, given), count in found.items() if given == HIJACK)
    return f"{right / of:.1%} ({right} of {of})" if of else "-"


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("--processes", type=int, default=2, help="worker processes (default 2)")
    options = parser.parse_args()
    try:
        print(as_markdown(traced(list(Ledger(options.results).played.values()), options.processes)))
    except LedgerError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
