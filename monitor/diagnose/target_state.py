"""Everything remembered of one target, and the situation it makes at a moment.

Facts go in one by one; `situation` looks at them without changing anything. Nothing is concluded here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple

from monitor.bgp.episodes import Episode, EpisodeKind, Role
from monitor.diagnose.distance import has_moved
from monitor.diagnose.elsewhere import Elsewhere, is_as_ever
from monitor.diagnose.identity import NEW_KEYS, Identity, KeyMemory
from monitor.diagnose.names import NameMemory
from monitor.diagnose.networks import Connection, connection, independent, weight
from monitor.diagnose.paths.belief import Belief, believe, ends_at_stranger
from monitor.diagnose.paths.change import PathChange, divergence
from monitor.diagnose.paths.memory import SETTLED_S
from monitor.diagnose.paths.of_target import TargetPaths, most_telling
from monitor.diagnose.place import PlaceMemory, place_of
from monitor.diagnose.route_watch import RouteWatch
from monitor.diagnose.routing import CORRELATION_S, Routing
from monitor.diagnose.situation import Dependency, Situation, VantageSituation
from monitor.diagnose.symptom import RTT_RAISED, Judged, Symptom, Usual
from monitor.diagnose.trouble import Vouch, adds_up, is_receding, settled
from monitor.diagnose.usual_hours import NO_PAST, PastHours
from monitor.diagnose.view import SLOW, View
from monitor.model.asn import Asn
from monitor.model.incident import Incident
from monitor.model.prefix import as_address, contains
from monitor.model.target import Target, Vantage
from monitor.model.verdict import Cause, Verdict
from probes.observation import DnsObservation, HttpObservation, TraceObservation

SHIFT_SHARE = RTT_RAISED["share"]
"""A round trip that moved by this share of its usual value, up or down, has shifted: what is called slow for it is
not called unchanged."""

AFTERMATH_S = 15.0
"""A route that was gone this long before the first bad observation did not cause it. As long as a peer still
carries one it is not gone, however slowly a withdrawal travels; this is for clocks and for timeouts."""

FEWEST_UNEASY, WIDELY = 2, 0.3
"""So many vantages, and this share of them: one slow answer in a hundred is everyday life, for latency has heavy
tails, but seldom at two of five vantages within a round or two."""

RISE_OF = 8
"""The newest exchanges that tell by how much packets are late: a queue delays one more and the next less."""

RECENT_BAD = 3
"""The newest bad exchanges that tell who answers, and from how far."""


class _Asked(NamedTuple):
    """What the situation of a vantage is asked with, beside what it saw itself."""

    onset: float
    episodes: tuple[Episode, ...]
    believed: Belief
    affected: bool
    misled: bool
    network: str
    vouched: bool


class _Moment(NamedTuple):
    """Whether there is trouble, since when, amid which routes, what each vantage witnesses for, and whether routes
    alarm by themselves.
    """

    trouble: bool
    onset: float
    routing: Routing
    networks: dict[str, str]
    alarming: bool


class _Key(NamedTuple):
    """Who answered a vantage last: the key's hash, its issuer, when that was known, and at which address."""

    spki: str
    issuer: str | None
    at: float
    address: str | None


