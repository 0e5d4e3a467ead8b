"""Each scenario's file can be read, and speaks of deeds, links, hosts and networks that there are."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from lab import deeds, scenario
from lab import map as lab_map
from lab.scenario import Whom
from lab.topology import Topology, lab_topology

TOPOLOGY = lab_topology()


def _strangers(step: dict[str, object], topology: Topology) -> list[str]:
    """The names in a step that nothing has."""
    known: dict[str, Collection[object]] = {
        "link": {link.name for link in topology.links},
        "network": set(topology.networks), "to": set(topology.networks), "server": {"service", "authority"},
        "at": {"service", "authority"}, "host": set(topology.hosts), "vantage": set(topology.vantages),
    }  # fmt: skip
    return [
        f"{field}={step[field]}" for field, names in known.items() if field in step and step[field] not in names
    ]


@pytest.mark.parametrize("name", scenario.names())
def test_scenario_file_is_one(name: str) -> None:
    """Every step can be done, and every expectation can be checked."""
    found = scenario.read(name)

    steps = (*found.before, *found.do)
    assert [step for step in steps if not deeds.is_known(step)] == []
    assert [_strangers(step, TOPOLOGY) for step in steps if _strangers(step, TOPOLOGY)] == []
    assert found.late in ("", *TOPOLOGY.vantages)
    for wanted in found.expect:
        assert wanted.target in ("check-in", "authority", "")
        assert wanted.towards in ("service", "names", "authority")
        assert wanted.affected is not Whom.CROSSING or TOPOLOGY.link(wanted.over)
        assert isinstance(wanted.affected, Whom) or set(wanted.affected) <= set(TOPOLOGY.vantages)


def test_the_checks_see_what_they_look_for() -> None:
    """A deed that is none, a field that it does not take, a link that is not there."""
    assert not deeds.is_known({"deed": "explode"})
    assert not deeds.is_known({"deed": "cut", "lnk": "x"})
    assert deeds.is_known({"deed": "cut", "link": "x"})
    assert _strangers({"link": "1-2"}, TOPOLOGY) == ["link=1-2"]


@pytest.mark.parametrize(
    "text", ["", "title = 3", 'title = "x"\nnonsense = 1', 'title = "x"\n[[expect]]\ncause = "y"']
)
def test_faulty_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """With the file's name."""
    (tmp_path / "faulty.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(scenario, "FOLDER", tmp_path)

    with pytest.raises(scenario.ScenarioError, match=r"faulty\.toml"):
        scenario.read("faulty")


def test_map_shows_every_network_and_host() -> None:
    """Nothing of the topology is left out."""
    text = "\n".join(lab_map.lines(TOPOLOGY))

    assert all(str(asn) in text for asn in TOPOLOGY.networks)
    assert all(name in text for name in TOPOLOGY.hosts)
