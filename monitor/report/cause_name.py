"""The causes in a reader's words: a short name for a subject line, a sentence for their meaning. Pure."""

from __future__ import annotations

from monitor.model import Cause

_SHORT: dict[Cause, str] = {
    Cause.OK: "ok",
    Cause.SERVER_OVERLOAD: "overload",
    Cause.SERVER_DOWN: "server down",
    Cause.SERVER_LINK: "link full",
    Cause.UPSTREAM_OVERLOAD: "upstream overload",
    Cause.UPSTREAM_DOWN: "upstream down",
    Cause.ROUTE_HIJACK: "hijack",
    Cause.ROUTE_LEAK: "route leak",
    Cause.ROUTE_CHANGE: "re-route",
    Cause.ROUTE_MOVED: "route moved",
    Cause.ROUTE_WITHDRAWN: "route withdrawn",
    Cause.PATH_CONGESTION: "congestion",
    Cause.DNS_FAILED: "DNS failed",
    Cause.DNS_TAMPERED: "DNS tampered",
    Cause.TLS_INVALID: "TLS invalid",
    Cause.VANTAGE_FAULT: "vantage fault",
    Cause.INSUFFICIENT: "cause unknown",
}


def short_name(cause: Cause, *, suspected: bool = False) -> str:
    """One to three words, as they stand in a mail's subject."""
    return f"suspected {_SHORT[cause]}" if suspected else _SHORT[cause]


def percent(confidence: float) -> str:
    """`98%`; never 100%, because a verdict is a probability, and 0% only for nothing at all."""
    if not confidence > 0:
        return "0%"
    return f"{min(max(round(confidence * 100), 1), 99)}%"
