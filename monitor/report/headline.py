"""What an incident is, in one phrase and in one sentence. Pure; every name in it is made safe to show."""

from __future__ import annotations

from collections.abc import Callable, Collection

from monitor.diagnose.contact import is_silence
from monitor.model import Cause, HijackEffect, HijackKind, Incident, Share
from monitor.report.safe_text import listed, one_line

_NAME_LIMIT = 64
_PREFIX_LIMIT = 43  # the longest IPv6 prefix in presentation form

_EFFECT: dict[HijackEffect, str] = {
    HijackEffect.BLACKHOLE: "requests vanish on the way",
    HijackEffect.IMPOSTOR: "somebody else's server answers in its place",
    HijackEffect.INTERCEPTION: "traffic still reaches the real server, but by way of a stranger",
    HijackEffect.UNKNOWN: "what becomes of the traffic is not known",
}

# For a subject line: what decides, in few words.
_PHRASE: dict[Cause, str] = {
    Cause.OK: "no trouble",
    Cause.SERVER_OVERLOAD: "server slow or shedding load",
    Cause.SERVER_DOWN: "server fails or is silent",
    Cause.SERVER_LINK: "access link saturated",
    Cause.ROUTE_LEAK: "leaked route carries the traffic",
    Cause.ROUTE_CHANGE: "re-routed at a cost",
    Cause.ROUTE_MOVED: "moved to an authorised route",
    Cause.ROUTE_WITHDRAWN: "prefix gone from BGP or dead everywhere",
    Cause.PATH_CONGESTION: "congestion in transit",
    Cause.DNS_FAILED: "name does not resolve",
    Cause.DNS_TAMPERED: "resolvers answer what the zone does not say",
    Cause.TLS_INVALID: "certificate refused",
    Cause.VANTAGE_FAULT: "its controls fail too, no target is blamed",
    Cause.INSUFFICIENT: "trouble, too little evidence to name a cause",
}

_SENTENCE: dict[Cause, str] = {
    Cause.OK: "{who} answers as it should.",
    Cause.SERVER_OVERLOAD: "The genuine server of {who} is overloaded: it answers slowly or sheds load, "
    "while the network to it is unchanged.",
    Cause.SERVER_DOWN: "The genuine server of {who} is down: it fails or does not answer, while the route "
    "to it is unchanged.",
    Cause.SERVER_LINK: "The access link of {who} is saturated: loss and round trip rise at the last hops "
    "for everybody, on unchanged paths.",
    Cause.ROUTE_LEAK: "A leaked route carries the traffic to {who}: a network passes it on that should not.",
    Cause.ROUTE_CHANGE: "An ordinary re-route on the way to {who} costs latency or loss.",
    Cause.ROUTE_MOVED: "{who} moved to an authorised new origin or provider; its key is unchanged.",
    Cause.ROUTE_WITHDRAWN: "The route to {who} is gone: most BGP peers lost it, or it is dead from "
    "everywhere, and no other network announces it.",
    Cause.PATH_CONGESTION: "Congestion inside transit slows the way to {who} on unchanged paths.",
    Cause.DNS_FAILED: "The name of {who} does not resolve.",
    Cause.DNS_TAMPERED: "Resolvers answer for {who} what its authoritative servers do not say.",
    Cause.TLS_INVALID: "{who} shows a certificate that clients refuse, from the genuine server.",
    Cause.VANTAGE_FAULT: "{who} itself is faulty: its controls fail too, so nothing it saw is held against "
    "a target.",
    Cause.INSUFFICIENT: "{who} is in trouble, and the evidence is too little to name a cause.",
}


_UNHEARD_PHRASE = "not heard by the hub, what it sees is not known"
_UNHEARD = (
    "{who}: the hub hears nothing from there, so what is seen there now is not known and is no sign of health."
)


def subject_of(incident: Incident) -> str:
    """Whose trouble it is: the target, `target and 2 more`, or the faulty vantage."""
    if incident.target is None:
        return listed(incident.affected, 2, limit=_NAME_LIMIT) or "unnamed vantage"
    name = one_line(incident.target, _NAME_LIMIT)
    others = len({*incident.members} - {incident.target})
    return f"{name} and {others} more" if others else name


def began_at(incident: Incident) -> float:
    """When the trouble began: at the first bad fact, where that is known, else when the incident was opened."""
    return incident.opened_at if incident.started_at is None else incident.started_at


def witnesses(incident: Incident) -> str:
    """`5 of 7 vantages`, `5 of 7 vantages (2 networks)`; `no vantage of 7` for a hijack that only BGP shows."""
    return _witnesses(incident.affected, incident.vantages) + _networks(incident)


def share_witnesses(share: Share) -> str:
    """`map (5 of 7 vantages)`: a member of a linked incident, and who saw it there."""
    return f"{one_line(share.target, _NAME_LIMIT)} ({_witnesses(share.affected, share.vantages)})"


