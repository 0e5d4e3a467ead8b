"""What the demo has seen so far, for whoever shows or sums it up: the latest of each vantage, the log of events.

Takes facts, incident changes, mails and acts; prints nothing. Times are Unix seconds UTC.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from monitor.bgp.ip_to_as import PrefixTable
from monitor.demo import setting
from monitor.demo.mailbox import Mail
from monitor.demo.story import Act
from monitor.diagnose.fact import Fact
from monitor.diagnose.paths.trail import trail_of
from monitor.model.asn import Asn
from monitor.model.incident import Incident, IncidentChange
from monitor.model.route import RouteEvent
from monitor.model.verdict import Verdict
from probes.observation import HttpObservation, NotMeasured, TraceObservation

# A screen shows fewer; more are only kept to be counted.
_KEPT_ROUTES = 12


@dataclass(slots=True)
class VantageRow:
    """The latest that one vantage saw: of the target, of the control, and its way to the target."""

    target: HttpObservation | None = None
    control: HttpObservation | None = None
    path: tuple[Asn, ...] = ()
    replayed_path: bool = False


@dataclass(slots=True)
class Counts:
    """How much was measured and heard."""

    http: int = 0
    traces: int = 0
    route_events: int = 0
    not_measured: int = 0


class Board:
    """The state of the demo. `listeners` hear of each act, route event, incident change and mail as it happens.

    `control`: the healthy site that is shown beside the target.
    """

    def __init__(
        self,
        vantages: Iterable[str],
        table: PrefixTable,
        *,
        replayed_traces: bool = False,
        control: str = setting.CONTROL,
    ) -> None:
        self.rows = {name: VantageRow(replayed_path=replayed_traces) for name in vantages}
        self.routes: deque[RouteEvent] = deque(maxlen=_KEPT_ROUTES)
        self.incidents: dict[str, Incident] = {}
        self.mails: list[tuple[float, Mail]] = []
        self.acts: list[tuple[float, Act]] = []
        self.counts = Counts()
        self.verdict: Verdict | None = None
        self.genuine_key: str | None = None
        self.listeners: list[Callable[[float, object], None]] = []
        self._table = table
        self._control = control

    def begin(self, at: float, act: Act) -> None:
        """An act of the story begins."""
        self.acts.append((at, act))
        self._notify(at, act)

    def fact(self, fact: Fact) -> None:
        """One observation or route event went by."""
        match fact:
            case HttpObservation():
                self._http(fact)
            case TraceObservation():
                self.counts.traces += 1
                if fact.vantage in self.rows and fact.target == setting.TARGET:
                    self.rows[fact.vantage].path = trail_of(fact, self._table).ases
            case NotMeasured():
                self.counts.not_measured += 1
            case RouteEvent():
                self.counts.route_events += 1
                self.routes.append(fact)
                self._notify(fact.at, fact)
            case _:
                pass

    def change(self, change: IncidentChange) -> None:
        """An incident was opened, renamed, updated or closed."""
        self.incidents[change.incident.id] = change.incident
        self._notify(change.at, change)

    def verdicts(self, verdicts: Mapping[str, Verdict]) -> None:
        """The engine's latest verdicts; the target's is shown."""
        self.verdict = verdicts.get(setting.TARGET, self.verdict)

    def mail(self, at: float, mail: Mail) -> None:
        """A mail arrived."""
        self.mails.append((at, mail))
        self._notify(at, mail)

    def _http(self, seen: HttpObservation) -> None:
        self.counts.http += 1
        row = self.rows.get(seen.vantage)
        if row is None:
            return
        if seen.target == self._control:
            row.control = seen
        # The story diverts IPv4; where the service has both families, a row would show now one, now the other.
        if seen.target != setting.TARGET or seen.family == 6:
            return
        row.target = seen
        if self.genuine_key is None:
            self.genuine_key = seen.spki_sha256

    def _notify(self, at: float, event: object) -> None:
        for listener in self.listeners:
            listener(at, event)
