"""What each vantage saw, read from a real history, and how text and HTML show it."""

from __future__ import annotations

import html.parser
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from monitor.history import Reader, Store
from monitor.model import Incident, IncidentChange
from monitor.report import incident_html, incident_text
from monitor.report.circumstances import MOST_BUCKETS, Circumstances, Picture, incident_page, picture_of
from monitor.report.sighting import Sighting, sightings_of, sightings_of_target
from monitor.report.vantage_table import MOST_ROWS, vantage_table
from monitor.report.words import Language
from probes import Failure, HttpObservation

ChangeOf = Callable[[str], IncidentChange]

BEGAN = 1_643_854_810.0  # the hijack's first bad fact
NOW = BEGAN + 90.0


def _seen(vantage: str, at: float, total_s: float, failure: Failure | None = None) -> HttpObservation:
    return HttpObservation(
        at=at, vantage=vantage, target="qr-checkin", total_s=total_s, wait_s=total_s, failure=failure
    )


@pytest.fixture
def hijack(change_of: ChangeOf) -> Incident:
    """The hijack of 2022-02-03."""
    return change_of("hijack").incident


@pytest.fixture
def picture(tmp_path: Path, hijack: Incident) -> Picture:
    """Of a history in which seoul-1 went from 80 ms to failures, and amsterdam-1 stayed well."""
    facts = [_seen("seoul-1", BEGAN - 10 - 30 * count, 0.080) for count in range(40)]
    facts += [_seen("seoul-1", BEGAN + 30 * count, 1.2, Failure.STATUS_UNEXPECTED) for count in range(2)]
    facts += [_seen("seoul-1", BEGAN + 65, 0.9, Failure.READ_TIMEOUT)]
    facts += [_seen("amsterdam-1", BEGAN - 600 + 30 * count, 0.2) for count in range(22)]
    facts += [msgspec.structs.replace(fact, target="other", vantage="elsewhere") for fact in facts]
    path = tmp_path / "whydown.db"
    with Store.open(path) as store:
        store.add_observations(sorted(facts, key=lambda fact: fact.at))
    with Reader.open(path) as reader:
        found = picture_of(hijack, reader, NOW)
    assert found is not None
    return found


def test_the_picture_tells_what_each_vantage_saw(picture: Picture) -> None:
    """Failures since it began, when it was last well, what is usual and what is now; the affected first."""
    seoul, amsterdam = picture.sightings

    assert (seoul.vantage, seoul.affected, seoul.failed, seoul.requests) == ("seoul-1", True, 3, 3)
    assert seoul.failures == {"status_unexpected": 2, "read_timeout": 1}
    assert seoul.last_good_at == pytest.approx(BEGAN - 10 + 0.08)
    assert seoul.usual_total_s == seoul.usual_wait_s == 0.080
    assert seoul.total_s == 1.2
    assert (amsterdam.vantage, amsterdam.affected, amsterdam.failed) == ("amsterdam-1", False, 0)
    assert amsterdam.total_s == 0.2


def test_the_bars_begin_half_an_hour_before(picture: Picture) -> None:
    """What is usual stands beside what is not, and what was not measured is a gap."""
    seoul, amsterdam = picture.bars["seoul-1"], picture.bars["amsterdam-1"]

    assert picture.bucket_s == 60.0
    assert picture.since <= BEGAN - 1800 < picture.since + 60
    assert len(seoul) == round((picture.until - picture.since) / 60) <= MOST_BUCKETS
    assert max(bar for bar in seoul[: picture.began] if bar is not None) < 0.1
    assert min(bar for bar in seoul[picture.began + 1 :] if bar is not None) > 0.8
    assert amsterdam[0] is None


def test_a_vantage_that_never_got_anywhere_is_in_the_picture(tmp_path: Path, hijack: Incident) -> None:
    """Time-outs have no latency to draw; that there were some is what counts."""
    lost = HttpObservation(
        at=BEGAN + 5, vantage="seoul-1", target="qr-checkin", total_s=10.0, failure=Failure.CONNECT_TIMEOUT
    )
    path = tmp_path / "whydown.db"
    with Store.open(path) as store:
        store.add_observations([lost])
    with Reader.open(path) as reader:
        found = picture_of(hijack, reader, NOW)

    assert found is not None
    assert [(one.vantage, one.failed, one.requests, one.total_s) for one in found.sightings] == [
        ("seoul-1", 1, 1, None)
    ]
    assert found.bars == {}


@pytest.mark.parametrize("days", [1, 400])
def test_a_long_trouble_has_as_few_bars(tmp_path: Path, hijack: Incident, days: int) -> None:
    """However long it lasts, a phone shows it."""
    path, end = tmp_path / "whydown.db", BEGAN + days * 86_400.0
    with Store.open(path) as store:
        store.add_observations([_seen("seoul-1", BEGAN + 5, 1.0), _seen("seoul-1", end - 5, 1.0)])
    with Reader.open(path) as reader:
        found = picture_of(hijack, reader, end)

    assert found is not None
    assert len(found.bars["seoul-1"]) <= MOST_BUCKETS
    assert sum(bar is not None for bar in found.bars["seoul-1"]) == 2