def _witnesses(affected: Collection[str], vantages: int) -> str:
    of = max(vantages, len(affected))
    return f"{len(affected) or 'no vantage'} of {of}" + (" vantages" if affected else "")


def _networks(incident: Incident) -> str:
    """How many witnesses that really are, where some of the vantages depend on one another."""
    count = len(incident.networks)
    if not 0 < count < len(incident.affected):
        return ""
    return f" ({count} network{'s' if count > 1 else ''})"


def phrase(incident: Incident) -> str:
    """What decides, in a few words without the name: for a subject line."""
    detail = incident.detail
    if incident.cause is Cause.ROUTE_HIJACK:
        return _hijack_phrase(incident)
    if is_silence(incident):
        return _UNHEARD_PHRASE
    if incident.cause in (Cause.UPSTREAM_OVERLOAD, Cause.UPSTREAM_DOWN):
        state = "overloaded" if incident.cause is Cause.UPSTREAM_OVERLOAD else "down"
        return f"{_upstream(incident)} is {state}"
    found = _PHRASE[incident.cause]
    if incident.cause in (Cause.SERVER_DOWN, Cause.DNS_FAILED, Cause.TLS_INVALID) and detail.failure:
        return f"{found} ({one_line(detail.failure, 40)})"
    return found


def sentence(incident: Incident) -> str:
    """The verdict in one or two sentences."""
    special = _SPECIAL.get(incident.cause)
    who = subject_of(incident)
    if is_silence(incident):
        return _UNHEARD.format(who=who)
    said = special(incident) if special else _SENTENCE[incident.cause].format(who=who)
    if incident.detail.failure and incident.cause is not Cause.INSUFFICIENT:
        said += f" The commonest failure is {one_line(incident.detail.failure, 40)}."
    if incident.suspected:
        said += " It is suspected only: control plane and data plane do not both speak yet."
    return said


def _hijack_phrase(incident: Incident) -> str:
    detail = incident.detail
    prefix = one_line(detail.prefix, _PREFIX_LIMIT) if detail.prefix else "route"
    if detail.kind in (HijackKind.FORGED_ORIGIN, HijackKind.PATH):
        return f"{prefix} by way of {_offender(incident)}"
    if detail.origin is not None:
        return f"{prefix} now from AS{detail.origin}"
    if detail.effect is HijackEffect.IMPOSTOR:
        return "somebody else's server answers"
    return f"{prefix} taken"


def _hijack_sentence(incident: Incident) -> str:
    detail = incident.detail
    effect = _EFFECT[detail.effect or HijackEffect.UNKNOWN]
    state = "may be" if incident.suspected else "is"
    return f"Traffic to {subject_of(incident)} {state} hijacked: {_taken(incident)}, and {effect}."


def _taken(incident: Incident) -> str:
    """How the route was taken, as a clause."""
    detail = incident.detail
    prefix = one_line(detail.prefix, _PREFIX_LIMIT) if detail.prefix else "its prefix"
    origin = f"AS{detail.origin}" if detail.origin is not None else "a network that is not known"
    due = listed((f"AS{asn}" for asn in detail.expected_origins), 4)
    if detail.kind is HijackKind.SUBPREFIX:
        return f"{origin} announces {prefix}, a part of the prefix" + (
            f" whose rightful origin is {due}" if due else ""
        )
    if detail.kind is HijackKind.FORGED_ORIGIN:
        stranger = _offender(incident)
        return f"{prefix} is announced as if by {origin}, behind {stranger}, which was never its neighbour"
    if detail.kind is HijackKind.PATH:
        return f"the path to {prefix} runs through {_offender(incident)}, which has no business with it"
    if detail.origin is not None:
        return f"{origin} announces {prefix}" + (f", which {due} should originate" if due else "")
    return "its traffic goes where it should not"


def _offender(incident: Incident) -> str:
    offender = incident.detail.offender
    return f"AS{offender}" if offender is not None else "a stranger"


def _upstream_sentence(incident: Incident) -> str:
    state = "overloaded" if incident.cause is Cause.UPSTREAM_OVERLOAD else "down"
    if len(incident.members) > 1:
        return f"{subject_of(incident)} fail because {_upstream(incident)}, which they depend on, is {state}."
    return f"{subject_of(incident)} fails because {_upstream(incident)}, which it depends on, is {state}."


def _upstream(incident: Incident) -> str:
    return one_line(incident.detail.upstream, _NAME_LIMIT) if incident.detail.upstream else "its dependency"


_SPECIAL: dict[Cause, Callable[[Incident], str]] = {
    Cause.ROUTE_HIJACK: _hijack_sentence,
    Cause.UPSTREAM_OVERLOAD: _upstream_sentence,
    Cause.UPSTREAM_DOWN: _upstream_sentence,
}
