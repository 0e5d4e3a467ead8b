"""What a report says beside the verdict: what each vantage saw, what the ROAs allow, where to look further.

Values, and the one function that reads them from the history. A report is complete without any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from monitor.history import Reader
from monitor.model import Incident, Vrp
from monitor.report.headline import began_at

BEFORE_S = 1800.0
"""How far before the trouble the picture begins: what is usual has to be seen beside what is not."""

LOOK_BACK_S = 6 * 3600.0
"""How far before the trouble a last good answer is looked for."""

MOST_BUCKETS = 40
"""Bars of one vantage: at five pixels each, a phone has room for their figures beside them."""

_MINUTE_S = 60.0
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one vantage saw of the target. Times of exchanges in seconds, failed ones as far as they got.

    `failed` of `rounds` since the trouble began, `failure` the commonest word; `last_good_at` None: none for
    hours. `usually_s`, `now_s`: medians of before and since, None: nothing was measured. `bars`: the median of
    each bucket.
    """

    vantage: str
    affected: bool
    failed: int
    rounds: int
    failure: str | None
    last_good_at: float | None
    usually_s: float | None
    now_s: float | None
    bars: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The sightings of one target over a window cut into buckets; `began` is the bucket in which trouble began."""

    target: str
    since: float
    until: float
    bucket_s: float
    began: int
    sightings: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """`picture` None: nothing was measured. `roas`: those around the route at fault; None: not known.

    `page`: where a dashboard shows the incident. `contacts`: of the networks at fault, a line each.
    """

    picture: Picture | None = None
    roas: tuple[Vrp, ...] | None = None
    page: str | None = None
    contacts: tuple[str, ...] = ()


NOTHING = Circumstances()


def incident_page(base: str, identity: str) -> str:
    """Where the dashboard at `base` shows an incident."""
    return f"{base.rstrip('/')}/incidents/{quote(identity[:200], safe='')}"


def picture_of(incident: Incident, reader: Reader, now: float) -> Picture | None:
    """What every vantage saw of the incident's first target, from half an hour before it until its end.

    :raises HistoryError: the history cannot be read
    """
    if incident.target is None:
        return None
    began = began_at(incident)
    end = now if incident.closed_at is None else incident.closed_at
    bucket_s = _bucket_s(end - began + BEFORE_S)
    # Whole minutes, so that roll-ups can answer; the bucket in which the trouble began begins with none of before.
    since = (began - BEFORE_S) // _MINUTE_S * _MINUTE_S
    until = since + -(-(end - since) // bucket_s) * bucket_s
    series = {
        one.vantage: {round((point.at - since) / bucket_s): (point.p50_s, point.count) for point in one.points}
        for one in reader.latency(
            since, until, target=incident.target, by=frozenset({"vantage"}), bucket_s=bucket_s
        )
        if one.vantage is not None
    }
    places, began_in = round((until - since) / bucket_s), int((began - since) // bucket_s)
    good = reader.last_good(began - LOOK_BACK_S, end, target=incident.target)
    counts = _failures(incident.target, reader, began, end)
    sightings = [
        _sighting(
            vantage, incident, tuple(points.get(place) for place in range(places)), began_in,
            good.get(vantage), counts.get(vantage),
        )
        for vantage in {*series, *counts}
        for points in [series.get(vantage, {})]
    ]  # fmt: skip
    order = sorted(sightings, key=lambda one: (not one.affected, -one.failed, one.vantage))
    return Picture(
        target=incident.target, since=since, until=until, bucket_s=bucket_s, began=began_in, sightings=tuple(order)
    )


_Point = tuple[float | None, int] | None


def _sighting(
    vantage: str,
    incident: Incident,
    points: tuple[_Point, ...],
    began: int,
    last_good_at: float | None,
    failures: tuple[int, int, str] | None,
) -> Sighting:
    counted = sum(point[1] for point in points[began:] if point is not None)
    failed, rounds, failure = failures if failures is not None else (0, counted, None)
    return Sighting(
        vantage=vantage,
        affected=vantage in incident.affected,
        failed=failed,
        rounds=rounds,
        failure=failure,
        last_good_at=last_good_at,
        usually_s=_median(points[:began]),
        now_s=_median(points[began:]),
        bars=tuple(None if point is None else point[0] for point in points),
    )


def _median(points: tuple[_Point, ...]) -> float | None:
    """The middle of the buckets' medians."""
    values = sorted(point[0] for point in points if point is not None and point[0] is not None)
    return values[len(values) // 2] if values else None


def _failures(target: str, reader: Reader, since: float, until: float) -> dict[str, tuple[int, int, str]]:
    """By vantage: how many exchanges failed, of how many, and the commonest failure."""
    found: dict[str, tuple[int, int, str]] = {}
    for one in reader.failures(since, until, target=target):
        if one.kind == "http":
            # The commonest comes first.
            count, _, word = found.get(one.vantage, (0, one.of, one.failure.value))
            found[one.vantage] = (count + one.count, one.of, word)
    return found


def _bucket_s(window_s: float) -> float:
    """The shortest bucket that leaves few enough bars."""
    for minutes in _STEPS:
        if window_s <= minutes * _MINUTE_S * MOST_BUCKETS:
            return minutes * _MINUTE_S
    return -(-window_s // (86400.0 * MOST_BUCKETS)) * 86400.0
