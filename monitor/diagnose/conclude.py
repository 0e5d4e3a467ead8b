"""From a situation to a verdict: gate, detectors, weights, and what is said beside the cause. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec.structs import replace

from monitor.bgp.episodes import Episode, EpisodeKind, Role
from monitor.diagnose.blame import blames
from monitor.diagnose.contact import Silence
from monitor.diagnose.detectors import DETECTORS
from monitor.diagnose.detectors.identity import forger_of
from monitor.diagnose.detectors.new_neighbour import PATIENCE_S
from monitor.diagnose.detectors.routing import relevant, weightiest
from monitor.diagnose.finding import Finding
from monitor.diagnose.identity import NEW_KEYS, Identity
from monitor.diagnose.missing import missing_measurement
from monitor.diagnose.paths.change import PathChange
from monitor.diagnose.routing import ALLOWED, CORRELATION_S, carries_nobody, is_new_neighbour
from monitor.diagnose.rules import RULES, UP_DOWN, UP_OVERLOAD
from monitor.diagnose.situation import DependencyState, Situation, VantageSituation
from monitor.diagnose.symptom import UNANSWERED, Symptom
from monitor.diagnose.vantage_health import Sickness
from monitor.diagnose.weigh import Ranking, as_evidence, candidates, weigh
from monitor.model.contact import SILENT
from monitor.model.evidence import Evidence
from monitor.model.verdict import Cause, Detail, HijackEffect, HijackKind, RunnerUp, Verdict

ENOUGH = 0.67
"""Below this probability no cause is named: one in three is too often wrong to wake somebody for. A lone vantage
that hears nothing, and knows neither path nor routes, is less sure of a dead server than that."""

MOST = 0.995
"""No verdict from a dozen dependent rules is surer than this."""

_BY_KIND = {
    Cause.ROUTE_MOVED: ALLOWED,
    Cause.ROUTE_WITHDRAWN: (EpisodeKind.WITHDRAWN,),
    Cause.ROUTE_LEAK: (EpisodeKind.LEAK,),
}
ROUTE_CAUSES = (Cause.ROUTE_HIJACK, Cause.ROUTE_MOVED, Cause.ROUTE_WITHDRAWN, Cause.ROUTE_CHANGE)
_OF_SERVERS = (Cause.SERVER_OVERLOAD, Cause.SERVER_DOWN, Cause.INSUFFICIENT)
_TAKEN = (EpisodeKind.NEW_MORE_SPECIFIC, EpisodeKind.NEW_ORIGIN, EpisodeKind.FORGED_ORIGIN, EpisodeKind.NEW_LINK)
_KINDS = {
    EpisodeKind.NEW_MORE_SPECIFIC: HijackKind.SUBPREFIX,
    EpisodeKind.NEW_ORIGIN: HijackKind.ORIGIN,
    EpisodeKind.FORGED_ORIGIN: HijackKind.FORGED_ORIGIN,
    EpisodeKind.NEW_LINK: HijackKind.PATH,
    EpisodeKind.LEAK: HijackKind.PATH,
    EpisodeKind.OWN_DEAGGREGATION: HijackKind.PATH,
    EpisodeKind.RPKI_INVALID: HijackKind.PATH,
}
_STRANGEST = (EpisodeKind.FORGED_ORIGIN, EpisodeKind.LEAK, EpisodeKind.NEW_LINK)
_WRONG = (Symptom.WRONG_ANSWER, Symptom.SHEDDING, Symptom.GATEWAY)


def conclude(situation: Situation, shortfall: str | None = None) -> Verdict:
    """The verdict on one target; `ok` when there is neither trouble, nor an unusual route, nor a diversion.

    `shortfall`: what the route feeds could not hear of in its time, said beside the missing measurement.
    """
    affected = tuple(view.vantage for view in situation.vantages if view.affected or view.diverted)
    diverted = sum(view.diverted for view in situation.vantages)
    enough = 1 if situation.names_tampered else 2
    if not situation.trouble and not situation.routing.standing and diverted < enough:
        return fine(situation.target.name, len(situation.vantages), situation.now)
    findings = [finding for detect in DETECTORS for finding in detect(situation)]
    causes = candidates(situation) if situation.trouble else _without_trouble(situation)
    ranking = weigh(findings, causes)
    (first, confidence), (second, left) = ranking.first, ranking.second
    named = first if confidence >= ENOUGH else Cause.INSUFFICIENT
    missing = missing_measurement(situation, first, second) if confidence < MOST else None
    rival = (second, left) if named is first else (first, confidence)
    detail = _detail(named, situation, ranking)
    return Verdict(
        at=situation.now,
        target=situation.target.name,
        cause=named,
        confidence=round(min(confidence, MOST), 4),
        suspected=named is Cause.ROUTE_HIJACK
        and (not _both_planes(findings, situation) or _may_be_owner(situation) or _may_be_provider(situation)),
        detail=detail,
        affected=affected,
        networks=tuple(sorted({situation.networks[vantage] for vantage in affected})),
        vantages=len(situation.vantages),
        blames=blames(named, detail, situation),
        evidence=as_evidence(ranking, first, second, target=situation.target.name, networks=situation.networks),
        runner_up=RunnerUp(cause=rival[0], confidence=round(min(rival[1], MOST), 4)),
        missing="; ".join(filter(None, (missing, shortfall))) or None,
    )


def _without_trouble(situation: Situation) -> tuple[Cause, ...]:
    """What can be said where everything is answered well, though not by whom it should be."""
    return (*ROUTE_CAUSES, Cause.DNS_TAMPERED) if situation.names_tampered else ROUTE_CAUSES


def fine(target: str, vantages: int, now: float) -> Verdict:
    """The verdict on a target with nothing to judge: `ok`, or `insufficient` when nobody measures it."""
    return Verdict(
        at=now,
        target=target,
        cause=Cause.OK if vantages else Cause.INSUFFICIENT,
        confidence=1.0 if vantages else 0.0,
        vantages=vantages,
        missing=None if vantages else "no healthy vantage measures it",
    )


def conclude_sick(sickness: Sickness, now: float, vantages: int) -> Verdict:
    """The verdict on a sick vantage."""
    bad, of = (
        (sickness.controls_bad, sickness.controls)
        if sickness.controls
        else (sickness.targets_bad, sickness.targets)
    )
    what = "controls" if sickness.controls else "targets, which other vantages reach,"
    text = f"{bad} of {of} {what} fail at {sickness.vantage} ({sickness.symptom}), "
    text += f"and {sickness.targets_bad} of its {sickness.targets} targets with them"
    evidence = Evidence(
        rule="vantage.controls_fail" if sickness.controls else "vantage.fails_alone",
        group="vantage",
        weight=5.0,
        seen=bad,
        of=of,
        text=text,
        at=sickness.since,
        likelihoods={Cause.VANTAGE_FAULT.value: 5.0},
        witnesses=(sickness.vantage,),
    )
    return Verdict(
        at=now,
        target=None,
        cause=Cause.VANTAGE_FAULT,
        confidence=0.99 if sickness.controls_bad > 1 else 0.95,
        detail=Detail(failure=sickness.symptom.value),
        affected=(sickness.vantage,),
        vantages=vantages,
        evidence=(evidence,),
        runner_up=RunnerUp(cause=Cause.INSUFFICIENT, confidence=0.01 if sickness.controls_bad > 1 else 0.05),
    )


def conclude_silent(silence: Silence, now: float, vantages: int) -> Verdict:
    """The verdict on vantages that the hub does not hear. When it hears nobody, it may itself be cut off."""
    count = len(silence.vantages)
    of = max(vantages, count)
    nobody = count == of > 1
    who = silence.vantages[0] if count == 1 else f"{count} of {of} vantages, which fell silent together"
    text = f"nothing comes from {who}: neither measurements nor the requests for orders, one every 15 s"
    evidence = Evidence(
        rule="vantage.silent",
        group="vantage",
        weight=5.0,
        seen=count,
        of=of,
        text=text + (". All at once: look at the hub's own line first" if nobody else ""),
        at=silence.since,
        likelihoods={Cause.VANTAGE_FAULT.value: 5.0},
        witnesses=silence.vantages,
    )
    confidence = 0.6 if nobody else 0.95
    return Verdict(
        at=now,
        target=None,
        cause=Cause.VANTAGE_FAULT,
        confidence=confidence,
        detail=Detail(failure=SILENT),
        affected=silence.vantages,
        vantages=of,
        evidence=(evidence,),
        runner_up=RunnerUp(cause=Cause.INSUFFICIENT, confidence=round(1.0 - confidence, 2)),
        missing="whether the hub's own line was up" if nobody else None,
    )


def _both_planes(findings: list[Finding], situation: Situation) -> bool:
    """Whether BGP and packets or answers both speak for a hijack."""
    control = any(
        RULES[finding.rule].plane == "control"
        and RULES[finding.rule].likelihoods.get(Cause.ROUTE_HIJACK, 0.0) >= 1.0
        for finding in findings
    )
    data = any(view.affected or view.diverted for view in situation.vantages)
    return control and data


def _may_be_owner(situation: Situation) -> bool:
    """Whether all that speaks for a hijack is a part that its owner may have led to a dead corner himself."""
    episodes = situation.routing.episodes
    new_keys = any(view.identity in NEW_KEYS for view in situation.vantages)
    if new_keys or any(episode.taken for episode in episodes):
        return False
    shown = any(view.path is PathChange.ENDS_ELSEWHERE for view in situation.affected)
    return not shown and any(episode.disowned_by is not None for episode in episodes)


def _may_be_provider(situation: Situation) -> bool:
    """Whether all that speaks for a hijack is a new neighbour that loses packets, or behind which all is wrong.

    A new provider that was turned up with a broken filter does no better. One that carries nobody is none; but a
    table that knows no customer of it may just lack them, so that his first minutes may be bad ones all the same.
    """
    routing = situation.routing
    new_keys = any(view.identity in NEW_KEYS for view in situation.vantages)
    neighbours = [episode for episode in routing.episodes if is_new_neighbour(episode)]
    if new_keys or any(episode.taken for episode in routing.episodes) or not neighbours:
        return False
    lasts = situation.now - min(one.first_at for one in neighbours) >= PATIENCE_S
    return not (lasts and any(map(carries_nobody, neighbours)))


def _detail(cause: Cause, situation: Situation, ranking: Ranking) -> Detail:
    words = Counter(
        view.latest.observation.failure.value for view in situation.affected if view.latest.observation.failure
    )
    failure = min(words, key=lambda word: (-words[word], word)) if words else None
    if cause is Cause.ROUTE_HIJACK:
        return _hijack(situation, failure)
    if cause in _BY_KIND:
        return _routed(situation, cause, failure)
    if cause in (UP_OVERLOAD, UP_DOWN):
        return Detail(upstream=_upstream(situation), failure=failure)
    if cause in _OF_SERVERS:
        # Whatever the host does: who looks into it should know that packets of some go another way.
        old, new = _trails([view for view in situation.affected if view.path is not PathChange.STOPS_SHORT])
        return Detail(failure=failure, old_path=old, new_path=new)
    if cause is Cause.ROUTE_CHANGE:
        return _changed(situation, failure)
    if cause in (Cause.DNS_FAILED, Cause.DNS_TAMPERED):
        servers = [item.server for item in situation.names_tampered]
        servers += [observation.server for observation in (situation.names_failing or {}).values()]
        return Detail(failure=failure, server=servers[0] if servers else None)
    return Detail(failure=failure)


def _strongest(situation: Situation, *kinds: EpisodeKind, taken: bool = False) -> Episode | None:
    """The weightiest episode of the kinds; `taken`: or of any that took the target's space, or may have."""
    episodes = [
        one
        for one in relevant(situation)
        if one.kind in kinds or (taken and (one.taken or one.disowned_by is not None))
    ]
    return min(episodes, key=weightiest, default=None)


