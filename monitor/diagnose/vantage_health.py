"""The gate: is a vantage itself sick? A sick vantage is a fault of its own, never a target's state. Pure.

A vantage is sick when its controls, well-known endpoints that have nothing to do with the targets, fail
there and its targets with them. A control that fails at most vantages has trouble of its own and vouches
for nobody. Without controls, a vantage is sick when all its targets fail and others see those fine. Who was
sick stays so until what failed there is well for longer than chance: a line that loses every third packet
has good moments.

A leaked or taken route may carry the controls' traffic too. So where BGP blames a network, and the vantage's
own traceroutes go through it since, the vantage is not sick but led away, and its targets' routes are the story.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from monitor.diagnose.elsewhere import Elsewhere, is_as_ever
from monitor.diagnose.symptom import Judged, Symptom
from monitor.diagnose.usual_hours import NO_PAST, PastHours
from monitor.diagnose.view import View
from monitor.model.target import Control
from probes.observation import HttpObservation

SLOW_RUN = 3
"""So many slow exchanges in a row before slowness alone counts against a vantage."""

PATIENCE_ROUNDS = 3.0
"""After this many control intervals without a control observation, a vantage needs no voucher any more."""

VOUCHER_OF = 12
VOUCHER_BAD = 3
VOUCHER_SHARE = 0.2
"""A control that was bad so often of its newest observations, or in more than this share of those since the
trouble began, vouches for nobody: its vantage loses packets."""

VOUCHER_CHANCE = 0.15
"""So likely a line as bad as what is vouched for may have let all the good ones through."""

RECENTLY, FEWEST_BAD = 8, 2
"""Who was bad so often of late is not well yet; once is an accident."""

LedAway = Callable[[str, float], bool]
"""Whether the vantage's packets go through a network that BGP blames since about the given time."""


@dataclass(frozen=True, slots=True)
class Sickness:
    """Why a vantage is called sick: how many of its controls and targets are bad, and since when."""

    vantage: str
    since: float
    controls_bad: int
    controls: int
    targets_bad: int
    targets: int
    symptom: Symptom


@dataclass(slots=True)
class _Roll:
    """Of one target or control: at how many vantages it is measured now, and how it is at how many of them.

    Counted once a moment: each vantage asks how all the others see each target.
    """

    current: int = 0
    failing: int = 0
    unwell: int = 0

    def count(self, view: View, change: int = 1) -> None:
        """Take in a current view; with -1, leave it out."""
        self.current += change
        self.failing += change * (view.failing or view.confirmed)
        # Who has just recovered had the same trouble.
        self.unwell += change * (view.confirmed or view.bad_of(RECENTLY) >= FEWEST_BAD)

    def without(self, view: View) -> _Roll:
        """The same of all other vantages than that of a current view."""
        others = _Roll(self.current, self.failing, self.unwell)
        others.count(view, -1)
        return others


Views = dict[str, dict[str, View]]
"""Vantage to the name of a target or control to view."""


class _Rolls:
    """How targets, or controls, are seen at one moment: by each vantage, and by how many of the others."""

    def __init__(self, views: Views, now: float) -> None:
        self._views, self._now = views, now
        self._current: dict[str, dict[str, View]] = {}
        self._rolls: dict[str, _Roll] = {}

    def at(self, vantage: str) -> dict[str, View]:
        """The current views of a vantage, by name."""
        if vantage not in self._current:
            own = self._views.get(vantage, {})
            self._current[vantage] = {name: view for name, view in own.items() if view.current(self._now)}
        return self._current[vantage]

    def others(self, vantage: str, name: str) -> _Roll:
        """How the other vantages see what this one has a current view of; counted when first asked for."""
        if name not in self._rolls:
            roll = self._rolls[name] = _Roll()
            for one in self._views:
                if (view := self.at(one).get(name)) is not None:
                    roll.count(view)
        return self._rolls[name].without(self.at(vantage)[name])

    def shared(self, vantage: str, name: str) -> bool:
        """Whether half of the others had trouble with it, too, since this one's began."""
        since = self.at(vantage)[name].bad_since
        others = [self.at(other)[name] for other in self._views if other != vantage and name in self.at(other)]
        bad = sum(since is not None and any(judged.bad for judged in view.since(since)) for view in others)
        return 2 * bad >= len(others)

    def own(self, vantage: str) -> list[View]:
        """The vantage's target views, without targets that fail at most other vantages too."""
        found = []
        for name, view in self.at(vantage).items():
            others = self.others(vantage, name)
            if others.current < 2 or 2 * others.failing <= others.current:
                found.append(view)
        return found

    def sound(self, vantage: str) -> list[View]:
        """The control views of a vantage, without controls that fail at most other vantages."""
        found = []
        for name, view in self.at(vantage).items():
            others = self.others(vantage, name)
            if others.current < 2 or 2 * others.unwell < others.current:
                found.append(view)
        return found


