"""What a hijack showed of itself is told from the world, whatever was named."""

from __future__ import annotations

from missed import Trace, as_markdown, trace_of, traced
from playing import Played

from monitor.evaluate import FULL, Expected, Pair


def test_a_hijack_is_heard_where_a_collector_has_its_route() -> None:
    """And is not where nobody listens."""
    assert trace_of("hijack-subprefix", 1).heard
    assert not trace_of("hijack-without-routes", 1).heard
    assert trace_of("hijack-forged-origin", 1).heard


def test_a_hijack_shows_by_the_key_and_the_way_where_these_are_measured() -> None:
    """The kind asks for TLS and for traceroutes."""
    trace = trace_of("hijack-without-routes", 1)

    assert (trace.key, trace.path, trace.any) == (True, True, True)


def test_black_hole_that_nobody_heard_of_leaves_nothing_where_nobody_traces() -> None:
    """It is to be told from a silent server by nobody."""
    traces = [trace_of("hijack-seen-by-few", seed) for seed in range(30_000, 30_006)]
    unheard = [one for one in traces if one.effect == "blackhole" and not one.heard and not one.path]

    assert unheard
    assert not any(one.any for one in unheard)
    assert str(unheard[0]) == "subprefix, blackhole: nothing"


def test_what_is_left_is_told_in_words() -> None:
    """The kind, the effect, and what there was to go by."""
    trace = Trace(kind="origin", effect="impostor", heard=True, key=False, path=True)

    assert str(trace) == "origin, impostor: heard + path"


def test_recall_is_told_of_all_and_of_those_that_left_a_trace() -> None:
    """Other troubles are none of its business."""
    taken = Expected(target="shop", cause="route.hijack", start=0.0, end=1.0)
    busy = Expected(target="shop", cause="server.overload", start=0.0, end=1.0)
    pairs = [Pair(folder="x", expected=one, incident=None) for one in (taken, busy)]

    text = as_markdown(traced([Played(kind="hijack-without-routes", seed=1, rules="", pairs={FULL: pairs})]))

    assert "| all | 0.0% (0 of 1) | - | 0.0% (0 of 1) |" in text
    assert "| that left a trace | 0.0% (0 of 1) | - | 0.0% (0 of 1) |" in text
    assert "| that left none | - | - | - |" in text
    assert "| subprefix, impostor: key + path | none | 1 |" in text