def _hijack(situation: Situation, failure: str | None) -> Detail:
    old, new = _trails(situation.vantages)
    effect = _effect(situation)
    episode = _strongest(situation, *_TAKEN, taken=True)
    if episode is None and (forged := _strongest(situation, EpisodeKind.AUTHORISED)) is not None:
        return replace(
            _of_episode(forged, failure),
            kind=HijackKind.FORGED_ORIGIN, effect=effect, offender=forger_of(forged), old_path=old, new_path=new,
        )  # fmt: skip
    if episode is None:
        tails = Counter(
            view.trail.tail
            for view in situation.vantages
            if view.path is PathChange.ENDS_ELSEWHERE and view.trail is not None and view.trail.tail is not None
        )
        origin = min(tails, key=lambda asn: (-tails[asn], asn)) if tails else None
        expected = tuple(sorted(situation.expected_origins))
        return Detail(
            effect=effect, origin=origin, expected_origins=expected, failure=failure, old_path=old, new_path=new
        )
    return replace(
        _of_episode(episode, failure), kind=_KINDS[episode.kind], effect=effect, old_path=old, new_path=new
    )


def _effect(situation: Situation) -> HijackEffect:
    """What became of the traffic, by who answers and how."""
    touched = [view for view in situation.vantages if view.affected or view.diverted]
    if any(view.identity in NEW_KEYS for view in touched):
        return HijackEffect.IMPOSTOR
    if touched and 2 * sum(view.symptom in UNANSWERED for view in touched) > len(touched):
        return HijackEffect.BLACKHOLE
    moved = [view for view in touched if view.path in (PathChange.REROUTED, PathChange.ENDS_ELSEWHERE)]
    unsigned = [view for view in touched if view.identity is Identity.UNKNOWN]
    if any(
        view.symptom in _WRONG and (view in moved or _strongest(situation, *_TAKEN, taken=True))
        for view in unsigned
    ):
        return HijackEffect.IMPOSTOR
    return HijackEffect.INTERCEPTION if any(_is_handed_on(view) for view in moved) else HijackEffect.UNKNOWN