class VantageHealth:
    """The controls' views, per vantage, and the judgement on each vantage."""

    def __init__(self, controls: tuple[Control, ...], past: PastHours = NO_PAST) -> None:
        self._past = past
        self._intervals = {control.name: control.interval_s for control in controls}
        self._views: dict[str, dict[str, View]] = {}
        self._sick: dict[str, Sickness] = {}
        self._led: frozenset[str] = frozenset()

    @property
    def led(self) -> frozenset[str]:
        """The vantages whose trouble is a route's; they stay so until it is over, as their paths return first."""
        return self._led

    def add(self, observation: HttpObservation, known_at: float) -> None:
        """Take an observation of a control."""
        views = self._views.setdefault(observation.vantage, {})
        view = views.get(observation.target)
        if view is None:
            interval_s = self._intervals.get(observation.target, 30.0)
            past = self._past.get((observation.target, observation.vantage))
            view = views[observation.target] = View(observation.vantage, interval_s, past)
        view.add(observation, known_at)

    def vouched(self, vantage: str, since: float, share: float, now: float) -> bool | None:
        """Whether controls were seen good at `vantage` since `since`; None: there is none to ask.

        `share`: of the target's exchanges since then, the bad ones. A line that loses every second packet has good
        moments, so what is bad now and then is vouched for by so many good ones as it would not have let through.
        """
        views = [view for view in self._views.get(vantage, {}).values() if view.current(now)]
        if not views:
            return None
        views = [view for view in views if _vouches(view, since)]
        good = sum(not _is_impaired(judged) for view in views for judged in view.since(since))
        if good and (1.0 - share) ** good <= VOUCHER_CHANCE:
            return True
        silent = bool(views) and not any(view.since(since) for view in views)
        patient = silent and now - since > PATIENCE_ROUNDS * max(view.interval_s for view in views)
        return None if patient else False

    def elsewhere(self, vantage: str, since: float) -> tuple[Elsewhere, ...]:
        """How a vantage reaches its controls since a moment."""
        told = ((name, is_as_ever(view, since)) for name, view in self._views.get(vantage, {}).items())
        return tuple(Elsewhere(name, as_ever) for name, as_ever in told if as_ever is not None)

    def sick(
        self, now: float, targets: Views, led_away: LedAway = lambda vantage, since: False
    ) -> dict[str, Sickness]:
        """The sick vantages at `now`. `targets`: vantage to target name to view."""
        troubled = [
            vantage
            for vantage in sorted(self._views.keys() | targets.keys())
            if any(view.bad_since is not None for view in self._all(vantage, targets))
        ]
        found: dict[str, Sickness] = {}
        if troubled or self._sick:
            controls, seen = _Rolls(self._views, now), _Rolls(targets, now)
            found = {v: one for v, one in self._sick.items() if not _is_well(v, controls, seen)}
            for vantage in troubled:
                asked = controls.sound(vantage)
                sickness = _by_controls(vantage, asked, seen) if asked else _alone(vantage, seen)
                if sickness is not None:
                    found[vantage] = sickness
        self._sick = found
        self._led = frozenset(v for v, one in found.items() if v in self._led or led_away(v, one.since))
        return {vantage: sickness for vantage, sickness in found.items() if vantage not in self._led}

    def measures(self, vantage: str, targets: Views, now: float) -> bool:
        """Whether anything is measured at `vantage` at `now`."""
        return any(view.current(now) for view in self._all(vantage, targets))

    def seen_at(self, vantage: str, targets: Views) -> float:
        """When anything was last known to be measured at `vantage`, Unix seconds; 0.0: never."""
        latest = [view.latest.known_at for view in self._all(vantage, targets) if view.latest is not None]
        return max(latest, default=0.0)

    def _all(self, vantage: str, targets: Views) -> list[View]:
        return [*self._views.get(vantage, {}).values(), *targets.get(vantage, {}).values()]


