"""What a view keeps count of is what its recent observations say, whatever came, aged out or was absolved."""

from __future__ import annotations

from collections import deque
from math import ceil, log

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.diagnose.symptom import Judged
from monitor.diagnose.view import CHANCE, CHRONIC_OF_8, KEPT, View
from probes.observation import Failure, HttpObservation

ABSOLVE = "absolve"
good = st.builds(HttpObservation, at=st.just(0.0), vantage=st.just("v"), target=st.just("t"),
                 connect_s=st.just(0.02), wait_s=st.just(0.05), retransmits=st.integers(0, 2))  # fmt: skip
refused = st.just(HttpObservation(at=0.0, vantage="v", target="t", failure=Failure.CONNECTION_REFUSED))
events = st.lists(st.one_of(good, good, refused, st.just(ABSOLVE)), max_size=4 * KEPT)


def _settled(bads: list[bool]) -> bool:
    """Whether the good run at the end is too long for chance, counted anew."""
    at = [index for index, bad in enumerate(bads) if bad]
    if not at:
        return True
    rate = min(len(at) / (at[-1] - at[0] + 1), 0.95) if len(at) > 1 else 0.5
    return len(bads) - 1 - at[-1] >= max(2, ceil(log(CHANCE) / log(1.0 - rate)))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(events)
def test_counts_are_those_of_the_recent_observations(happened: list[HttpObservation | str]) -> None:
    """Kept counts must never drift from what they count."""
    view, recent = View("v", 30.0), deque[Judged](maxlen=KEPT)
    for number, event in enumerate(happened):
        if isinstance(event, str):
            view.absolve()
            recent = deque((judged for judged in recent if not judged.bad), maxlen=KEPT)
            continue
        judged = view.add(event, 30.0 * number)
        assert judged is not None
        recent.append(judged)
        bads = [one.bad for one in recent]

        assert [view.bad_of(count) for count in (1, 3, 8, KEPT)] == [
            sum(bads[-count:]) for count in (1, 3, 8, KEPT)
        ]
        assert view.chronic == (sum(bads[-8:]) >= CHRONIC_OF_8)
        assert view.settled == _settled(bads)
        if not any(bads):
            assert (view.confirmed, view.failing, view.run) == (False, False, 0)
        if view.losing:
            assert sum(bool(one.resent) for one in recent) >= 3


def test_what_aged_out_counts_no_more() -> None:
    """A bad spell of long ago, and one packet sent again today, are no line that loses."""
    view = View("v", 30.0)
    for number, resent in enumerate([0] * 40 + [1] * 12 + [0] * 40 + [1]):
        seen = HttpObservation(
            at=30.0 * number, vantage="v", target="t", connect_s=0.02, wait_s=0.05, retransmits=resent
        )
        view.add(seen, seen.at)
        if number == 51:
            assert view.losing

    assert not view.losing
    assert view.bad_of(KEPT) == 0
