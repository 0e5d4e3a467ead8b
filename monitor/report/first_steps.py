"""What to do first, for each cause: the reader was asleep a minute ago. Pure.

The steps are in the order in which they take effect, at most four, each starting with a verb.
"""

from __future__ import annotations

from monitor.diagnose.contact import is_silence
from monitor.model import Cause, HijackEffect, Incident, Prefix, parse_prefix
from monitor.report.safe_text import one_line

_STEPS: dict[Cause, tuple[str, ...]] = {
    Cause.SERVER_OVERLOAD: (
        "Add capacity, or shed load: rate limits, a static page, a queue.",
        "Look for what drives it: a campaign, a retry storm, one slow dependency, an attack.",
        "Leave routing alone: nothing there changed.",
    ),
    Cause.SERVER_DOWN: (
        "Look at the host and the application: process, disk, last deployment.",
        "Roll the last change back, or fail over.",
        "Leave routing alone: nothing there changed.",
    ),
    Cause.SERVER_LINK: (
        "Look at the access link's counters; ask the provider for the same from the other side.",
        "Move traffic to another link or a CDN; for an attack, call the scrubbing provider.",
    ),
    Cause.ROUTE_LEAK: (
        "Call the NOC of the leaking network, and of the provider that accepts the leak.",
        "Announce more-specifics where your providers accept them, to draw the traffic back.",
    ),
    Cause.ROUTE_CHANGE: (
        "Check for announced maintenance of your providers.",
        "If the cost hurts, ask the provider, or prefer another one for these prefixes.",
    ),
    Cause.ROUTE_MOVED: (
        "Confirm that the move was meant (maintenance, DDoS protection, new provider).",
        "If it was, list the new origin in allowed_origins; if not, treat it as a hijack.",
    ),
    Cause.ROUTE_WITHDRAWN: (
        "Check your own border routers: is the prefix still announced, is every session up?",
        "Call your transit providers; announce through another one if you can.",
    ),
    Cause.PATH_CONGESTION: (
        "Ask the transit provider that the paths of the affected vantages share.",
        "Prefer another provider for these prefixes until it has cleared.",
    ),
    Cause.DNS_FAILED: (
        "Ask each authoritative server directly: is it up, is the zone loaded and signed?",
        "Check delegation, glue, DNSSEC dates and the domain's registration.",
    ),
    Cause.DNS_TAMPERED: (
        "Compare the answers with the authoritative servers'; check the registrar account and the delegation.",
        "Tell the operator of the resolver that answers wrongly; have caches flushed.",
        "If visitors reached a foreign server, treat certificates and passwords as exposed.",
    ),
    Cause.TLS_INVALID: (
        "Renew or replace the certificate and reload the server; check the whole chain and the name.",
        "Look why the renewal did not happen by itself.",
    ),
    Cause.VANTAGE_FAULT: (
        "Look at the vantage itself: its uplink, resolver, clock and load.",
        "No target needs care because of this.",
    ),
    Cause.INSUFFICIENT: (
        "Look at the service by hand; the missing measurement is named below.",
        "Add vantages in other networks, and a BGP feed, so that the next one can be named.",
    ),
}


_UNHEARD = (
    "Look whether the agent runs there, and whether its machine reaches this hub: `whydown doctor` says both.",
    "If several fell silent at once, look at what they share: a site's line, or this hub's own.",
    "What it measures meanwhile waits in its spool and is brought when it is back.",
)


def first_steps(incident: Incident) -> tuple[str, ...]:
    """The first steps for this incident, with its own numbers in them; empty for `ok`."""
    if incident.cause is Cause.ROUTE_HIJACK:
        return _against_hijack(incident)
    if is_silence(incident):
        return _UNHEARD
    if incident.cause in (Cause.UPSTREAM_OVERLOAD, Cause.UPSTREAM_DOWN):
        name = one_line(incident.detail.upstream, 64) if incident.detail.upstream else "the dependency"
        return (
            f"Call the people who run {name}; your own servers are not the cause.",
            "Switch the feature off, or answer from a cache, until it is back.",
        )
    return _STEPS.get(incident.cause, ())


def _against_hijack(incident: Incident) -> tuple[str, ...]:
    detail = incident.detail
    culprit = f" of AS{detail.culprit}" if detail.culprit is not None else " of the network that announces it"
    steps = [
        f"Call your transit providers and the NOC{culprit}: have the announcement filtered.",
        f"Announce {_counter(detail.prefix)} yourself, through every provider.",
        "Check the ROAs: the right origin, a maximum length no longer than what you announce.",
    ]
    if detail.effect is HijackEffect.IMPOSTOR:
        steps.append(
            "Have certificates issued since the start revoked (see CT logs); tell users what to distrust."
        )
    return tuple(steps)


def _counter(prefix: str | None) -> str:
    """What to announce against `prefix`: as specific as it, or one bit more where that is still accepted."""
    try:
        taken = parse_prefix(prefix) if prefix else None
    except ValueError:
        taken = None
    if taken is None:
        return "the covering /24s (IPv6: /48s)"
    # Longer than /24 and /48 is filtered nearly everywhere, so against these only the same length is left.
    longest = 24 if taken.version == 4 else 48
    if taken.prefixlen >= longest:
        return f"{taken} (nothing longer is accepted)"
    return _halves(taken)


def _halves(taken: Prefix) -> str:
    low, high = taken.subnets(prefixlen_diff=1)
    return f"{low} and {high}"
