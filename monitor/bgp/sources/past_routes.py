"""The routes to some prefixes in a past window, out of RIPEstat's answers: which questions, in which order.

The origin history comes first: it names the more and less specific prefixes that somebody announced, which
RIPEstat's updates of a prefix do not include. Then, of each of them, the table at the start and the updates
until the end. The start is some hours before the window: who looks at an outage from its first complaint on
would else take the hijack that caused it for what was usual. RIPEstat's history is drawn from tables eight
hours apart, so a more-specific that lived between two of them is found only when it is asked for by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.bgp.ripestat import (
    OriginPeriod,
    RipestatError,
    RpkiAnswer,
    read_history,
    read_routes,
    read_validation,
)
from monitor.bgp.sources.ripestat_query import Answers, Query, RipestatUnavailableError
from monitor.model import Asn, Prefix, RouteEvent, covers

MAX_PREFIXES = 40
"""Prefixes asked about in one investigation, three questions each: an attack on more is seen in forty."""
MAX_VALIDATED = 10
HISTORY_S = 30 * 86_400.0
"""How far back the usual origins are looked for."""


Problem = tuple[Query, str]
"""A question, and why it has no usable answer."""


@dataclass(slots=True)
class PastRoutes:
    """What was found: `events` (kind `rib`: the table at the start), who announced what over the last month.

    `problems`: which questions had no usable answer, and why. `left_out`: prefixes beyond `MAX_PREFIXES`.
    """

    events: list[RouteEvent] = field(default_factory=list)
    periods: list[OriginPeriod] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    left_out: int = 0


LEAD_S = 6 * 3600.0
"""How long before the window the table is taken and the updates begin."""


async def past_routes(
    answers: Answers, prefixes: Iterable[Prefix], since: float, until: float, named: Iterable[Prefix] = ()
) -> PastRoutes:
    """The routes of a window (Unix seconds), and `LEAD_S` before it, of these prefixes and of those they touch.

    `named`: further prefixes that are asked about whether or not the history knows them. A question without an
    answer is noted, and the next one asked.
    """
    found = PastRoutes()
    wanted = dict.fromkeys((*prefixes, *named))
    for prefix in tuple(wanted)[:MAX_PREFIXES]:
        await _add_history(answers, prefix, since, until, found)
    for period in found.periods:
        if period.until >= since and period.since <= until and _touches(period.prefix, tuple(wanted)):
            wanted.setdefault(period.prefix)
    found.left_out = max(len(wanted) - MAX_PREFIXES, 0)
    for prefix in tuple(wanted)[:MAX_PREFIXES]:
        for query in (
            Query(call="bgp-state", resource=str(prefix), since=since - LEAD_S, until=since),
            Query(call="bgp-updates", resource=str(prefix), since=since - LEAD_S, until=until),
        ):
            await _add_routes(answers, query, found)
    found.events = [event for event in found.events if event.at <= until]
    return found


async def validity_now(
    answers: Answers, routes: Iterable[tuple[Prefix, Asn]]
) -> tuple[list[RpkiAnswer], list[Problem]]:
    """RPKI validity *today* of at most `MAX_VALIDATED` routes, and what could not be asked.

    RIPEstat has no RPKI of the past: a ROA that was issued because of an incident makes its route valid now.
    """
    known: list[RpkiAnswer] = []
    problems: list[Problem] = []
    for prefix, origin in tuple(dict.fromkeys(routes))[:MAX_VALIDATED]:
        query = Query(call="rpki-validation", resource=str(origin), more=(("prefix", str(prefix)),))
        try:
            known.append(read_validation(await answers.ask(query)))
        except (RipestatUnavailableError, RipestatError) as error:
            problems.append((query, str(error)))
    return known, problems


async def _add_history(answers: Answers, prefix: Prefix, since: float, until: float, found: PastRoutes) -> None:
    # min_peers: by default what fewer than ten peers see is left out, which is how a regional hijack looks.
    more = (("min_peers", "1"), ("normalise_visibility", "true"))
    query = Query(call="routing-history", resource=str(prefix), since=since - HISTORY_S, until=until, more=more)
    try:
        found.periods += read_history(await answers.ask(query))
    except (RipestatUnavailableError, RipestatError) as error:
        found.problems.append((query, str(error)))


async def _add_routes(answers: Answers, query: Query, found: PastRoutes) -> None:
    try:
        routes = read_routes(await answers.ask(query))
    except (RipestatUnavailableError, RipestatError) as error:
        found.problems.append((query, str(error)))
        return
    found.events += routes.events
    if routes.bad:
        found.problems.append((query, f"{routes.bad} routes passed over, the first: {routes.errors[0]}"))


def grouped(problems: Iterable[Problem]) -> list[str]:
    """One line for each call and reason, with the resources behind each other."""
    together: dict[tuple[str, str], list[str]] = {}
    for query, reason in problems:
        together.setdefault((query.call, reason), []).append(query.subject)
    return [f"{call} of {', '.join(subjects)}: {reason}" for (call, reason), subjects in together.items()]


def _touches(prefix: Prefix, wanted: tuple[Prefix, ...]) -> bool:
    return any(covers(prefix, one) or covers(one, prefix) for one in wanted)