def _is_handed_on(view: VantageSituation) -> bool:
    """Whether the genuine server was reached over the changed path: an exchange after it, and a good one."""
    since = view.path_at is not None and view.latest.known_at >= view.path_at
    genuine = view.identity is Identity.SAME
    home = view.identity is Identity.UNKNOWN and view.path is PathChange.REROUTED
    return since and (genuine or home) and view.symptom in (Symptom.NONE, Symptom.NETWORK_SLOW, Symptom.THINK_TIME)


def _changed(situation: Situation, failure: str | None) -> Detail:
    """Who brought the other way about: the strange network in it that BGP tells of, else the first new one that
    most traceroutes enter.
    """
    old, new = _trails(situation.vantages)
    before, _ = CORRELATION_S
    strange = [one for one in situation.routing.doubtful if one.first_at >= situation.onset - before]
    if strange:
        first = min(strange, key=lambda one: (_STRANGEST.index(one.kind), weightiest(one)))
        return replace(_of_episode(first, failure), old_path=old, new_path=new)
    entered = Counter(view.divergence.into for view in situation.vantages if view.divergence is not None)
    into = min(entered, key=lambda asn: (-entered[asn], asn)) if entered else None
    return Detail(offender=into, failure=failure, old_path=old, new_path=new)


def _routed(situation: Situation, cause: Cause, failure: str | None) -> Detail:
    episode = _strongest(situation, *_BY_KIND[cause])
    return Detail(failure=failure) if episode is None else _of_episode(episode, failure)


