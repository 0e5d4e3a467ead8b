"""Names that do not resolve, or resolve to what their own servers never said."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from monitor.bgp.episodes import Episode, EpisodeKind, Role
from monitor.diagnose.finding import Finding, strength
from monitor.diagnose.identity import NEW_KEYS
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.model.evidence import FactRef
from monitor.model.prefix import as_address, contains
from probes.observation import DnsObservation


def detect(situation: Situation) -> Iterator[Finding]:
    """Failing and tampered answers since the onset, and whether the affected went to the usual addresses."""
    taken = next((e for e in situation.routing.episodes if e.role is Role.NAME_SERVER and e.taken), None)
    yield from _addresses(situation, taken)
    asked = len(situation.names_asked)
    failing = {v: o for v, o in (situation.names_failing or {}).items() if v not in situation.sick}
    if failing and situation.trouble:
        example = next(iter(failing.values()))
        yield Finding(
            rule="names.failing",
            seen=len(failing),
            of=asked,
            at=min(observation.at for observation in failing.values()),
            share=strength(_views(situation, failing), _views(situation, situation.names_asked)),
            witnesses=tuple(sorted(failing)),
            values={"failure": str(example.failure), "server": example.server},
            facts=tuple(FactRef(kind="dns", at=o.at, vantage=v) for v, o in list(failing.items())[:5]),
        )
        yield from _servers_gone(situation)
        yield from _servers_taken(taken, failing)
    tampered = [item for item in situation.names_tampered if item.vantage not in situation.sick]
    if tampered and taken is None:  # else the false names are explained already
        example_answer = tampered[0]
        yield Finding(
            rule="names.tampered",
            seen=len({item.vantage for item in tampered}),
            of=asked,
            at=min(item.at for item in tampered),
            witnesses=tuple(sorted({item.vantage for item in tampered})),
            values={
                "server": example_answer.server,
                "answers": ", ".join(example_answer.answers[:3]),
                "reason": example_answer.reason,
            },
            facts=tuple(FactRef(kind="dns", at=item.at, vantage=item.vantage) for item in tampered[:5]),
        )


def _views(situation: Situation, names: Collection[str]) -> list[VantageSituation]:
    return [view for view in situation.vantages if view.vantage in names]


def _servers_gone(situation: Situation) -> Iterator[Finding]:
    """Names that fail while a name server's own routes are gone: the failing is the effect."""
    gone = [
        e
        for e in situation.routing.episodes
        if e.kind is EpisodeKind.WITHDRAWN and e.role is Role.NAME_SERVER and e.active
    ]
    if gone:
        widest = max(gone, key=lambda episode: (episode.peers, str(episode.prefix)))
        yield Finding(
            rule="names.servers_withdrawn",
            seen=widest.peers,
            of=widest.peers_of,
            at=widest.first_at,
            values={"prefix": str(widest.prefix)},
            facts=(FactRef(kind="route", at=widest.first_at, prefix=str(widest.prefix)),),
        )


def _servers_taken(taken: Episode | None, failing: dict[str, DnsObservation]) -> Iterator[Finding]:
    """Names that fail since a stranger has a name server's space: asked there, or by a resolver."""
    silent = {
        vantage: seen
        for vantage, seen in failing.items()
        if taken is not None
        and seen.at >= taken.first_at
        and (seen.role == "recursive" or _is_in(seen.server, taken))
    }
    if taken is not None and silent:
        yield Finding(
            rule="names.silent_in_taken_space",
            seen=len(silent),
            of=len(failing),
            at=min(seen.at for seen in silent.values()),
            share=len(silent) / len(failing),
            witnesses=tuple(sorted(silent)),
            values={"origin": f"AS{taken.offender}", "prefix": str(taken.prefix)},
            facts=tuple(FactRef(kind="dns", at=seen.at, vantage=v) for v, seen in list(silent.items())[:5]),
        )


def _is_in(server: str, taken: Episode) -> bool:
    address = as_address(server)
    return address is not None and contains(taken.prefix, address)


def _addresses(situation: Situation, taken: Episode | None) -> Iterator[Finding]:
    """Where the name led. With a name server's space `taken`, a new address is what the taker answered."""
    measured = [view for view in situation.vantages if view.affected or view.diverted]
    measured = [view for view in measured if view.usual_address is not None]
    misled = [view for view in measured if not view.usual_address]
    if taken is not None and misled:
        yield Finding(
            rule="names.misled_by_taken_servers",
            seen=len(misled),
            of=len(measured),
            at=min(view.latest.known_at for view in misled),
            share=strength(misled, measured),
            witnesses=tuple(view.vantage for view in misled),
            values={
                "address": str(misled[0].latest.observation.address),
                "origin": f"AS{taken.offender}",
                "prefix": str(taken.prefix),
            },
        )
        return
    for rule, views in (
        ("names.usual_address", [view for view in measured if view.usual_address]),
        ("names.new_address", [view for view in measured if not view.usual_address]),
    ):
        if views:
            yield Finding(
                rule=rule,
                seen=len(views),
                of=len(measured),
                at=min(view.latest.known_at for view in views),
                share=strength(views, measured),
                witnesses=tuple(view.vantage for view in views),
                values={"address": str(views[0].latest.observation.address)},
            )
    strangers = [view for view in measured if not view.usual_address and view.identity in NEW_KEYS]
    if strangers:
        yield Finding(
            rule="names.stranger_at_new_address",
            seen=len(strangers),
            of=len(measured),
            at=min(view.latest.known_at for view in strangers),
            witnesses=tuple(view.vantage for view in strangers),
            values={"address": str(strangers[0].latest.observation.address)},
        )