class TargetState:
    """The memory of one target: a view per vantage, paths, keys and names; `routes` of all targets is shared.

    `vantages`: what is declared of them. `past`: what the hours of before were like.
    """

    def __init__(
        self, target: Target, vantages: Iterable[Vantage], routes: RouteWatch, past: PastHours = NO_PAST
    ) -> None:
        self.target = target
        self.views: dict[str, View] = {}
        self.names = NameMemory()
        self._routes = routes
        self._past = past
        self._table = routes.owners
        self._places = PlaceMemory(routes.owners, target.origins | target.allowed_origins)
        self._paths = TargetPaths(routes.owners, self._places)
        self._asns = {vantage.name: vantage.asn for vantage in vantages}
        self._keys = KeyMemory()
        self._latest_key: dict[str, _Key] = {}
        self._stirred_at: float | None = None
        self._changes = 0
        self._shown: dict[str, tuple[object, VantageSituation | None]] = {}
        self._independent: tuple[tuple[float, tuple[str, ...]], dict[str, str]] | None = None

    def add_http(self, observation: HttpObservation, known_at: float) -> None:
        """Take an HTTP observation."""
        view = self.views.get(observation.vantage)
        if view is None:
            past = self._past.get((self.target.name, observation.vantage))
            view = self.views[observation.vantage] = View(observation.vantage, self.target.interval_s, past)
        view.add(observation, known_at)
        if observation.spki_sha256 is not None:
            if self._keys.add(observation.spki_sha256, observation.issuer, known_at):
                self._stir(known_at)
            told = _Key(observation.spki_sha256, observation.issuer, known_at, observation.address)
            self._latest_key[observation.vantage] = told
        if observation.address is not None and self._places.add(observation.address, known_at):
            self._changes += 1

    def add_dns(self, observation: DnsObservation, known_at: float) -> None:
        """Take a DNS observation."""
        self.names.add(observation, known_at)

    def add_trace(self, observation: TraceObservation, known_at: float) -> None:
        """Take a traceroute."""
        if self._paths.add(observation, known_at):
            self._stir(known_at)

    def _stir(self, at: float) -> None:
        """Note that a key or a path was seen that is another than all before."""
        self._changes += 1
        if self._stirred_at is None or at - self._stirred_at > SETTLED_S:
            self._stirred_at = at

    def heed(self, verdict: Verdict) -> None:
        """Learn nothing from vantages that somebody else answers: his round trips would become the usual ones."""
        misled = verdict.affected if verdict.cause in (Cause.ROUTE_HIJACK, Cause.DNS_TAMPERED) else ()
        for view in self.views.values():
            view.misled = view.vantage in misled

    def forget_trouble(self, since: float, until: float) -> None:
        """Unlearn what was first seen during trouble from `since` to `until`."""
        still = frozenset(
            key.spki for key in self._latest_key.values() if key.at >= until - self.target.interval_s
        )
        self._keys.forget(since, until, still)
        self._paths.forget(since, until)
        for view in self.views.values():
            view.absolve()
        self._stirred_at = None
        self._changes += 1

    @property
    def uneasy(self) -> bool:
        """Whether any vantage has seen anything bad lately."""
        return any(view.bad_since is not None for view in self.views.values())

    def unease(self, now: float) -> float:
        """The share of its current vantages that have seen anything bad lately."""
        unwell, current = self._unwell(now)
        return unwell / current if current else 0.0

    def widely_uneasy(self, now: float) -> bool:
        """Whether more vantages than chance explains have seen something bad lately, be it only slowness."""
        unwell, current = self._unwell(now)
        return unwell >= FEWEST_UNEASY and unwell >= WIDELY * current

    def _unwell(self, now: float) -> tuple[int, int]:
        current = [view for view in self.views.values() if view.current(now)]
        return sum(view.bad_since is not None for view in current), len(current)

    def calm(self, now: float) -> bool:
        """Whether there is nothing at all to judge: nothing bad, no unusual route, no new key or path."""
        stirred = self._stirred_at is not None and now - self._stirred_at <= SETTLED_S
        return not self.uneasy and not stirred and not self._routes.is_stirred(self.target.name)

    def measuring(self, now: float, left_out: frozenset[str]) -> int:
        """How many vantages measure the target at `now`, without those that count for nothing."""
        return sum(self._counts(view, now, left_out) for view in self.views.values())

    def onset(self, now: float, sick: frozenset[str]) -> float:
        """When what is judged began: the first bad observation, or a new key or path that came just before."""
        starts = [
            view.bad_since
            for view in self.views.values()
            if view.bad_since is not None and self._counts(view, now, sick)
        ]
        onset = min(starts, default=now)
        if self._stirred_at is not None and 0.0 <= onset - self._stirred_at <= SETTLED_S:
            return self._stirred_at
        return onset

    def is_led_away(self, vantage: str, since: float) -> bool:
        """Whether a vantage's packets go through a network that took or leaked the target's routes.

        `since`: when the vantage's trouble began; a route that is older than the correlation window did not bring
        it.
        """
        before, _ = CORRELATION_S
        recent = [e for e in self._routes.episodes(self.target.name) if e.active and e.first_at >= since - before]
        blamed = _blamed(recent)
        if not blamed:
            return False
        onset = min([since, *(episode.first_at for episode in recent)])
        own = self._paths.readings(vantage, onset, self.home)
        return not blamed.isdisjoint(believe(own, (), blamed).new_networks)

    def situation(
        self,
        now: float,
        *,
        sick: frozenset[str],
        vouched: Vouch,
        dependencies: tuple[Dependency, ...],
        incident: Incident | None,
    ) -> Situation:
        """The situation at `now`; `incident` is the open one of this target."""
        since = incident.started_at if incident is not None else None
        current = [view for _, view in sorted(self.views.items()) if self._counts(view, now, sick)]
        trouble, onset, routing, networks, alarming = self._moment(now, sick, vouched, since, current)
        failing = [networks[view.vantage] for view in current if view.failing or view.confirmed]
        many = 2 * weight(failing, networks.values()) >= 1.0
        at_once = incident is None and (many or alarming)
        beliefs = self._paths.beliefs(
            [view.vantage for view in current], onset, _blamed(routing.episodes), self.home
        )
        tampered = tuple(self.names.tampered(onset, self._table))
        misled = {item.vantage for item in tampered}
        judged = [
            self._vantage(
                view,
                _Asked(
                    onset,
                    routing.episodes,
                    beliefs.get(view.vantage, _NO_TRACE),
                    trouble and (view.confirmed or (view.failing and at_once)),
                    view.vantage in misled,
                    networks[view.vantage],
                    vouched(view.vantage, view.bad_since or now, view.bad_share()) is True,
                ),
            )
            for view in current
        ]
        views = [view for view in judged if view is not None]
        return Situation(
            target=self.target,
            now=now,
            onset=onset,
            trouble=trouble,
            vantages=tuple(views),
            sick=tuple(sorted(sick)),
            receding=is_receding(views, routing, incident, now, 10 * self.target.interval_s),
            routing=routing,
            expected_origins=self.home,
            dependencies=dependencies,
            names_failing=self.names.failing(onset),
            names_asked=self.names.asked_since(onset),
            names_tampered=tampered,
        )

    def _moment(
        self, now: float, sick: frozenset[str], vouched: Vouch, since: float | None, current: list[View]
    ) -> _Moment:
        first_bad = min(self.onset(now, sick), since if since is not None else now)
        routing = _without_past(self._routes.routing(self.target.name, now, since), first_bad)
        own = routing.without_mail()
        onset = _with_routes(first_bad, own, since)
        networks = self._networks(current, onset)
        if adds_up(current, now, vouched, own, networks):
            # Who took the mail hosts' space made no exchange with the target fail.
            return _Moment(True, onset, own, networks, bool(routing.alarming))
        onset = _with_routes(first_bad, routing, since)
        return _Moment(False, onset, routing, networks, bool(routing.alarming))

    def elsewhere(self, vantage: str, since: float, near: frozenset[Asn]) -> Elsewhere | None:
        """How a vantage reaches this target since a moment, for the trouble of another; None: it is not known.

        Where it has trouble as well, and is in the networks that the other is in, `near`, it is not elsewhere.
        """
        view = self.views.get(vantage)
        as_ever = is_as_ever(view, since) if view is not None else None
        if as_ever is None or (not as_ever and not near.isdisjoint(self.home)):
            return None
        walked = self._paths.walked(vantage, since)
        return Elsewhere(self.target.name, as_ever, frozenset(asn for one in walked for asn in one.trail.ases))

    def are_settled(self, vantages: Iterable[str], now: float, sick: frozenset[str]) -> bool:
        """Whether those of the vantages that count have been well for long enough."""
        affected = set(vantages)
        return settled([v for v in self.views.values() if v.vantage in affected and self._counts(v, now, sick)])

    @staticmethod
    def _counts(view: View, now: float, sick: frozenset[str]) -> bool:
        return view.vantage not in sick and view.current(now)

    def _vantage(self, view: View, asked: _Asked) -> VantageSituation | None:
        """What one vantage sees; worked out anew only when it saw more, or something else is asked.

        A way that ends elsewhere, be it at a stranger's, is looked at each time: BGP tells whether it leads home.
        """
        key = (asked, view.changes, self._changes, self._paths.changes(view.vantage))
        shown = self._shown.get(view.vantage)
        elsewhere = asked.believed.change is PathChange.ENDS_ELSEWHERE
        stranger = shown is not None and shown[1] is not None and shown[1].identity in NEW_KEYS
        if shown is None or shown[0] != key or elsewhere or stranger:
            shown = self._shown[view.vantage] = (key, self._picture(view, asked))
        return shown[1]

    def _picture(self, view: View, asked: _Asked) -> VantageSituation | None:
        latest, onset, affected = view.latest, asked.onset, asked.affected
        if latest is None:
            return None
        lasting = view.since(onset)
        bad = [judged for judged in lasting if judged.bad] if affected else []
        # What an affected vantage is judged by are its bad exchanges; a good one since is the recovery.
        shown = bad[-1] if bad else latest
        measured = _newest_measured(bad[-RECENT_BAD:] or lasting, view.usual)
        rtt = measured.rtt_s if measured is not None else None
        usual = view.usual.rtt((measured or shown).observation)
        usual_rtt = usual.median if usual.known else None
        identity, issuer = self._identity(view, onset, bad)
        believed = asked.believed
        if identity in NEW_KEYS and believed.change is PathChange.UNKNOWN:
            believed = ends_at_stranger(self._paths.readings_of_target(view.vantage, onset, self.home))
        trace = self._led_home(_spoken_of(believed, view, bad))
        usual_address = self._places.is_usual(shown.observation.address, onset)
        stranger = usual_address is False and identity in NEW_KEYS
        return VantageSituation(
            vantage=view.vantage,
            network=asked.network,
            affected=affected,
            diverted=(asked.misled and stranger) or self._is_diverted(shown, identity, trace, asked.episodes),
            vouched=asked.vouched,
            fresh=view.fresh,
            bad_since=view.bad_since,
            failing_since=_failing_since(lasting),
            symptom=view.symptom() if affected else Symptom.NONE,
            turned_away=affected and view.turned_away(),
            latest=shown,
            lasting=tuple(lasting),
            rtt_s=rtt,
            usual_rtt_s=usual_rtt,
            rtt_shifted=_shifted(rtt, view.usual, measured or shown),
            moved=has_moved(bad, view.usual) if identity in NEW_KEYS else None,
            rtt_rise_s=_rise_s(lasting),
            nearer_since=view.nearer_since,
            loses=view.loses(),
            opens_late=any(judged.symptom is Symptom.LOST_SYN for judged in bad),
            think_s=max((judged.think_s or 0.0 for judged in bad), default=latest.think_s),
            usual_think_s=view.usual.think_s(shown.observation),
            identity=identity,
            issuer=issuer,
            usual_address=usual_address,
            path=trace.change,
            trail=trace.trail,
            usual_trail=most_telling(trace.usual)
            or self._paths.usual(view.vantage, onset, [shown.observation.family or 4]),
            new_networks=trace.new_networks,
            divergence=divergence(trace.trail, trace.usual) if trace.trail is not None else None,
            path_at=trace.at,
            path_to=trace.address,
        )

    def _networks(self, current: list[View], onset: float) -> dict[str, str]:
        """What each vantage witnesses for, by the ways usual before the onset; worked out once for an onset."""
        key = (onset, tuple(view.vantage for view in current))
        if self._independent is not None and self._independent[0] == key:
            return self._independent[1]
        found: dict[str, Connection] = {}
        for view in current:
            usual = self._paths.usual(view.vantage, onset)
            found[view.vantage] = connection(self._asns.get(view.vantage), usual)
        self._independent = key, independent(found)
        return self._independent[1]

    def _identity(self, view: View, onset: float, bad: list[Judged]) -> tuple[Identity, str | None]:
        """Who answered: the key of the newest bad exchange that had one, or of the newest of all."""
        recent = bad[-RECENT_BAD:]
        told = next((judged for judged in reversed(recent) if judged.observation.spki_sha256 is not None), None)
        if told is not None and told.observation.spki_sha256 is not None:
            seen = told.observation
            key = _Key(told.observation.spki_sha256, seen.issuer, told.known_at, seen.address)
        elif bad or view.vantage not in self._latest_key:
            return Identity.UNKNOWN, None
        else:
            key = self._latest_key[view.vantage]
        identity = self._keys.compare(key.spki, key.issuer, onset) if key.at >= onset else Identity.UNKNOWN
        if identity is Identity.SAME and _precedes(key.at, view.bad_since):
            identity = Identity.UNKNOWN
        if identity in NEW_KEYS and self._places.is_usual(key.address, onset) is None:
            identity = Identity.UNKNOWN  # many servers have keys of their own, and this one was never met
        return identity, key.issuer if identity is not Identity.UNKNOWN else None

    def _led_home(self, believed: Belief) -> Belief:
        """A way that ends in a network which BGP has before the rightful origin, as ever, is another one home: the
        origin's own routers never showed, so that it ended before them too.
        """
        if believed.change is not PathChange.ENDS_ELSEWHERE or believed.trail is None:
            return believed
        home = self.home
        showed = any(old.tail in home for old in believed.usual)
        leads_home = not showed and believed.trail.tail in self._routes.doors(self.target.name)
        return replace(believed, change=PathChange.REROUTED) if leads_home else believed

    @staticmethod
    def _is_diverted(shown: Judged, identity: Identity, trace: Belief, episodes: tuple[Episode, ...]) -> bool:
        """Whether the traffic is in the wrong hands, even where the answers look right.

        A new key counts where the path ends elsewhere, or where BGP shows that the address was taken; and
        so does a path that now passes the very network which took it.
        """
        taken = [episode for episode in episodes if episode.taken]
        address = as_address(shown.observation.address or "")
        new_key = identity in NEW_KEYS
        in_taken = address is not None and any(contains(episode.prefix, address) for episode in taken)
        return (new_key and (in_taken or trace.change is PathChange.ENDS_ELSEWHERE)) or any(
            episode.offender in trace.new_networks for episode in taken
        )

    @property
    def home(self) -> frozenset[Asn]:
        """The networks that the target may be in."""
        return self.target.origins | self.target.allowed_origins | self._routes.home(self.target.name)


