"""`whydown status` and `whydown probe`, as a person calls them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monitor.history import Shipment, Store
from probes import Failure, HttpObservation, NotMeasured, clock


def _history(path: Path, *, age_s: float) -> None:
    """Two vantages; at one of them the second of two rounds failed `age_s` ago, and one was missed."""
    at = clock.wall() - age_s
    seen = {"target": "shop", "address": "203.0.113.10", "family": 4}
    with Store.open(path) as store:
        store.add_observations([
            HttpObservation(at=at - 30, vantage="seoul-1", status=200, connect_s=0.021, wait_s=0.045, **seen),
            HttpObservation(at=at, vantage="seoul-1", failure=Failure.READ_TIMEOUT, connect_s=0.022, **seen),
            HttpObservation(at=at, vantage="tokyo-1", status=200, connect_s=0.034, wait_s=0.051, **seen),
            NotMeasured(at=at, vantage="tokyo-1", target="shop", probe="http", reason="missed"),
        ])  # fmt: skip


def test_status_shows_each_vantage_and_how_fresh_it_is(whydown: Any) -> None:
    """Exit 0 while the newest fact is fresh."""
    _history(whydown.database, age_s=5.0)
    done = whydown.call("status", "--database", str(whydown.database))
    lines = done.stdout.splitlines()

    assert done.returncode == 0
    assert re.fullmatch(r"newest fact \d+ s old", lines[0])
    assert "read_timeout" in next(line for line in lines if "seoul-1" in line)
    assert "51.0 ms" in next(line for line in lines if "tokyo-1" in line)


def test_status_says_that_the_monitor_is_dead(whydown: Any) -> None:
    """Exit 1 when the newest fact is old: silence must not look like health."""
    _history(whydown.database, age_s=1200.0)
    done = whydown.call("status", "--database", str(whydown.database))

    assert done.returncode == 1
    assert "no monitor is writing" in done.stdout


def test_status_marks_what_the_configuration_calls_a_control(whydown: Any) -> None:
    """A control has no verdict of its own."""
    whydown.configure({}, {"shop": "http://127.0.0.1:9/"})
    whydown.config.write_text(
        whydown.config.read_text() + '[[target]]\nname = "till"\nurl = "http://127.0.0.1:9/"\n'
    )
    _history(whydown.database, age_s=5.0)
    done = whydown.call("status", "--config", str(whydown.config))

    assert [" control " in line for line in done.stdout.splitlines()[2:4]] == [True, True]


def test_status_says_which_agent_is_silent_and_whose_clock_is_wrong(whydown: Any) -> None:
    """Of one that is well nothing is said; a name from outside stays one printable line."""
    now = clock.wall()
    with Store.open(whydown.database) as store:
        for vantage, age_s, ahead_s in (("well", 5.0, 0.4), ("gone\x1b[2J", 1200.0, 0.0), ("early", 5.0, 3600.0)):
            seen = HttpObservation(at=now - age_s, vantage=vantage, target="shop", status=200)
            at = now - age_s
            store.take([Shipment(vantage=vantage, received_at=at, sent_at=at + ahead_s, facts=[(1, seen)])])
    text = whydown.call("status", "--database", str(whydown.database)).stdout
    report = json.loads(whydown.call("status", "--database", str(whydown.database), "--json").stdout)
    said = {one["vantage"]: (one["silent"], one["clock_wrong"]) for one in report["agents"]}

    assert said == {"well": (False, False), "gone\x1b[2J": (True, False), "early": (False, True)}
    assert re.search(r"^early: its clock is 3600\.\d s ahead of this hub's$", text, re.MULTILINE)
    assert re.search(r"^gone.*: silent, its newest facts came 20 min \d+ s ago$", text, re.MULTILINE)
    assert "\x1b[2J" not in text
    assert "well: " not in text


def test_status_says_how_old_the_tables_are(whydown: Any) -> None:
    """By the date in a table's name, of several the newest; without a file it says that."""
    tables = '[rpki]\nvrps = "absent.json"\n[prefix_to_as]\npath = "*.pfx2as"\n'
    whydown.configure({"shop": "http://127.0.0.1:9/"}, {}, more=tables)
    folder = whydown.config.parent
    for name in ("routeviews-rv2-20240101-1200.pfx2as", "routeviews-rv2-20240102-1200.pfx2as"):
        (folder / name).write_text("203.0.113.0/24\t64500\n")
    _history(whydown.database, age_s=5.0)
    vrps, table = json.loads(whydown.call("status", "--config", str(whydown.config), "--json").stdout)["tables"]
    text = whydown.call("status", "--config", str(whydown.config)).stdout

    assert (vrps["name"], vrps["age_s"]) == ("vrps", None)
    assert table["path"].endswith("20240102-1200.pfx2as")
    assert table["age_s"] == pytest.approx(clock.wall() - 1_704_196_800, abs=60.0)
    assert re.search(r"^vrps: .*absent\.json, no such file$", text, re.MULTILINE)
    assert re.search(r"^prefix_to_as: .*20240102-1200\.pfx2as, \d{5,}\.\d h old$", text, re.MULTILINE)


def test_status_as_json_is_one_object(whydown: Any) -> None:
    """The same for programs."""
    _history(whydown.database, age_s=5.0)
    report = json.loads(whydown.call("status", "--database", str(whydown.database), "--json").stdout)
    seoul, tokyo = report["rows"]

    assert report["alive"] is True
    assert report["age_s"] < 60
    assert (seoul["vantage"], seoul["rounds"], seoul["failures"]) == ("seoul-1", 2, 1)
    assert (tokyo["vantage"], tokyo["rounds"], tokyo["failures"]) == ("tokyo-1", 1, 0)
    assert seoul["last"]["failure"] == "read_timeout"


@pytest.mark.parametrize(
    ("arguments", "status"), [(("--database", "missing.db"), 1), (("--config", "missing.toml"), 2)]
)
def test_status_without_a_history_says_what_is_missing(
    whydown: Any, arguments: tuple[str, str], status: int
) -> None:
    """A missing file is named."""
    done = whydown.call("status", *arguments)

    assert done.returncode == status
    assert arguments[1] in done.stderr


def test_probe_is_the_probes_own_command(whydown: Any, service: Any) -> None:
    """The same arguments; with --json the same output as `python -m probes`, without it a drawing."""
    arguments = ("http", service.url, "--vantage", "here", "--target", "shop")
    ours = whydown.call("probe", *arguments, "--json")
    drawn = whydown.call("probe", *arguments)
    theirs = subprocess.run(
        [sys.executable, "-m", "probes", *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    one, other = json.loads(ours.stdout), json.loads(theirs.stdout)

    assert (ours.returncode, theirs.returncode) == (0, 0)
    assert one.keys() == other.keys()
    assert "wait" in drawn.stdout
    assert (one["status"], one["failure"], one["target"]) == (200, None, "shop")