def _is_well(vantage: str, controls: _Rolls, targets: _Rolls) -> bool:
    """Whether a vantage that was sick is well again: the targets that are well elsewhere, and its controls.

    A single one that goes on failing by itself has trouble of its own.
    """
    asked, own = controls.sound(vantage), targets.own(vantage)
    if not all(view.settled for view in own):
        return False
    return (len(asked) == 1 and bool(own)) or all(view.settled for view in asked)


def _vouches(view: View, since: float) -> bool:
    """Whether a control is well enough for its word on its vantage to count, if it was asked since `since`."""
    asked = view.since(since)
    bad = sum(map(_is_impaired, asked))
    return bad <= VOUCHER_SHARE * len(asked) and view.bad_of(VOUCHER_OF) < VOUCHER_BAD


def _is_impaired(judged: Judged) -> bool:
    """Whether an exchange was bad, or got through a line that lost some of its packets."""
    return judged.bad or bool(judged.resent)


def _by_controls(vantage: str, controls: list[View], seen: _Rolls) -> Sickness | None:
    """Every control fails, one of them for sure, and most of the targets that others see fine fail too."""
    bad = [view for view in controls if _is_surely_bad(view) or (view.failing and len(controls) > 1)]
    if len(bad) < len(controls) or not any(view.confirmed for view in bad):
        return None
    targets = seen.own(vantage)
    only = bad[0] if len(controls) == 1 else None
    bad_targets = [view for view in targets if _fails_too(view, only)]
    slow = not any(view.failing for view in bad)
    # A vantage's own line is slow to everybody; to some it is a way that they share.
    if len(bad_targets) < max(len(targets) if slow else len(targets) / 2, 1):
        return None
    return _sickness(vantage, bad, len(controls), bad_targets, len(targets))


def _fails_too(view: View, only: View | None) -> bool:
    """Whether a target fails with the controls. The only one may be down by itself, and then one accident of a
    target's proves nothing, nor what it shows and the control does not: one line harms both alike.
    """
    if only is None:
        return view.run >= 2 or view.failing or view.confirmed
    shown = {judged.symptom for judged in only.bad_since_start()}
    return view.run >= 2 and any(judged.symptom in shown for judged in view.bad_since_start())


def _is_surely_bad(view: View) -> bool:
    """What is merely slow must be so three times: latency has heavy tails."""
    return view.confirmed and (view.failing or view.run >= SLOW_RUN)


def _alone(vantage: str, targets: _Rolls) -> Sickness | None:
    """Without controls: all of at least two targets are bad here, and most vantages see each of them fine."""
    views = targets.at(vantage)
    bad = {name: view for name, view in views.items() if _is_surely_bad(view)}
    if len(views) < 2 or len(bad) < len(views):
        return None
    # The last one to recover from everybody's trouble is not alone with it.
    if any(targets.others(vantage, name).current < 2 or targets.shared(vantage, name) for name in bad):
        return None
    return _sickness(vantage, [], 0, list(bad.values()), len(views))


def _sickness(
    vantage: str, bad_controls: list[View], controls: int, bad_targets: list[View], targets: int
) -> Sickness:
    views = bad_controls or bad_targets
    since = min((view.bad_since for view in views if view.bad_since is not None), default=0.0)
    return Sickness(vantage, since, len(bad_controls), controls, len(bad_targets), targets, views[0].symptom())
