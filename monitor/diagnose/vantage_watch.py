"""The vantages themselves over time: who is sick, who is not heard, and the incidents of both.

A fault of a vantage is an incident of its own, never a target's. It ends when the vantage is seen well: one that
nobody hears, or that measures no more, has not recovered by that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial

from monitor.diagnose.conclude import conclude_sick, conclude_silent
from monitor.diagnose.contact import Contacts, Silence, is_silence
from monitor.diagnose.elsewhere import Elsewhere
from monitor.diagnose.tracker import Tracker, abandoned, identify
from monitor.diagnose.usual_hours import NO_PAST, PastHours
from monitor.diagnose.vantage_health import LedAway, Sickness, VantageHealth, Views
from monitor.model.incident import Incident, IncidentChange
from monitor.model.target import Control
from monitor.model.verdict import Cause, Verdict
from probes.observation import HttpObservation, NotMeasured

UNSEEN_S = 3600.0
"""A fault is held open for so long after the last measurement of a vantage of which no hub says that it is silent:
one that was taken out of service is never seen well."""

UNSEEN = "nothing is measured there any more"
RETIRED = "it is no longer one of this hub's vantages"


class VantageWatch:
    """Fed with what is measured of controls and with what a hub says of contact; asked at every moment.

    `known`: the vantages that the configuration names, if any. `round_s`: of the fastest probing. `past`: what the
    hours of before were like.
    """

    def __init__(
        self, controls: tuple[Control, ...], known: Collection[str], round_s: float, past: PastHours = NO_PAST
    ) -> None:
        self._health = VantageHealth(controls, past)
        self._contacts = Contacts(known)
        self._round_s = round_s
        self._trackers: dict[str, Tracker] = {}
        self._sick: frozenset[str] = frozenset()
        self._orphans: list[tuple[Incident, int]] = []

    @property
    def open_incidents(self) -> Iterator[Incident]:
        """The incidents that are open."""
        return (tracker.incident for tracker in self._trackers.values() if tracker.incident is not None)

    @property
    def left_out(self) -> frozenset[str]:
        """The vantages whose word on targets counts for nothing now."""
        return self._sick | self._contacts.silent

    def resume(self, incident: Incident, sequence: int) -> None:
        """Go on with an incident of an earlier process."""
        vantage = _subject(incident)
        if is_silence(incident) and not self._contacts.resume(incident, vantage):
            self._orphans.append((incident, sequence))
        else:
            self._tracker(vantage).resume(incident, sequence)

    def add(self, seen: HttpObservation, known_at: float) -> None:
        """Take an observation of a control."""
        self._health.add(seen, known_at)

    def take(self, fact: NotMeasured) -> None:
        """Take what may be a hub's word on a vantage."""
        self._contacts.take(fact)

    def vouched(self, now: float) -> Callable[[str, float, float], bool | None]:
        """Whether a vantage's controls were well since a time; see `VantageHealth.vouched`."""
        return partial(self._health.vouched, now=now)

    def elsewhere(self, vantage: str, since: float) -> tuple[Elsewhere, ...]:
        """How a vantage reaches its controls since a moment."""
        return self._health.elsewhere(vantage, since)

    def judge(self, now: float, views: Views, led_away: LedAway) -> list[IncidentChange]:
        """What changes at this moment. `views`: of the targets; those of who has recovered begin anew."""
        sick = self._health.sick(now, views, led_away)
        for recovered in self._sick - sick.keys() - self._health.led:
            for view in views.get(recovered, {}).values():
                view.absolve()
        self._sick = frozenset(sick)
        silences = self._contacts.silences(now)
        changes = [abandoned(*orphan, now, RETIRED) for orphan in self._orphans]
        self._orphans.clear()
        for vantage in sorted(sick.keys() | silences.keys() | self._trackers.keys()):
            changes += self._judge_one(vantage, now, views, sick.get(vantage), silences.get(vantage))
        return changes

    def _judge_one(
        self, vantage: str, now: float, views: Views, sickness: Sickness | None, silence: Silence | None
    ) -> tuple[IncidentChange, ...]:
        tracker = self._tracker(vantage)
        if silence is not None:
            return tracker.update(conclude_silent(silence, now, len(views)), silence.since)
        if sickness is not None:
            return tracker.update(conclude_sick(sickness, now, len(views)), sickness.since)
        incident = tracker.incident
        if incident is not None and not is_silence(incident) and not self._health.measures(vantage, views, now):
            return self._hold(tracker, vantage, now, views)
        if vantage in self._contacts.silent:
            return ()
        well = Verdict(at=now, target=None, cause=Cause.OK, confidence=1.0, vantages=len(views))
        return tracker.update(well, now)

    def _hold(self, tracker: Tracker, vantage: str, now: float, views: Views) -> tuple[IncidentChange, ...]:
        """Keep a fault open of which nobody sees whether it is over, but not for ever."""
        if vantage in self._contacts.silent or now - self._health.seen_at(vantage, views) <= UNSEEN_S:
            return ()
        change = tracker.abandon(now, UNSEEN)
        return (change,) if change is not None else ()

    def _tracker(self, vantage: str) -> Tracker:
        if vantage not in self._trackers:
            self._trackers[vantage] = Tracker(_named(vantage), None, self._round_s)
        return self._trackers[vantage]


def _named(vantage: str) -> str:
    return f"vantage-{vantage}"


def _subject(incident: Incident) -> str:
    """The vantage that an incident is named by: of several that are affected, the one in its id."""
    for vantage in incident.affected:
        if identify(_named(vantage), incident.opened_at) == incident.id:
            return vantage
    return incident.affected[0]
