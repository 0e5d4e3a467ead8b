"""The judge: what counts as named, since when, by whom hit, and what is a false alarm."""

from __future__ import annotations

from lab.judge import Transcript, answers
from lab.scenario import Expectation, Whom

from monitor.model.incident import ChangeKind, Incident, IncidentChange
from monitor.model.verdict import Cause, Detail, HijackKind

BEGAN = 1_700_000_000.0
HIJACK = Expectation(cause=Cause.ROUTE_HIJACK, kind="subprefix", prefix="198.18.3.0/24", affected=("a", "b"))
DETAIL = Detail(kind=HijackKind.SUBPREFIX, prefix="198.18.3.0/24", origin=64511)


def _incident(cause: Cause, **fields: object) -> Incident:
    values: dict[str, object] = {
        "id": "check-in-1", "target": "check-in", "cause": cause, "detail": Detail(), "confidence": 0.9,
        "suspected": False, "opened_at": BEGAN + 3, "named_at": BEGAN + 3, "closed_at": None,
        "affected": ("a", "b"), "vantages": 5, "evidence": (), "runner_up": None, "missing": None,
        "updated_at": BEGAN + 3,
    }  # fmt: skip
    return Incident(**(values | fields))  # type: ignore[arg-type]


def _transcript(*said: tuple[float, Incident], mails: tuple[float, ...] = ()) -> Transcript:
    transcript = Transcript(began_at=BEGAN, mails=[BEGAN + at for at in mails])
    for number, (at, incident) in enumerate(said, 1):
        change = IncidentChange(kind=ChangeKind.UPDATED, at=BEGAN + at, sequence=number, incident=incident)
        transcript.hear(BEGAN + at, [change])
    return transcript


def test_cause_counts_from_when_it_was_right_for_good() -> None:
    """Suspected, right, wrong, right again: the last one counts, and the mail after it."""
    right = _incident(Cause.ROUTE_HIJACK, detail=DETAIL)
    transcript = _transcript(
        (4, _incident(Cause.ROUTE_HIJACK, detail=DETAIL, suspected=True)), (5, right),
        (6, _incident(Cause.SERVER_OVERLOAD)), (9, right), (10, right), mails=(4.5, 6.5, 9.5),
    )  # fmt: skip
    (answer,), alarms = answers(transcript, [(HIJACK, ("a", "b"))])

    assert answer.right
    assert (answer.cause_s, answer.mail_s) == (9.0, 9.5)
    assert alarms == []


def test_wrong_prefix_or_suspicion_is_not_the_answer() -> None:
    """A hijack of something else is not this one."""
    for wrong in ({"detail": Detail(kind=HijackKind.SUBPREFIX, prefix="198.18.4.0/24")}, {"suspected": True}):
        said = _incident(Cause.ROUTE_HIJACK, **({"detail": DETAIL} | wrong))
        (answer,), alarms = answers(_transcript((4, said)), [(HIJACK, ("a", "b"))])

        assert not answer.right_cause
        assert answer.cause_s is None
        assert alarms == []


def test_vantages_must_be_exactly_those_that_are_hit() -> None:
    """One too many is wrong, unless they are not judged."""
    said = _incident(Cause.ROUTE_HIJACK, detail=DETAIL, affected=("a", "b", "c"))
    (strict,), _ = answers(_transcript((4, said)), [(HIJACK, ("a", "b"))])
    lenient_wish = Expectation(cause=Cause.ROUTE_HIJACK, affected=Whom.ANY)
    (lenient,), _ = answers(_transcript((4, said)), [(lenient_wish, ())])

    assert not strict.right_vantages
    assert lenient.right_vantages


def test_what_nobody_expects_is_a_false_alarm() -> None:
    """Of another target, or a second one; but not what was open before the trouble began."""
    other = _incident(Cause.SERVER_OVERLOAD, id="authority-1", target="authority")
    before = _incident(Cause.TLS_INVALID, id="check-in-0", opened_at=BEGAN - 60)
    _, alarms = answers(_transcript((1, before), (4, other)), [])

    assert [alarm.id for alarm in alarms] == ["authority-1"]


def test_optional_incident_may_be_missing_but_not_another_instead() -> None:
    """A re-route may go unnoticed; calling it a hijack is wrong."""
    wish = Expectation(cause=Cause.ROUTE_CHANGE, optional=True, affected=Whom.ANY)
    (missing,), _ = answers(_transcript(), [(wish, ())])
    (instead,), _ = answers(_transcript((4, _incident(Cause.ROUTE_HIJACK))), [(wish, ())])

    assert missing.right
    assert not instead.right


def test_fault_of_a_vantage_has_no_target() -> None:
    """It is found by its empty target, beside an incident that has one."""
    wish = Expectation(cause=Cause.VANTAGE_FAULT, target="", affected=("a",))
    fault = _incident(Cause.VANTAGE_FAULT, id="a-1", target=None, affected=("a",))
    (answer,), alarms = answers(_transcript((4, fault), (5, _incident(Cause.SERVER_DOWN))), [(wish, ("a",))])

    assert answer.right
    assert [alarm.cause for alarm in alarms] == [Cause.SERVER_DOWN]
