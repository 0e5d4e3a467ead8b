"""Twenty incidents that have happened are named for what they were, with the network to blame and who suffered.

Each is played from its script (tests/scenarios/script/incidents). What is expected was written down from the
published accounts, whatever the engine said of it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Play
from script.incidents import INCIDENTS
from script.words import Script

from monitor.evaluate import Pair, match, read_expected
from monitor.replay import read_folder, replay

FIRST_S = 1500.0
"""So much of each trouble is played every day; the whole of it in the slow tests."""

TO_NAME_S = {
    "celer-2022-08-17": 300,
    "fastly-2021-06-08": 360,
    "mainone-2018-11-12": 600,
    "rogers-2022-07-08": 600,
    "verizon-2019-06-24": 600,
}
"""How long naming may take; 150 seconds where nothing is said. A leak, and a forged origin that is RPKI-valid, are
told by a traceroute, every five minutes; that nobody is served, by five exchanges in a row."""

COMMITTED = ("kakao-2022-02-03", "coov-2021-12-13")
"""Looked at in full every day, from the folders that the repository holds."""

FIRST_PARTS = [name for name in INCIDENTS if name not in COMMITTED]
RECORDED = [name for name, script in INCIDENTS.items() if script.recorded is not None]


def scored(folder: Path) -> list[Pair]:
    """The incidents of a folder beside what is expected."""
    expected = read_expected((folder / "expected.json").read_bytes())
    return match(folder.name, expected, replay(read_folder(folder, _refuse)))


def _refuse(path: Path, line: int, reason: str) -> None:
    raise AssertionError(f"{path}:{line}: {reason}")


def _told(pairs: list[Pair]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(pair.truth, pair.given, pair.differences or ()) for pair in pairs if not pair.repeated]


def _right(script: Script) -> list[str]:
    """The causes, one of several right ones where another was given."""
    return [truth.cause for truth in script.truths]


def test_there_is_a_script_of_every_incident_whose_facts_were_gathered(shared_data: Path) -> None:
    """As many as there are entries, and of the same days."""
    entries = json.loads((shared_data / "incidents" / "incidents.json").read_text())["incidents"]

    assert sorted(script.name[-10:] for script in INCIDENTS.values()) == sorted(e["id"][-10:] for e in entries)


@pytest.mark.parametrize("name", FIRST_PARTS)
def test_the_first_part_is_named_in_full(name: str, play: Play) -> None:
    """Cause, kind, effect, prefix, origin, network to blame, affected, suspected; soon, and nothing else opens."""
    script = INCIDENTS[name]
    pairs = scored(play(script, until=min(truth.start for truth in script.truths) + FIRST_S))

    assert [told for told in _told(pairs) if told[0] != told[1] or told[2]] == []
    assert [pair.folder for pair in pairs if pair.repeated] == []
    assert [pair.blamed for pair in pairs if pair.blamed is False] == []
    for pair in pairs:
        assert pair.expected is not None
        assert pair.incident is not None
        assert pair.delay_s is not None
        assert pair.delay_s <= TO_NAME_S.get(name, 150)
        assert pair.incident.affected == pair.expected.affected


@pytest.mark.slow
@pytest.mark.parametrize("name", INCIDENTS)
def test_the_whole_incident_is_one_from_its_start_to_its_end(name: str, play: Play) -> None:
    """As before, and it closes within ten intervals of the end; flapping opens no second one."""
    script = INCIDENTS[name]
    pairs = scored(play(script))

    assert [told for told in _told(pairs) if told[0] != told[1] or told[2]] == []
    assert [pair.folder for pair in pairs if pair.repeated] == []
    for pair, watched in zip(pairs, script.targets, strict=False):
        assert pair.expected is not None
        assert pair.incident is not None
        assert pair.incident.affected == pair.expected.affected
        assert pair.incident.closed_at is not None
        assert 0 <= pair.incident.closed_at - pair.expected.end + 600 <= 600 + 10 * watched.interval_s


@pytest.mark.parametrize("name", RECORDED)
def test_the_real_routes_of_the_collectors_lead_to_the_same_verdict(
    name: str, play: Play, shared_data: Path
) -> None:
    """What was recorded of the day, in place of what the script says of its routes."""
    script = INCIDENTS[name]
    folder = play(script, until=script.truths[0].start + FIRST_S, shared_data=shared_data)
    pairs = scored(folder)

    assert len((folder / "routes.jsonl").read_bytes().splitlines()) > 100
    assert _told(pairs) == [(cause, cause, ()) for cause in _right(script)]
    assert [pair.incident.affected for pair in pairs if pair.incident] == [t.affected for t in script.truths]
