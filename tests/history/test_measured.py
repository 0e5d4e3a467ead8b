"""The measurements of a series: the same buckets, however they were read, and the percentiles of each."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.history.latency_scale import rank
from monitor.history.measured import Measured, Run

SHARES = (0.0, 0.5, 0.95, 0.99, 1.0)

places = st.lists(st.integers(0, 255), max_size=25).map(bytes)
runs = st.tuples(st.integers(0, 30), st.lists(places, min_size=1, max_size=12), st.booleans())
loose = st.tuples(st.integers(0, 40), places.filter(bool))
examples = settings(derandomize=True, max_examples=150, deadline=None)


@examples
@given(read=st.lists(runs | loose, min_size=1, max_size=6))
def test_buckets_are_the_same_however_they_were_read(
    read: list[tuple[int, list[bytes], bool] | tuple[int, bytes]],
) -> None:
    """Runs that overlap or not, sorted or not, with empty buckets, and what came by itself: all of it, once."""
    measured, expected = Measured(), defaultdict[int, list[int]](list)
    for one in read:
        if len(one) == 2:
            measured.add(*one)
            expected[one[0]] += one[1]
            continue
        first, each, ascending = one
        if ascending:
            each = [bytes(sorted(few)) for few in each]
        measured.add_run(Run(first, [len(few) for few in each], b"".join(each), ascending))
        for bucket, few in enumerate(each, first):
            expected[bucket] += few
    wanted = {bucket: bytes(sorted(expected[bucket])) for bucket in sorted(expected) if expected[bucket]}

    assert bool(measured) is bool(wanted)
    if not wanted:
        return
    columns = measured.columns()
    assert dict(columns.each()) == wanted
    assert list(columns.buckets) == list(wanted)
    for share, found in zip(SHARES, columns.percentiles(SHARES), strict=True):
        assert list(found) == [few[rank(len(few), share)] for few in wanted.values()]


def test_what_was_put_together_can_be_asked_twice() -> None:
    """An answer changes nothing of what was read."""
    measured = Measured()
    measured.add_run(Run(3, [2, 0, 1], b"\x05\x01\x09", ascending=False))
    measured.add(3, b"\x02")

    assert measured.columns() == measured.columns() == ([3, 5], [3, 1], b"\x01\x02\x05\x09")