def test_a_vantage_of_its_own_has_no_picture(tmp_path: Path, change_of: ChangeOf) -> None:
    """Its incident is about no target."""
    path = tmp_path / "whydown.db"
    with Store.open(path), Reader.open(path) as reader:
        assert picture_of(change_of("vantage-fault").incident, reader, NOW) is None


def test_of_a_sick_vantage_all_is_told_that_it_measured(tmp_path: Path, change_of: ChangeOf) -> None:
    """Its incident is about no target; what others saw meanwhile is not its own."""
    incident = msgspec.structs.replace(
        change_of("vantage-fault").incident, affected=("seoul-1",), started_at=BEGAN, closed_at=None
    )
    facts = [_seen("seoul-1", BEGAN + 5, 1.0, Failure.CONNECT_TIMEOUT), _seen("tokyo-1", BEGAN + 5, 0.2)]
    facts.append(msgspec.structs.replace(facts[0], target="map"))
    path = tmp_path / "whydown.db"
    with Store.open(path) as store:
        store.add_observations(facts)
    with Reader.open(path) as reader:
        found = sightings_of(incident, reader, NOW)

    assert [(one.vantage, one.target, one.failed, one.requests) for one in found] == [
        ("seoul-1", "map", 1, 1),
        ("seoul-1", "qr-checkin", 1, 1),
    ]


def test_the_figures_of_a_long_trouble_are_those_of_the_facts(tmp_path: Path, hijack: Incident) -> None:
    """From three days on they come from the roll-ups: counts to the five minutes, medians to within 2 %."""
    days, path = 4, tmp_path / "whydown.db"
    facts = [
        _seen("seoul-1", BEGAN + 600.0 * number, 0.4, None if number % 3 else Failure.READ_TIMEOUT)
        for number in range(days * 144)
    ]
    with Store.open(path) as store:
        store.add_observations(facts)
    with Reader.open(path) as reader:
        (found,) = sightings_of_target(hijack, reader, "qr-checkin", BEGAN + days * 86_400.0)

    assert (found.requests, found.failed) == (days * 144, days * 48)
    assert found.failures == {"read_timeout": days * 48}
    assert found.total_s == pytest.approx(0.4, rel=0.02)
    assert found.usual_total_s is None


@pytest.mark.parametrize("language", list(Language))
def test_text_and_html_show_the_picture_and_the_page(
    hijack: Incident, picture: Picture, language: Language
) -> None:
    """The figures of each vantage and the link to the dashboard, in both parts and languages."""
    around = Circumstances(picture=picture, page=incident_page("https://whydown.example/", "a b/c"))
    text = incident_text(hijack, timezone="Asia/Seoul", now=NOW, language=language, circumstances=around)
    page = incident_html(hijack, timezone="Asia/Seoul", now=NOW, language=language, circumstances=around)
    for shown in (text, page):
        for words in (
            "! seoul-1",
            "amsterdam-1",
            "3/3",
            "11:20:00",
            "https://whydown.example/incidents/a%20b%2Fc",
        ):
            assert words in shown
    (line,) = (line for line in text.splitlines() if "! seoul-1" in line)

    assert line.split()[:3] == ["!", "seoul-1", "3/3"]
    assert line.split()[-1] == "11:20:00"
    assert f'lang="{language}"' in page
    assert "█" in text


def test_bars_are_drawn_without_images(hijack: Incident, picture: Picture) -> None:
    """Cells with a border of the bar's height: alarming only for the affected, and only since it began."""
    page = incident_html(hijack, timezone="UTC", now=NOW, circumstances=Circumstances(picture=picture))
    bars = _Bars()
    bars.feed(page)
    since_it_began = len(picture.bars["seoul-1"]) - picture.began

    assert bars.kinds.count("bar-alarm") == since_it_began
    assert bars.kinds.count("bar-soft") == 2 * len(picture.bars["seoul-1"]) - since_it_began
    assert max(bars.heights) == 24
    assert "<img" not in page


class _Bars(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.kinds: list[str] = []
        self.heights: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        kind, style = found.get("class") or "", found.get("style") or ""
        if tag == "td" and kind.startswith("bar-"):
            self.kinds.append(kind)
            _, _, border = style.partition("border-bottom:")
            if border:
                self.heights.append(int(border.partition("px")[0]))


def test_a_hundred_vantages_are_a_dozen_rows_and_a_number() -> None:
    """The mail stays readable; names that others chose are made safe."""
    many = tuple(
        Sighting(
            vantage=f"<b>\x1b[31m{number}", target="t", affected=True, requests=1, failed=1, failures={},
            first_failed_at=None, last_failed_at=None, last_good_at=None, usual_connect_s=None, connect_s=None,
            usual_wait_s=None, wait_s=None, usual_total_s=None, total_s=None,
        )
        for number in range(100)
    )  # fmt: skip
    crowd = Picture(target="t", since=0.0, until=60.0, bucket_s=60.0, began=0, sightings=many, bars={})
    table = vantage_table(crowd, "UTC")

    assert (len(table.rows), table.left_out) == (MOST_ROWS, 100 - MOST_ROWS)
    assert table.rows[0].vantage == "<b>\\x1b[31m0"
    assert (table.rows[0].total.usually, table.rows[0].last_good) == ("–", "–")
