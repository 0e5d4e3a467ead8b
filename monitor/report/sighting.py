"""What each vantage saw of an incident's targets, counted once: mail, page and report tell the same figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from monitor.history import Reader
from monitor.history.answers import Failures
from monitor.model import Incident
from monitor.report.headline import began_at

BEFORE_S = 3600.0
"""How long before the first bad fact is told as what was usual."""

LOOK_BACK_S = 6 * 3600.0
"""How far before the trouble a last good answer is looked for."""

_EXACT_S = 3600.0
"""Of a longer window the roll-ups tell the medians, to within 2 % and a minute: an hour is read in 25 ms."""

_MINUTE_S = 60.0


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What one vantage saw of one target since the first bad fact until the incident's end.

    `failed` of `requests`, `failures` by word, the commonest first; `last_good_at` None: no good answer since
    hours before. Durations are medians in seconds, `usual_` of the hour before: of opening the connection, of
    waiting for the first byte, of the whole exchange as far as it got. None: nothing of it was measured.
    """

    vantage: str
    target: str
    affected: bool
    requests: int
    failed: int
    failures: dict[str, int]
    first_failed_at: float | None
    last_failed_at: float | None
    last_good_at: float | None
    usual_connect_s: float | None
    connect_s: float | None
    usual_wait_s: float | None
    wait_s: float | None
    usual_total_s: float | None
    total_s: float | None


def sightings_of(incident: Incident, reader: Reader, now: float) -> list[Sighting]:
    """Of each member of the incident; of a vantage's own fault, of all that this vantage measured.

    The affected ones come first, then those that saw most failures. `now`: Unix seconds, the end of an open one.

    :raises monitor.history.HistoryError: the history cannot be read
    """
    members = incident.members or ((incident.target,) if incident.target is not None else ())
    found = [
        one
        for target in members or reader.targets()
        for one in sightings_of_target(incident, reader, target, now)
        if members or one.affected
    ]
    return _worst_first(found)


def sightings_of_target(incident: Incident, reader: Reader, target: str, now: float) -> list[Sighting]:
    """Of one target, in the same order.

    :raises monitor.history.HistoryError: the history cannot be read
    """
    began, end = began_at(incident), now if incident.closed_at is None else incident.closed_at
    usual, since = _medians(reader, target, began - BEFORE_S, began), _medians(reader, target, began, end)
    requests = reader.requests(began, end, target=target)
    good = reader.last_good(began - LOOK_BACK_S, end, target=target)
    failures = [one for one in reader.failures(began, end, target=target) if one.kind == "http"]
    found = [
        _sighting(
            vantage, target, incident, usual, since, requests.get(vantage, 0), good.get(vantage),
            [one for one in failures if one.vantage == vantage],
        )
        for vantage in {name for name, _ in usual} | requests.keys()
    ]  # fmt: skip
    return _worst_first(found)


def _worst_first(found: Iterable[Sighting]) -> list[Sighting]:
    return sorted(found, key=lambda one: (not one.affected, -one.failed, one.vantage, one.target))


_Medians = dict[tuple[str, str], float]
"""By vantage and phase, in seconds."""


def _sighting(
    vantage: str,
    target: str,
    incident: Incident,
    usual: _Medians,
    since: _Medians,
    requests: int,
    last_good_at: float | None,
    failures: Sequence[Failures],
) -> Sighting:
    return Sighting(
        vantage=vantage,
        target=target,
        affected=vantage in incident.affected,
        requests=requests,
        failed=sum(one.count for one in failures),
        failures={one.failure.value: one.count for one in failures},
        first_failed_at=min((one.first_at for one in failures), default=None),
        last_failed_at=max((one.last_at for one in failures), default=None),
        last_good_at=last_good_at,
        usual_connect_s=usual.get((vantage, "connect")),
        connect_s=since.get((vantage, "connect")),
        usual_wait_s=usual.get((vantage, "wait")),
        wait_s=since.get((vantage, "wait")),
        usual_total_s=usual.get((vantage, "total")),
        total_s=since.get((vantage, "total")),
    )


def _medians(reader: Reader, target: str, since: float, until: float) -> _Medians:
    """Of [since, until): of the facts where they are few and still there, else of the roll-ups."""
    found: _Medians = {}
    if until - since <= _EXACT_S:
        found = _asked(reader, target, since, until, max(until - since, _MINUTE_S))
    if not found:
        # Ending with a whole minute too, so that what is usual has nothing of the trouble.
        first = since // _MINUTE_S * _MINUTE_S
        whole_s = max((until - first) // _MINUTE_S, 1.0) * _MINUTE_S
        found = _asked(reader, target, first, first + whole_s, whole_s)
    return found


def _asked(reader: Reader, target: str, since: float, until: float, bucket_s: float) -> _Medians:
    """One bucket: only the whole window's figures are looked at."""
    series = reader.latency(since, until, target=target, by=frozenset({"vantage", "phase"}), bucket_s=bucket_s)
    return {(one.vantage, one.phase): one.p50_s for one in series if one.vantage is not None}