_NO_TRACE = Belief()


def _spoken_of(believed: Belief, view: View, bad: list[Judged]) -> Belief:
    """What is believed of the path, unless the trace is from before or after this vantage's trouble.

    The usual path proves something only between two bad exchanges: before them it is of the time before, and
    behind the last of them it may be the recovery. That to an address which does not fail, in a prefix of its own,
    proves nothing of the way to those that do.
    """
    if believed.at is None:
        return _NO_TRACE
    unchanged = believed.change is PathChange.UNCHANGED
    before = unchanged and _precedes(believed.at, view.bad_since)
    later = bool(bad) and believed.at > bad[-1].known_at
    after = later and (unchanged or not view.fresh)
    failing = {place_of(one.observation.address) for one in bad if one.observation.address is not None}
    beside = unchanged and bool(failing) and place_of(believed.address or "") not in failing
    return _NO_TRACE if before or after or beside else believed


def _precedes(measured_at: float | None, bad_since: float | None) -> bool:
    """Whether a measurement is from before this vantage's own trouble, so that finding nothing proves nothing."""
    return measured_at is not None and bad_since is not None and measured_at < bad_since


def _without_past(routing: Routing, first_bad: float) -> Routing:
    """Without the episodes that had ended before this trouble: who took the space then takes nothing now."""
    limit = first_bad - AFTERMATH_S
    return replace(routing, episodes=tuple(e for e in routing.episodes if e.active or e.last_at >= limit))


