"""What a hijack showed of itself is told from the world, whatever was named."""

from __future__ import annotations

from missed import as_markdown, trace_of
from playing import Played

from monitor.evaluate import FULL, Expected, Pair


def test_a_hijack_is_heard_where_a_collector_has_its_route() -> None:
    """And is not where nobody listens."""
    assert trace_of("hijack-subprefix", 1) == "heard subprefix, impostor"
    assert trace_of("hijack-without-routes", 1) == "unheard subprefix, impostor"
    assert trace_of("hijack-forged-origin", 1).startswith("heard forged_origin, ")


def test_hijacks_that_were_not_named_are_counted_by_their_trace() -> None:
    """Other troubles are none of its business."""
    taken = Expected(target="shop", cause="route.hijack", start=0.0, end=1.0)
    busy = Expected(target="shop", cause="server.overload", start=0.0, end=1.0)
    pairs = [Pair(folder="x", expected=one, incident=None) for one in (taken, busy)]

    text = as_markdown([Played(kind="hijack-without-routes", seed=1, rules="", pairs={FULL: pairs})])

    assert text.startswith("1 of 1 hijacks were not named.")
    assert "| unheard subprefix, impostor | none | 1 |" in text
