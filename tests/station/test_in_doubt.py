"""What a single round measures again: where the last round and the diagnosis do not say the same."""

from __future__ import annotations

from monitor.hub.judging import Step
from monitor.model.incident import Incident
from monitor.model.settings import Config
from monitor.model.target import Target
from monitor.model.verdict import Cause, Detail, Verdict
from monitor.station.single_round import in_doubt
from probes import Failure, HttpObservation

NOW = 1_700_000_000.0
CONFIG = Config(
    vantage="v",
    targets=(Target(name="shop", url="http://shop.example/"), Target(name="mail", url="http://m.example/")),
)


def _seen(target: str, failure: Failure | None = None) -> HttpObservation:
    return HttpObservation(at=NOW, vantage="v", target=target, failure=failure)


def _incident(target: str | None, cause: Cause) -> Incident:
    return Incident(
        id="i", target=target, cause=cause, detail=Detail(), confidence=0.9, suspected=False, opened_at=NOW,
        named_at=NOW, closed_at=None, affected=("v",), vantages=1, evidence=(), runner_up=None, missing=None,
        updated_at=NOW,
    )  # fmt: skip


def _step(*incidents: Incident, verdicts: dict[str, Cause] | None = None) -> Step:
    found = {
        name: Verdict(at=NOW, target=name, cause=cause, confidence=0.9) for name, cause in (verdicts or {}).items()
    }
    return Step(stored=0, changes=(), subjects=(), verdicts=found, uneasy={}, open_incidents=incidents)


def test_health_is_settled() -> None:
    """Nothing failed and nothing is open."""
    assert in_doubt(CONFIG, [_seen("shop"), _seen("mail")], _step(verdicts={"shop": Cause.OK})) == set()


def test_a_failure_without_an_incident_is_in_doubt() -> None:
    """Only the target that failed; a failing control is not diagnosed."""
    assert in_doubt(
        CONFIG, [_seen("shop", Failure.READ_TIMEOUT), _seen("control", Failure.READ_TIMEOUT)], _step()
    ) == {"shop"}


def test_a_cause_without_an_incident_is_in_doubt() -> None:
    """Slowness fails no exchange."""
    assert in_doubt(CONFIG, [_seen("shop")], _step(verdicts={"shop": Cause.SERVER_OVERLOAD})) == {"shop"}


def test_a_failure_that_an_open_incident_explains_is_settled() -> None:
    """Every run of a long outage is short."""
    step = _step(_incident("shop", Cause.SERVER_DOWN))

    assert in_doubt(CONFIG, [_seen("shop", Failure.CONNECTION_REFUSED)], step) == set()


def test_an_open_incident_without_a_cause_is_in_doubt() -> None:
    """More rounds may name it."""
    step = _step(_incident("shop", Cause.INSUFFICIENT))

    assert in_doubt(CONFIG, [_seen("shop", Failure.READ_TIMEOUT)], step) == {"shop"}


def test_a_target_that_answers_during_its_incident_is_in_doubt() -> None:
    """It may be over."""
    assert in_doubt(CONFIG, [_seen("shop")], _step(_incident("shop", Cause.SERVER_DOWN))) == {"shop"}


def test_a_sick_vantage_explains_every_failure() -> None:
    """And when all answer again, all are in doubt."""
    step = _step(_incident(None, Cause.VANTAGE_FAULT))
    failing = [_seen("shop", Failure.NETWORK_UNREACHABLE), _seen("mail", Failure.NETWORK_UNREACHABLE)]

    assert in_doubt(CONFIG, failing, step) == set()
    assert in_doubt(CONFIG, [_seen("shop"), _seen("mail")], step) == {"shop", "mail"}
