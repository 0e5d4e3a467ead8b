"""The incidents of one target: one at a time, and a second beside it while two causes act at once. Pure.

A verdict goes to the incident that tells its story. While the clusters of vantages are told apart there are two
verdicts; when they no longer are, the one that is left belongs to the incident of its cause, and the other's
trouble is over: what its vantages still see is the trouble that goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from monitor.diagnose.conclude import fine
from monitor.diagnose.tracker import QUIET_S, Tracker
from monitor.model.incident import Incident, IncidentChange
from monitor.model.verdict import Cause, Verdict

Settled = Callable[[Iterable[str]], bool]
"""Whether vantages have been well for long enough to call them so."""


class TargetIncidents:
    """Tracks a target's incident, and the one beside it. `round_s`: how often it is measured, seconds."""

    def __init__(self, name: str, round_s: float) -> None:
        self._name = name
        self._main = Tracker(name, name, round_s, QUIET_S)
        self._beside = Tracker(f"{name}-beside", name, round_s, QUIET_S)

    @property
    def incident(self) -> Incident | None:
        """The incident that goes on; of two the one that does not stand beside another."""
        return self._main.incident or self._beside.incident

    @property
    def resting(self) -> Iterator[tuple[Incident, float]]:
        """Those that are over and whose end is not yet told, each with when it was over."""
        for tracker in (self._main, self._beside):
            if tracker.told is not None and tracker.rests_since is not None:
                yield tracker.told, tracker.rests_since

    def resume(self, incident: Incident, sequence: int, rests_since: float | None = None) -> None:
        """Go on with an incident that an earlier process opened; `rests_since`: as `resting` had it there."""
        tracker = self._main if self._main.told is None else self._beside
        tracker.resume(incident, sequence, rests_since)

    def update(
        self, verdicts: tuple[Verdict, ...], started_at: float, settled: Settled, *, receding: bool = False
    ) -> list[IncidentChange]:
        """Take one moment's verdicts, of which there are one or two; see `Tracker.update` for the rest."""
        main, beside = self._assigned(verdicts)
        passed_on = len(verdicts) == 1 and beside is verdicts[0]
        is_settled = passed_on or self._is_settled(self._main, settled)
        changes = [*self._main.update(main, started_at, settled=is_settled, receding=receding)]
        if self._beside.told is not None or beside.cause is not Cause.OK:
            is_settled = self._is_settled(self._beside, settled)
            changes += self._beside.update(beside, started_at, settled=is_settled, receding=receding)
        return changes

    def _assigned(self, verdicts: tuple[Verdict, ...]) -> tuple[Verdict, Verdict]:
        """The verdict for the main incident, and that for the one beside it."""
        main, beside = self._main.told, self._beside.told
        if len(verdicts) == 2:
            taken, server = verdicts
            is_servers = main is not None and main.cause is server.cause
            is_beside = beside is not None and beside.cause is taken.cause
            return (server, taken) if is_servers or is_beside else (taken, server)
        (verdict,) = verdicts
        well = fine(self._name, verdict.vantages, verdict.at)
        if beside is not None and verdict.cause is beside.cause:
            return well, verdict
        return verdict, well

    @staticmethod
    def _is_settled(tracker: Tracker, settled: Settled) -> bool:
        return tracker.told is None or settled(tracker.told.affected)
