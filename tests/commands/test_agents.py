"""`whydown agent` and `whydown hub`: real processes, real keys, TLS on loopback, real signals."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.history import Reader
from monitor.model.verdict import Cause
from probes import HttpObservation

if TYPE_CHECKING:
    from conftest import Crew

FOREVER = 4e9


def _seen(reader: Reader, vantage: str = "seoul-1", target: str = "shop") -> list[HttpObservation]:
    return [
        one
        for one in reader.observations(0, FOREVER, target=target, kind="http")
        if isinstance(one, HttpObservation) and one.vantage == vantage
    ]


def test_two_vantages_and_a_hub_name_a_closed_port_and_look_closer(crew: Crew, service: Any, control: Any) -> None:
    """Targets go out, facts come in, the verdict is reached at the hub, and its boost is back at both agents."""
    crew.enroll("seoul-1")
    crew.enroll("tokyo-1")
    crew.watch({"shop": service.url}, {"control": control.url})
    hub, agents = crew.start("hub"), [crew.start("seoul-1"), crew.start("tokyo-1")]
    crew.until(lambda reader: min(len(_seen(reader, "seoul-1")), len(_seen(reader, "tokyo-1"))) >= 6)
    service.close()
    crew.until(lambda reader: reader.incidents(0, FOREVER, open_only=True))
    with Reader.open(crew.database) as reader:
        (incident,) = reader.incidents(0, FOREVER)
    for name in ("seoul-1", "tokyo-1"):
        crew.until_logged(name, "boost")

    assert incident.cause is Cause.SERVER_DOWN
    assert set(incident.affected) == {"seoul-1", "tokyo-1"}
    assert [crew.stop(child) for child in (*agents, hub)] == [0, 0, 0]
    assert "exception" not in crew.log("hub").read_text().lower()


def test_nothing_is_lost_or_doubled_when_either_is_killed(crew: Crew, service: Any, control: Any) -> None:
    """The hub is killed, then the agent, while rounds go on; each round of the agent's is there once."""
    crew.enroll("seoul-1")
    crew.watch({"shop": service.url}, {"control": control.url})
    hub, agent = crew.start("hub"), crew.start("seoul-1")
    crew.until(lambda reader: len(_seen(reader)) >= 4)
    crew.kill(hub)
    crew.until_logged("seoul-1", "hub_not_reached")
    crew.kill(agent)
    hub, agent = crew.start("hub"), crew.start("seoul-1")
    with Reader.open(crew.database) as reader:
        before = len(_seen(reader))
    crew.until(lambda reader: len(_seen(reader)) >= before + 8)
    assert crew.stop(agent) == 0
    assert crew.stop(hub) == 0
    with Reader.open(crew.database) as reader:
        times = [one.at for one in _seen(reader)]
        (contact,) = reader.contacts()

    assert len(times) == len(set(times))
    assert contact.refused == 0


@pytest.mark.slow
def test_a_hub_may_not_have_probed_what_the_agent_does_not_allow(crew: Crew, service: Any, control: Any) -> None:
    """The agent's own list stands above its hub's targets, and it says so."""
    crew.enroll("seoul-1", more='allow = ["localhost"]\n')
    crew.watch({"shop": service.url, "near": service.url.replace("127.0.0.1", "localhost")}, {})
    crew.start("hub")
    crew.start("seoul-1")
    crew.until(lambda reader: _seen(reader, target="near"))
    crew.until_logged("seoul-1", "targets_not_permitted")
    with Reader.open(crew.database) as reader:
        assert _seen(reader) == []


@pytest.mark.slow
def test_doctor_is_taken_by_a_hub_that_knows_the_vantage(crew: Crew, service: Any) -> None:
    """And told so by one that does not; neither brings the hub a fact."""
    crew.watch({"shop": service.url}, {})
    hub = crew.start("hub")
    crew.until(lambda reader: True)
    crew.enroll("seoul-1")

    def said() -> list[str]:
        config = str(crew.folder / "seoul-1" / "config.toml")
        lines = CliRunner().invoke(main, ["doctor", "--config", config, "--json"]).output.splitlines()
        return [f"{one['state']} {one['text']}" for one in map(json.loads, lines) if one["check"] == "hub"]

    (before,) = said()
    crew.watch({"shop": service.url}, {})
    hub.send_signal(signal.SIGHUP)
    crew.until_logged("hub", "reloaded")
    (after,) = said()
    with Reader.open(crew.database) as reader:
        assert list(reader.observations(0, FOREVER)) == []

    assert before.startswith("critical the hub https://127.0.0.1:")
    assert "answered 401" in before
    assert after.startswith("ok ")
    assert after.endswith(": takes seoul-1")
    assert crew.stop(hub) == 0


def test_a_vantage_that_is_not_enrolled_gets_nothing(crew: Crew, service: Any, control: Any) -> None:
    """Until the hub has its line and was told to read it: then what was kept is brought."""
    crew.watch({"shop": service.url}, {"control": control.url})
    hub = crew.start("hub")
    crew.enroll("seoul-1")
    crew.start("seoul-1")
    crew.until_logged("hub", "request_refused")
    crew.until_logged("seoul-1", "orders_not_heard")
    crew.watch({"shop": service.url}, {"control": control.url})
    hub.send_signal(signal.SIGHUP)
    crew.until(lambda reader: _seen(reader))

    assert crew.stop(hub) == 0