def _with_routes(first_bad: float, routing: Routing, since: float | None) -> float:
    """The onset, set back to an unusual route that came before the first bad observation and still stood."""
    before, _ = CORRELATION_S
    starts = [e.first_at for e in routing.episodes if since is None or e.first_at >= since - before]
    return min([first_bad, *starts])


def _blamed(episodes: Iterable[Episode]) -> frozenset[Asn]:
    """The networks that BGP says took a route of the target, or leaked it."""
    taken = (e for e in episodes if e.role is Role.TARGET and (e.taken or e.kind is EpisodeKind.LEAK))
    return frozenset(e.offender for e in taken if e.offender is not None)


def _failing_since(lasting: list[Judged]) -> float | None:
    """When the first of the failures in a row at the end was known; None: the newest exchange is none."""
    run = takewhile(lambda judged: judged.bad and judged.symptom not in SLOW, reversed(lasting))
    return min((judged.known_at for judged in run), default=None)


def _newest_measured(judged: list[Judged], usual: Usual) -> Judged | None:
    """The newest with a round trip, to an address of which it is known how far it was, where there is one."""
    timed = [item for item in reversed(judged) if item.rtt_s is not None]
    return next((item for item in timed if usual.rtt(item.observation).known), timed[0] if timed else None)


def _rise_s(lasting: list[Judged]) -> float:
    rises = sorted(judged.rise_s for judged in lasting[-RISE_OF:] if judged.rise_s is not None)
    return rises[len(rises) // 2] if rises else 0.0


def _shifted(rtt_s: float | None, usual: Usual, shown: Judged) -> bool | None:
    """Whether a round trip is another one than usual; None when either is not known."""
    way = usual.rtt(shown.observation)
    if rtt_s is None or not way.known:
        return None
    limit = max(RTT_RAISED["sigmas"] * way.deviation, SHIFT_SHARE * way.median, RTT_RAISED["floor"] / 2)
    return abs(rtt_s - way.median) > limit and not usual.is_known_level(shown.observation, rtt_s, shown.known_at)
