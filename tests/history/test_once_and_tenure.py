"""What several processes rely on: a dispatch is kept once, and only the newest tenure may write."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from monitor.history import Reader, Store, UnstorableFactError
from monitor.history.shipment import Dispatch
from monitor.history.tenure import TenureError
from monitor.model.asn import Asn
from monitor.model.history_place import HistoryPlace
from monitor.model.incident import ChangeKind, Incident, IncidentChange
from monitor.model.route import FeedState, RouteEvent, RouteKind
from monitor.model.verdict import Cause, Detail
from probes import NotMeasured

NOW = 1_700_000_000.0
SEEN = NotMeasured(at=NOW, vantage="seoul-1", target="hub", probe="contact", reason="silent")
HEARD = FeedState(at=NOW, source="ris-live", live=True)


def _dispatch(number: int, *facts: NotMeasured | FeedState | RouteEvent, source: str = "~feeds") -> Dispatch:
    return Dispatch(source=source, number=number, facts=facts or (SEEN, HEARD))


def _change(sequence: int, at: float, *, closed: bool = False) -> IncidentChange:
    incident = Incident(
        id="shop-1", target="shop", cause=Cause.SERVER_DOWN, detail=Detail(), confidence=0.9, suspected=False,
        opened_at=NOW, named_at=NOW, closed_at=at if closed else None, affected=("v",), vantages=1, evidence=(),
        runner_up=None, missing=None, updated_at=at,
    )  # fmt: skip
    kind = ChangeKind.CLOSED if closed else ChangeKind.OPENED if sequence == 1 else ChangeKind.UPDATED
    return IncidentChange(kind=kind, at=at, sequence=sequence, incident=incident)


def _kept(place: HistoryPlace) -> tuple[int, int]:
    with Reader.open(place) as reader:
        return len(list(reader.observations(0.0, 4e9))), len(list(reader.routes(0.0, 4e9)))


def test_a_dispatch_that_comes_again_is_kept_once(place: HistoryPlace) -> None:
    """In the same transaction or a later one, after a restart too; another source's of that number is another."""
    with Store.open(place) as store:
        assert store.add_once([_dispatch(7), _dispatch(7), _dispatch(8)]) == 2
    with Store.open(place) as store:
        assert store.add_once([_dispatch(8), _dispatch(7)]) == 0
        assert store.add_once([_dispatch(7, source="~crew")]) == 1

    assert _kept(place) == (3, 3)


def test_a_dispatch_with_an_impossible_fact_is_kept_not_at_all(place: HistoryPlace) -> None:
    """The error names its place in the dispatch; without it the number is free still."""
    impossible = RouteEvent(
        at=1e18, kind=RouteKind.WITHDRAWAL, prefix=ip_network("203.0.113.0/24"), peer="198.51.100.1",
        peer_asn=Asn(64496), collector="rrc00",
    )  # fmt: skip
    with Store.open(place) as store:
        with pytest.raises(UnstorableFactError) as caught:
            store.add_once([_dispatch(7, SEEN, HEARD, impossible)])
        assert caught.value.index == 2
        assert store.add_once([_dispatch(7)]) == 1

    assert _kept(place) == (1, 1)


def test_a_source_is_no_vantage_and_a_number_no_other_than_a_stores() -> None:
    """A vantage's facts and a feed's of one number must not settle each other."""
    for source, number in (("feeds", 7), ("~feeds", 0), ("~feeds", 2**63)):
        with pytest.raises(ValueError, match=r"begin with ~|outside 1\.\.2\*\*63-1"):
            Dispatch(source=source, number=number, facts=())


def test_who_was_followed_writes_nothing_any_more(place: HistoryPlace) -> None:
    """Neither changes nor anything that goes with them; another task's tenure is another."""
    with Store.open(place) as store:
        first, other = store.begin_tenure("partition-1"), store.begin_tenure("partition-2")
        store.save_changes([_change(1, NOW)], [], first)
        second = store.begin_tenure("partition-1")
        with pytest.raises(TenureError, match="partition-1"):
            store.save_changes([_change(2, NOW + 1.0)], [], first)
        store.save_changes([_change(2, NOW + 2.0)], [], second)
        store.save_changes([_change(3, NOW + 3.0)], [], other)

    with Reader.open(place) as reader:
        assert [change.at - NOW for change in reader.changes("shop-1")] == [0.0, 2.0, 3.0]


def test_a_tenure_is_newer_after_a_restart(place: HistoryPlace) -> None:
    """A process that slept through it must not be the newest again."""
    with Store.open(place) as store:
        before = store.begin_tenure("partition-1")
    with Store.open(place) as store:
        assert store.begin_tenure("partition-1").term > before.term
        with pytest.raises(TenureError):
            store.save_changes([], [], before)


def test_open_incidents_are_as_they_were_at_a_time(place: HistoryPlace) -> None:
    """Before it was opened, while it was open, in the state of then, and after its end."""
    with Store.open(place) as store:
        store.save_changes([_change(1, NOW), _change(2, NOW + 10.0), _change(3, NOW + 20.0, closed=True)], [])

    with Reader.open(place) as reader:
        assert [reader.open_incidents(NOW + at) for at in (-1.0, 20.0)] == [[], []]
        assert [[sequence for _, sequence in reader.open_incidents(NOW + at)] for at in (0.0, 19.9)] == [[1], [2]]
        assert [change.sequence for change in reader.changes_since(NOW + 10.0)] == [2, 3]