def _of_episode(episode: Episode, failure: str | None) -> Detail:
    """What BGP adds: the route, and who is behind it."""
    return Detail(
        prefix=str(episode.prefix),
        origin=episode.origin,
        offender=episode.offender if episode.offender != episode.origin else None,
        expected_origins=tuple(sorted(episode.expected)),
        rpki=episode.validity.state.value,
        peers=episode.peers,
        peers_of=episode.peers_of,
        failure=failure,
        of_mail=episode.role is Role.MAIL,
    )


def _upstream(situation: Situation) -> str | None:
    order = (DependencyState.TROUBLED, DependencyState.SUSPECT)
    blamed = [dependency for dependency in situation.dependencies if dependency.state in order]
    return min(blamed, key=lambda item: (order.index(item.state), item.name)).name if blamed else None


def _trails(views: Sequence[VantageSituation]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The usual and the new AS path of the vantage whose path changed most."""
    changed = [
        view
        for view in views
        if view.path in (PathChange.ENDS_ELSEWHERE, PathChange.REROUTED, PathChange.STOPS_SHORT)
    ]
    if not changed:
        return (), ()
    view = max(changed, key=lambda item: (item.path is PathChange.ENDS_ELSEWHERE, item.affected, item.vantage))
    old = view.usual_trail.ases if view.usual_trail is not None else ()
    return old, view.trail.ases if view.trail is not None else ()
