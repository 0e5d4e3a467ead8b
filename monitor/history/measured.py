"""The measurements of one series over a window, bucket by bucket, as places of `latency_scale`. Pure.

A day of a hundred vantages by the minute is 144,000 buckets of two measurements each. So nothing is made for each
bucket here that can be made for a whole run of them: what a block of a roll-up holds stays one string of bytes,
beside how many of them each bucket has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, pairwise
from operator import attrgetter
from typing import NamedTuple

from monitor.history.latency_scale import rank


class Run(NamedTuple):
    """Buckets that follow each other from `first` on: how many measurements each has, and all of their places.

    `ascending`: within each bucket.
    """

    first: int
    counts: Sequence[int]
    places: bytes
    ascending: bool = True

    @property
    def after(self) -> int:
        """The bucket after the last one."""
        return self.first + len(self.counts)

    def each(self) -> Iterator[tuple[int, bytes]]:
        """Each bucket with its places, the empty ones too."""
        ends = accumulate(self.counts, initial=0)
        return ((bucket, self.places[begin:end]) for bucket, (begin, end) in enumerate(pairwise(ends), self.first))


class Columns(NamedTuple):
    """The buckets that have a measurement, in order: how many each has, and its places one after the other.

    Places ascend within a bucket.
    """

    buckets: Sequence[int]
    counts: Sequence[int]
    places: bytes

    def each(self) -> Iterator[tuple[int, bytes]]:
        """Each bucket with its places."""
        ends = accumulate(self.counts, initial=0)
        stretches = pairwise(ends)
        return (
            (bucket, self.places[begin:end]) for bucket, (begin, end) in zip(self.buckets, stretches, strict=True)
        )

    def percentiles(self, shares: Iterable[float]) -> list[bytes]:
        """For each share the places of all buckets' percentiles, nearest-rank."""
        usual = self.counts[0]
        if self.counts.count(usual) == len(self.counts):
            return [self.places[rank(usual, share) :: usual] for share in shares]
        found = []
        for share in shares:
            ranks = {count: rank(count, share) for count in set(self.counts)}
            begins = accumulate(self.counts, initial=0)
            at = [begin + ranks[count] for count, begin in zip(self.counts, begins, strict=False)]
            found.append(bytes([self.places[one] for one in at]))
        return found


class Measured:
    """Takes what was read, in any order. Buckets are counted from the window's start."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._loose: defaultdict[int, bytearray] = defaultdict(bytearray)

    def __bool__(self) -> bool:
        """Whether there is a measurement."""
        return bool(self._loose) or any(run.places for run in self._runs)

    def add_run(self, run: Run) -> None:
        """Add to many buckets."""
        self._runs.append(run)

    def add(self, bucket: int, places: bytes) -> None:
        """Add to a bucket, in any order; at least one."""
        self._loose[bucket] += places

    def columns(self) -> Columns:
        """All of it; at least one measurement."""
        loose = (Run(bucket, (len(places),), bytes(sorted(places))) for bucket, places in self._loose.items())
        runs = sorted((*map(_ascending, self._runs), *loose), key=attrgetter("first"))
        if any(run.after > following.first for run, following in pairwise(runs)):
            runs = list(_merged(runs))  # several vantages or targets together
        buckets = list(chain.from_iterable(range(run.first, run.after) for run in runs))
        counts = list(chain.from_iterable(run.counts for run in runs))
        if 0 in counts:
            buckets = [bucket for bucket, count in zip(buckets, counts, strict=True) if count]
            counts = [count for count in counts if count]
        return Columns(buckets, counts, b"".join(run.places for run in runs))


def _ascending(run: Run) -> Run:
    if run.ascending:
        return run
    return Run(run.first, run.counts, b"".join(bytes(sorted(places)) for _, places in run.each()))


def _merged(runs: Iterable[Run]) -> Iterator[Run]:
    """The same with each bucket once."""
    merged: defaultdict[int, bytearray] = defaultdict(bytearray)
    for run in runs:
        for bucket, places in run.each():
            merged[bucket] += places
    for bucket in sorted(merged):
        yield Run(bucket, (len(merged[bucket]),), bytes(sorted(merged[bucket])))
