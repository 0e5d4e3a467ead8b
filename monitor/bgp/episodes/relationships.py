"""Who is whose provider, customer or peer, and whether a path breaks the export rules. Pure.

Reads CAIDA's AS relationships, serial-1 and serial-2: `provider|customer|-1`, `peer|peer|0`, `#` comments.
A path is valley-free (Gao 2001): seen from its origin it climbs from customers to providers, crosses at
most one peering, then descends. A network that hands a route of one provider or peer to another leaks it
(RFC 7908 types 1 to 4). Links of unknown relationship prove nothing, so they never make a valley.

Without a file the networks without providers are known all the same, and they are each other's peers: a path
that leaves them and comes back to them was leaked by whoever stands between (the check of Snijders' "peerlock").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

from monitor.model import Asn

TRANSIT_FREE = frozenset(
    map(Asn, (174, 701, 1239, 1299, 2914, 3257, 3320, 3356, 5511, 6453, 6461, 6762, 6830, 7018, 12956))
)
"""Networks that buy no transit, as commonly listed in 2020-2026; between two of them lies a peering."""

MAX_RELATIONS = 2_000_000
"""CAIDA's file of 2026 has about 700,000."""

_KEPT_ERRORS = 8


class Step(IntEnum):
    """What the next network towards the collector is to the one that hands it the route."""

    PROVIDER = 1
    PEER = 0
    CUSTOMER = -1


@dataclass(frozen=True, slots=True)
class Valley:
    """A network that handed a route on that it should have kept: from `source`, to `sink`."""

    source: Asn
    leaker: Asn
    sink: Asn


class Relationships:
    """The relationships known. `bad`: lines passed over, of which `errors` names the first."""

    def __init__(self) -> None:
        self.bad = 0
        self.errors: list[str] = []
        self._providers: set[tuple[Asn, Asn]] = set()
        self._peers: set[tuple[Asn, Asn]] = set()
        self._told: set[Asn] = set()
        self._sellers: set[Asn] = set()

    def __len__(self) -> int:
        return len(self._providers) + len(self._peers)

    @classmethod
    def parse(cls, lines: Iterable[str]) -> Relationships:
        """Read lines of a relationship file; a bad line is counted, and the rest goes on."""
        made = cls()
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            if len(made) >= MAX_RELATIONS:
                made._reject(number, f"more than {MAX_RELATIONS} relations")
                break
            made._take(number, text)
        return made

    def step(self, giver: Asn, taker: Asn) -> Step | None:
        """What `taker` is to `giver`; None: not known."""
        if (taker, giver) in self._providers:
            return Step.PROVIDER
        if (giver, taker) in self._providers:
            return Step.CUSTOMER
        both_free = giver in TRANSIT_FREE and taker in TRANSIT_FREE
        return Step.PEER if both_free or (min(giver, taker), max(giver, taker)) in self._peers else None

    def has(self, asn: Asn) -> bool:
        """Whether a network's neighbours are told, all or some."""
        return asn in self._told

    def carries_nobody(self, asn: Asn) -> bool:
        """Whether a network's neighbours are told, and none of them is its customer."""
        return asn in self._told and asn not in self._sellers and asn not in TRANSIT_FREE

    def knows(self, one: Asn, other: Asn) -> bool:
        """Whether the two are known to be neighbours."""
        return self.step(one, other) is not None

    def excerpt(self, networks: Set[Asn]) -> Iterator[str]:
        """Lines of a relationship file: those between two of these, one of each that has only others, and one that
        shows a customer of each that has any.
        """
        told: set[Asn] = set()
        selling: set[Asn] = set()
        others: dict[tuple[Asn, bool], str] = {}
        for pairs, kind in ((self._providers, -1), (self._peers, 0)):
            for pair in sorted(pairs):
                known = [asn for asn in pair if asn in networks]
                sells = kind == -1 and pair[0] in networks
                line = f"{pair[0]}|{pair[1]}|{kind}"
                if len(known) == 2:
                    told.update(known)
                    selling.update(known[:1] if sells else ())
                    yield line
                elif known:
                    others.setdefault((known[0], sells), line)
        for (asn, sells), line in sorted(others.items(), key=lambda item: (item[0][0], not item[0][1])):
            if asn not in (selling if sells else told):
                told.add(asn)
                yield line

    def valley(self, sequence: tuple[Asn, ...]) -> Valley | None:
        """The leak in a path without prepending, nearest network first; None: none that is proven."""
        towards_us = sequence[::-1]
        for before, leaker, after in zip(towards_us, towards_us[1:], towards_us[2:], strict=False):
            came, went = self.step(before, leaker), self.step(leaker, after)
            # It came from a provider or a peer (who sees the leaker as a customer or peer)...
            from_above = came in (Step.CUSTOMER, Step.PEER)
            # ... and went to another one, who does not pay for it.
            if from_above and went in (Step.PROVIDER, Step.PEER):
                return Valley(before, leaker, after)
        return self._sandwich(towards_us)

    def _sandwich(self, towards_us: tuple[Asn, ...]) -> Valley | None:
        """A transit-free network, others, and a transit-free network again: somebody between them leaked."""
        places = [index for index, asn in enumerate(towards_us) if asn in TRANSIT_FREE]
        for first, second in pairwise(places):
            source, leaker, sink = towards_us[first], towards_us[first + 1], towards_us[second]
            known = self.knows(source, leaker) and self.knows(leaker, sink)
            if second == first + 2 and not known:
                return Valley(source, leaker, sink)
        return None

    def _take(self, number: int, text: str) -> None:
        parts = text.split("|")
        try:
            one, other, kind = Asn(int(parts[0])), Asn(int(parts[1])), int(parts[2])
        except (ValueError, IndexError):
            self._reject(number, f"not AS|AS|-1 or AS|AS|0: {text[:40]!a}")
            return
        if not (0 < one < 2**32 and 0 < other < 2**32 and kind in (-1, 0)):
            self._reject(number, f"no such relation: {text[:40]!a}")
        elif kind == -1:
            self._providers.add((one, other))
            self._sellers.add(one)
            self._told |= {one, other}
        else:
            self._peers.add((min(one, other), max(one, other)))
            self._told |= {one, other}

    def _reject(self, number: int, why: str) -> None:
        self.bad += 1
        if len(self.errors) < _KEPT_ERRORS:
            self.errors.append(f"line {number}: {why}")
