"""A history tells a new engine which hours are always busy, and so does what is exported or bundled of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.config import parse_config
from monitor.diagnose import Engine, Knowledge, known_at
from monitor.diagnose.usual_hours import PastHour
from monitor.history import Keep, Reader, Store
from monitor.hub.warm_start import engine_from_history, past_hours
from monitor.replay import read_folder, replay
from probes.observation import HttpObservation

HOUR, DAY = 3600.0, 86_400.0
MONDAY = 1_704_067_200.0
TODAY = MONDAY + 3 * DAY
KEEP = Keep(facts_s=90 * DAY, minutes_s=90 * DAY, five_minutes_s=90 * DAY)
CONFIG = """
[[target]]
name = "shop"
url = "https://shop.example/"
interval = "10m"
"""


def measured(begin: float, end: float) -> Iterator[HttpObservation]:
    """What three vantages see every ten minutes: from seven to ten in the evening the line is full."""
    for number in range(int((end - begin) // 600)):
        for index, vantage in enumerate(("berlin", "london", "tokyo")):
            at = begin + 600 * number + 7 * index
            spread = Random(f"{vantage} {at}").lognormvariate(0.0, 0.12)
            rtt_s = spread * (0.070 if 19 * HOUR <= (at - MONDAY) % DAY < 22 * HOUR else 0.020)
            yield HttpObservation(
                at=at, vantage=vantage, target="shop", address="198.51.100.7", family=4, status=200,
                connect_s=rtt_s, kernel_min_rtt_s=rtt_s, wait_s=rtt_s + 0.05, total_s=2 * rtt_s + 0.05,
            )  # fmt: skip


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days, rolled up, and what is measured today until six in the evening."""
    path = tmp_path_factory.mktemp("evenings") / "history.db"
    with Store.open(path) as store:
        store.add_observations(list(measured(MONDAY, TODAY + 18 * HOUR)))
        while store.tend(TODAY + 18 * HOUR, KEEP).more:
            pass
    return path


def knowledge(hours: tuple[PastHour, ...] = ()) -> Knowledge:
    """Of one target."""
    return Knowledge.from_config(parse_config(CONFIG), hours=hours)


def evening() -> list[HttpObservation]:
    """Today from six."""
    return sorted(measured(TODAY + 18 * HOUR, TODAY + 21 * HOUR), key=known_at)


@pytest.mark.parametrize("judged_s", [None, 3 * HOUR])
def test_after_a_restart_a_busy_evening_is_no_news(history: Path, judged_s: float | None) -> None:
    """Neither for one that judges for good nor for one that reads no more hours than it will ask for."""
    engine = engine_from_history(history, knowledge(), TODAY + 18 * HOUR, judged_s=judged_s)

    assert engine.feed(evening()) == []


def test_an_engine_that_has_the_last_hours_alone_is_surprised() -> None:
    """As every monitor without a history is."""
    forgetful = Engine(knowledge())
    forgetful.warm_up(sorted(measured(TODAY + 12 * HOUR, TODAY + 18 * HOUR), key=known_at))

    assert forgetful.feed(evening()) != []


def test_the_roll_ups_tell_what_an_engine_that_was_there_would_know(history: Path) -> None:
    """To within the grain of the roll-ups, for every hour of every vantage."""
    with Reader.open(history) as reader:
        told = list(past_hours(reader, TODAY, ["shop"]))

    assert {one.vantage for one in told} == {"berlin", "london", "tokyo"}
    assert len(told) == 3 * 72
    for one in told:
        busy = 19 <= one.hour % 24 < 22
        assert one.rtt_s == pytest.approx(0.070 if busy else 0.020, rel=0.25)
        assert one.think_s == pytest.approx(0.05, abs=0.004)


def test_hours_that_are_not_over_are_left_out(history: Path) -> None:
    """Half an hour is none: the facts of its rest are still to come."""
    with Reader.open(history) as reader:
        last = max(one.hour for one in past_hours(reader, TODAY + 5.5 * HOUR, ["shop"]))

    assert last == (TODAY + 5 * HOUR) // HOUR - 1


def test_an_export_with_its_hours_replays_to_the_same_silence(history: Path, tmp_path: Path) -> None:
    """And without them to the alarm of somebody who never saw an evening."""
    (tmp_path / "config.toml").write_text(CONFIG)
    facts = [*measured(TODAY + 12 * HOUR, TODAY + 18 * HOUR), *evening()]
    (tmp_path / "observations.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, facts)))
    since = "2024-01-04T12:00:00+00:00"
    asked = ["export", "shop", "--since", since, "--hours-before", "--database", str(history)]
    exported = CliRunner().invoke(main, asked)
    assert exported.exit_code == 0, exported.output

    without = replay(read_folder(tmp_path, _refuse))
    (tmp_path / "hours-before.jsonl").write_bytes(exported.stdout_bytes)
    replayed = replay(read_folder(tmp_path, _refuse))

    assert without != []
    assert replayed == []


def test_bad_hours_are_named_and_passed_over(tmp_path: Path) -> None:
    """Whatever a stranger's folder holds, the rest is judged."""
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "observations.jsonl").write_bytes(msgspec.json.encode(next(measured(TODAY, TODAY + HOUR))))
    good = msgspec.json.encode(PastHour(target="shop", vantage="berlin", hour=400_000, rtt_s=0.02))
    bad = (b"[]", b"{", b'{"target":"shop","vantage":"berlin","hour":-1}', good.replace(b"0.02", b"-1"))
    (tmp_path / "hours-before.jsonl").write_bytes(b"\n".join((*bad, good)))
    complaints: list[int] = []

    folder = read_folder(tmp_path, lambda path, line, reason: complaints.append(line))

    assert complaints == [1, 2, 3, 4]
    assert [one.hour for one in folder.knowledge.hours] == [400_000]


def _refuse(path: Path, line: int, reason: str) -> None:
    raise AssertionError(f"{path}:{line}: {reason}")
