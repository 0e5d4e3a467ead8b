"""What a report says beside the verdict: what each vantage saw, what the ROAs allow, where to look further.

Values, and the one function that reads them from the history. A report is complete without any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from monitor.history import Reader
from monitor.model import Incident, Vrp
from monitor.report.headline import began_at
from monitor.report.sighting import Sighting, sightings_of_target

BEFORE_S = 1800.0
"""How far before the trouble the bars begin: what is usual has to be seen beside what is not."""

MOST_BUCKETS = 40
"""Bars of one vantage: at five pixels each, a phone has room for their figures beside them."""

_MINUTE_S = 60.0
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)

Bars = tuple[float | None, ...]
"""The median of each bucket in seconds; None: nothing was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The sightings of one target, and the bars of each vantage over a window cut into buckets.

    `began` is the bucket in which the trouble began.
    """

    target: str
    since: float
    until: float
    bucket_s: float
    began: int
    sightings: tuple[Sighting, ...]
    bars: dict[str, Bars]


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
    """What every vantage saw of the incident's first target, its bars from half an hour before it until its end.

    None: the incident is about no target.

    :raises monitor.history.HistoryError: the history cannot be read
    """
    if incident.target is None:
        return None
    began = began_at(incident)
    end = now if incident.closed_at is None else incident.closed_at
    bucket_s = _bucket_s(end - began + BEFORE_S)
    # Whole minutes, so that roll-ups can answer; the bucket in which the trouble began begins with none of before.
    since = (began - BEFORE_S) // _MINUTE_S * _MINUTE_S
    until = since + -(-(end - since) // bucket_s) * bucket_s
    return Picture(
        target=incident.target,
        since=since,
        until=until,
        bucket_s=bucket_s,
        began=int((began - since) // bucket_s),
        sightings=tuple(sightings_of_target(incident, reader, incident.target, now)),
        bars=_bars(reader, incident.target, since, until, bucket_s),
    )


def _bars(reader: Reader, target: str, since: float, until: float, bucket_s: float) -> dict[str, Bars]:
    series = reader.latency(since, until, target=target, by=frozenset({"vantage"}), bucket_s=bucket_s)
    places = range(round((until - since) / bucket_s))
    medians = {
        one.vantage: {round((point.at - since) / bucket_s): point.p50_s for point in one.points}
        for one in series
        if one.vantage is not None
    }
    return {vantage: tuple(found.get(place) for place in places) for vantage, found in medians.items()}


def _bucket_s(window_s: float) -> float:
    """The shortest bucket that leaves few enough bars."""
    for minutes in _STEPS:
        if window_s <= minutes * _MINUTE_S * MOST_BUCKETS:
            return minutes * _MINUTE_S
    return -(-window_s // (86400.0 * MOST_BUCKETS)) * 86400.0
