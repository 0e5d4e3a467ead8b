"""Which vantages a hub does not hear, by its own facts about that. Pure.

A vantage that is silent measures perhaps, but nobody knows: what it saw last says nothing of now, so it neither
accuses a target nor clears one, and its own trouble is not over because it tells no more. A silence ends when the
hub says so and not with the next measurement: what was measured meanwhile comes later with its old times, and a
replay must conclude as we do now.

Vantages that fall silent together share one trouble: a site's line, or the hub's own.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from monitor.model.contact import CONTACT, HEARD, SILENT
from monitor.model.incident import Incident
from monitor.model.verdict import Cause
from probes.observation import NotMeasured

SILENT_S = 90.0
"""Not heard for this long, a vantage is silent: six requests for orders have not come."""

TOGETHER_S = 30.0
"""Who falls silent so soon after another does it with him: requests come every 15 s, a hub looks every 10."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Vantages, sorted, that fell silent together about `since`; named by the `lead`, who was the first to."""

    lead: str
    vantages: tuple[str, ...]
    since: float


@dataclass(slots=True)
class _Group:
    lead: str
    began_at: float
    silent: set[str] = field(default_factory=set)


class Contacts:
    """Fed with the hub's facts about contact. `known`: whose silence counts; none at all: everybody's."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = frozenset(known)
        self._groups: list[_Group] = []

    @property
    def silent(self) -> frozenset[str]:
        """The vantages that are not heard."""
        return frozenset(vantage for group in self._groups for vantage in group.silent)

    def silences(self, now: float) -> dict[str, Silence]:
        """The silences that last, by their lead, once it is known who fell silent together."""
        return {
            group.lead: Silence(group.lead, tuple(sorted(group.silent)), group.began_at - SILENT_S)
            for group in self._groups
            if now >= group.began_at + TOGETHER_S
        }

    def take(self, fact: NotMeasured) -> None:
        """Take a fact of any probe; those about contact count, once."""
        if fact.probe != CONTACT or (self._known and fact.vantage not in self._known):
            return
        if fact.reason == HEARD:
            self._end(fact.vantage)
        elif fact.reason == SILENT and not any(fact.vantage in group.silent for group in self._groups):
            self._begin(fact.vantage, fact.at)

    def resume(self, incident: Incident, lead: str) -> bool:
        """Go on with a silence that an earlier process told of; the facts that said so may be long ago.

        False: its vantages are no longer ours.
        """
        silent = {vantage for vantage in incident.affected if not self._known or vantage in self._known}
        if silent:
            self._groups.append(_Group(lead, incident.opened_at - TOGETHER_S, silent))
        return bool(silent)

    def _begin(self, vantage: str, at: float) -> None:
        group = self._groups[-1] if self._groups else None
        if group is None or not 0.0 <= at - group.began_at <= TOGETHER_S:
            # A lead who was heard again, and falls silent while others of his group still are, does it with them.
            group = next((one for one in self._groups if one.lead == vantage), None)
        if group is None:
            group = _Group(vantage, at)
            self._groups.append(group)
        group.silent.add(vantage)

    def _end(self, vantage: str) -> None:
        for group in self._groups:
            group.silent.discard(vantage)
        self._groups = [group for group in self._groups if group.silent]


def is_silence(incident: Incident) -> bool:
    """Whether an incident is that vantages are not heard."""
    return incident.cause is Cause.VANTAGE_FAULT and incident.detail.failure == SILENT
