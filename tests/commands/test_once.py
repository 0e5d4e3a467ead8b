"""`whydown once` as cron and Nagios call it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.commands.once import TargetResult, line_of, state_of
from monitor.history import Reader, Store
from monitor.model.verdict import Cause
from monitor.station.plugin_state import State, worst
from probes import Failure, HttpObservation

FOREVER = 4e9
SEEN = HttpObservation(at=1.0, vantage="v", target="shop", status=200, total_s=0.0123)


def test_a_healthy_target_is_one_line_and_exit_0(whydown: Any, service: Any, control: Any) -> None:
    """The observations are in the history afterwards."""
    whydown.configure({"shop": service.url}, {"control": control.url})
    done = whydown.call("once", "--config", str(whydown.config))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("OK shop: 200 in ")
    with Reader.open(whydown.database) as reader:
        assert {one.target for one in reader.observations(0, FOREVER)} == {"shop", "control"}


def test_an_incident_lives_from_run_to_run(whydown: Any, service: Any, control: Any, mail_server: Any) -> None:
    """Opened by the second run, the same in the third, closed by the fourth; one mail for each end."""
    port, mailbox = mail_server
    whydown.configure(
        {"shop": service.url}, {"control": control.url}, mail_port=port, more='[boost]\ninterval = "1s"\n'
    )
    once = ("once", "--config", str(whydown.config), "--json")
    healthy = whydown.call(*once)
    service.close()
    opened, same = whydown.call(*once), whydown.call(*once)
    first, second = json.loads(opened.stdout), json.loads(same.stdout)
    service.open()
    closed = whydown.call(*once)

    assert [healthy.returncode, opened.returncode, same.returncode, closed.returncode] == [0, 2, 2, 0]
    assert (first["state"], first["cause"], first["last"]["failure"]) == (
        "critical",
        "server.down",
        "connection_refused",
    )
    assert first["incident"] == second["incident"] is not None
    assert len(mailbox.message_ids) == len(set(mailbox.message_ids)) == 2


def test_without_confirming_one_bad_round_is_no_incident(whydown: Any, service: Any, control: Any) -> None:
    """`--confirm 0` measures once; the exit status still says what was seen."""
    whydown.configure({"shop": service.url}, {"control": control.url})
    service.close()
    done = whydown.call("once", "--config", str(whydown.config), "--confirm", "0", "--json")

    result = json.loads(done.stdout)

    assert done.returncode == State.WARNING
    assert (result["incident"], result["last"]["failure"]) == (None, "connection_refused")


def test_two_runs_at_once_do_not_overlap(whydown: Any, service: Any) -> None:
    """While another process writes the history: exit 3, and the reason."""
    whydown.configure({"shop": service.url}, {})
    with Store.open(whydown.database):
        done = whydown.call("once", "--config", str(whydown.config))

    assert done.returncode == 3
    assert done.stderr.startswith("UNKNOWN: history ")


def test_a_bad_configuration_is_unknown(whydown: Any) -> None:
    """Nagios must not take a typing mistake for a sick target."""
    whydown.config.write_text("[vantage]\nnmae = 1\n")
    done = whydown.call("once", "--config", str(whydown.config))

    assert done.returncode == 3
    assert "nmae" in done.stderr


@pytest.mark.parametrize(
    ("cause", "suspected", "state"),
    [
        (Cause.OK, False, State.OK),
        (Cause.SERVER_OVERLOAD, False, State.CRITICAL),
        (Cause.ROUTE_HIJACK, False, State.CRITICAL),
        (Cause.ROUTE_HIJACK, True, State.WARNING),
        (Cause.ROUTE_CHANGE, False, State.WARNING),
        (Cause.ROUTE_MOVED, False, State.WARNING),
        (Cause.INSUFFICIENT, False, State.WARNING),
        (Cause.VANTAGE_FAULT, False, State.UNKNOWN),
    ],
)
def test_causes_map_to_plug_in_states(cause: Cause, suspected: bool, state: State) -> None:
    """As the contract of the verb says."""
    assert state_of(cause, SEEN, suspected=suspected) is state


@pytest.mark.parametrize(
    "last", [None, HttpObservation(at=1, vantage="v", target="s", failure=Failure.MONITOR_FAULT)]
)
def test_what_could_not_be_measured_is_unknown(last: HttpObservation | None) -> None:
    """Our own fault is not a warning about the target."""
    assert state_of(Cause.INSUFFICIENT, last, suspected=False) is State.UNKNOWN


def _result(state: State, **fields: Any) -> TargetResult:
    values: dict[str, Any] = {
        "target": "shop", "cause": Cause.OK, "confidence": 1.0, "suspected": False, "incident": None, "last": SEEN,
    }  # fmt: skip
    return TargetResult(state=state.name.lower(), **values | fields)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([State.OK, State.OK], State.OK),
        ([State.OK, State.WARNING], State.WARNING),
        ([State.WARNING, State.UNKNOWN], State.UNKNOWN),
        ([State.UNKNOWN, State.CRITICAL, State.OK], State.CRITICAL),
    ],
)
def test_the_exit_status_is_the_worst_line(states: list[State], expected: State) -> None:
    """What is known to be bad outranks what nobody knows."""
    assert worst(states) is expected


def test_nothing_to_watch_is_unknown() -> None:
    """An empty configuration is not health."""
    assert worst([]) is State.UNKNOWN


def test_a_line_says_what_decides() -> None:
    """State, target, cause, what was seen, and where to read on; hostile names stay on their line."""
    down = _result(
        State.CRITICAL, cause=Cause.SERVER_DOWN, confidence=0.97, incident="shop-1",
        last=HttpObservation(at=1, vantage="v", target="shop", failure=Failure.STATUS_UNEXPECTED, status=503),
    )  # fmt: skip

    assert line_of(_result(State.OK)) == "OK shop: 200 in 12 ms"
    assert line_of(down) == "CRITICAL shop: server.down 97%, status_unexpected (503), incident shop-1"
    assert line_of(_result(State.OK, target="a\n\x1b[2Jb")) == "OK a \\x1b[2Jb: 200 in 12 ms"
