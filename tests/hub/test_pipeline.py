"""History first, then diagnosis, then what is told; and nothing lost on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_network

import pytest
from structlog.testing import capture_logs

from monitor.diagnose.fact import Fact
from monitor.history import HistoryError, Notice, UnstorableFactError
from monitor.hub.judging import GRACE_S, MOST_AHEAD_S
from monitor.hub.pipeline import Pipeline
from monitor.model.asn import Asn
from monitor.model.incident import ChangeKind, Incident, IncidentChange
from monitor.model.route import AsPath, RouteEvent, RouteFact, RouteKind
from monitor.model.verdict import Cause, Detail, Verdict
from probes import NotMeasured, Observation

NOW = 1_700_000_000.0


def _round(at: float, target: str = "shop") -> NotMeasured:
    return NotMeasured(at=at, vantage="v", target=target, probe="http", reason="missed")


def _event(at: float) -> RouteEvent:
    return RouteEvent(
        at=at, kind=RouteKind.ANNOUNCEMENT, prefix=ip_network("203.0.113.0/24"), peer="198.51.100.1",
        peer_asn=Asn(64496), collector="rrc00", path=AsPath((Asn(64496),)),
    )  # fmt: skip


def _change(sequence: int = 1) -> IncidentChange:
    incident = Incident(
        id="shop-1", target="shop", cause=Cause.SERVER_DOWN, detail=Detail(), confidence=0.9, suspected=False,
        opened_at=NOW, named_at=NOW, closed_at=None, affected=("v",), vantages=1, evidence=(), runner_up=None,
        missing=None, updated_at=NOW,
    )  # fmt: skip
    return IncidentChange(kind=ChangeKind.OPENED, at=NOW, sequence=sequence, incident=incident)


def _notice(change: IncidentChange) -> Notice:
    return Notice(
        key=f"{change.incident.id}:{change.sequence}", channel="mail", created_at=change.at, subject="it is down",
        payload=b"", recipients=("noc@example.com",), incident_id=change.incident.id, sequence=change.sequence,
        message_id="<1@example.com>",
    )  # fmt: skip


class _Trace:
    """A store and an engine that write down what they are asked, in one list."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, object]] = []
        self.unstorable: Fact | None = None
        self.broken = False
        self.changes: list[IncidentChange] = []
        self.verdicts: Mapping[str, Verdict] = {}
        self.uneasy: Mapping[str, float] = {}
        self.open_incidents: tuple[Incident, ...] = ()

    def add_observations(self, observations: Sequence[Observation]) -> None:
        self._add("observations", observations)

    def add_routes(self, facts: Sequence[RouteFact]) -> None:
        self._add("routes", facts)

    def _add(self, kind: str, facts: Sequence[Fact]) -> None:
        if self.broken:
            raise HistoryError("history h.db: disk full")
        for index, fact in enumerate(facts):
            if fact is self.unstorable:
                raise UnstorableFactError("too long", index)
        if facts:
            self.calls.append((kind, list(facts)))

    def save_changes(self, changes: Sequence[IncidentChange], notices: Sequence[Notice]) -> None:
        self.calls.append(("changes", (len(changes), len(notices))))

    def feed(self, facts: Sequence[Fact]) -> list[IncidentChange]:
        if facts:
            self.calls.append(("feed", list(facts)))
        changes, self.changes = self.changes, []
        return changes

    def advance(self, now: float) -> list[IncidentChange]:
        self.calls.append(("advance", now))
        return []


def _pipeline(trace: _Trace) -> Pipeline:
    return Pipeline(trace, trace, lambda change: (_notice(change),))


def test_facts_are_stored_before_anything_is_concluded_from_them() -> None:
    """Observations, routes, then the engine in the order in which the facts became known, then time."""
    trace = _Trace()
    later, earlier = _round(NOW - 5), _event(NOW - 6)
    step = _pipeline(trace).accept([later, earlier], NOW)

    assert trace.calls == [
        ("observations", [later]),
        ("routes", [earlier]),
        ("feed", [earlier, later]),
        ("advance", NOW - GRACE_S),
    ]
    assert step.stored == 2


def test_a_young_fact_waits_for_earlier_ones() -> None:
    """It is stored at once, and fed when the grace is over, after one that came later but was known before."""
    trace = _Trace()
    pipeline = _pipeline(trace)
    young, earlier = _round(NOW), _round(NOW - 1)
    pipeline.accept([young], NOW)
    pipeline.accept([earlier], NOW + GRACE_S)

    assert [call for call in trace.calls if call[0] == "feed"] == [("feed", [earlier, young])]


def test_changes_and_their_notices_are_saved_together() -> None:
    """One transaction, so that neither is there without the other."""
    trace = _Trace()
    trace.changes = [_change(1), _change(2)]
    step = _pipeline(trace).accept([], NOW)

    assert ("changes", (2, 2)) in trace.calls
    assert step.subjects == ("it is down",)


def test_a_broken_store_concludes_nothing() -> None:
    """The error goes up, and the engine has not seen the facts."""
    trace = _Trace()
    trace.broken = True
    with pytest.raises(HistoryError, match="disk full"):
        _pipeline(trace).accept([_round(NOW - 5)], NOW)

    assert trace.calls == []


def test_one_impossible_fact_does_not_take_its_batch_with_it() -> None:
    """The others are stored and fed; the impossible one is neither, and is named in the log."""
    trace = _Trace()
    facts = [_round(NOW - 5, "a"), _round(NOW - 5, "b"), _round(NOW - 5, "c")]
    trace.unstorable = facts[1]
    with capture_logs() as log:
        step = _pipeline(trace).accept(facts, NOW)

    assert ("feed", [facts[0], facts[2]]) in trace.calls
    assert step.stored == 2
    assert [entry["event"] for entry in log if entry["log_level"] == "error"] == ["fact_not_stored"]


def test_a_fact_from_the_future_is_kept_but_not_believed() -> None:
    """A collector with a false clock could otherwise fill the memory with facts that wait for ever."""
    trace = _Trace()
    pipeline = _pipeline(trace)
    ahead = [_event(NOW + MOST_AHEAD_S + second) for second in (1, 2)]
    sane = _event(NOW + MOST_AHEAD_S)
    with capture_logs() as log:
        pipeline.accept([*ahead, sane], NOW)
        pipeline.finish(NOW + 10 * MOST_AHEAD_S)

    assert ("routes", [*ahead, sane]) in trace.calls
    assert [call for call in trace.calls if call[0] == "feed"] == [("feed", [sane])]
    told = [entry for entry in log if entry["event"] == "facts_from_the_future"]
    assert [(entry["facts"], entry["ahead_s"]) for entry in told] == [(2, MOST_AHEAD_S + 2)]


def test_a_message_that_cannot_be_written_does_not_stop_the_diagnosis() -> None:
    """The change is saved without it, and the defect is logged."""
    trace = _Trace()
    trace.changes = [_change()]

    def defect(change: IncidentChange) -> Sequence[Notice]:
        raise RuntimeError("template")

    with capture_logs() as log:
        Pipeline(trace, trace, defect).accept([], NOW)

    assert ("changes", (1, 0)) in trace.calls
    assert "notice_not_written" in [entry["event"] for entry in log]


def test_facts_that_wait_are_fed_to_the_new_engine_after_a_reload() -> None:
    """The exchange loses nothing."""
    old, new = _Trace(), _Trace()
    pipeline = _pipeline(old)
    fact = _round(NOW)
    pipeline.accept([fact], NOW)
    pipeline.replace(new)
    pipeline.finish(NOW)

    assert new.calls == [("feed", [fact]), ("advance", NOW)]
