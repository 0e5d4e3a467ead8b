"""Asks a DNS service whose the addresses are that probes meet and no table maps. Answers are facts like others.

Politely: one question for a /24 or /48, again only when the answer's lifetime is over, a few a second. What is
asked tells the service what is watched, so nothing is asked unless the configuration names one. Internal addresses
are never asked about. What an answer means is `monitor.bgp.dns_origins`' business.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from monitor.bgp.dns_origins import Place, place_of, question_name, read_origin
from monitor.bgp.ip_to_as import PrefixTable
from monitor.model.prefix import as_address
from monitor.model.settings import Config
from monitor.model.target import ORIGINS_TARGET
from probes import DnsObservation, HttpObservation, Observation, TraceObservation, clock
from probes.dns import DnsQuestion, parse_resolver, system_resolvers
from probes.observation import completed_at

Sink = Callable[[Sequence[Observation]], Awaitable[None]]

GAP_S = 0.1
"""Between the starts of two questions. A thousand targets' first round is over in minutes."""

TIMEOUT_S = 3.0
"""For one resolver: traces wait for the answer (`paths.unmapped`), all in all for less than ten seconds."""

MOST_ASKED = 2
"""Resolvers asked for one place."""

LEAST_KEPT_S = 3600.0
MOST_KEPT_S = 4 * 3600.0
"""Bounds of an answer's lifetime. Team Cymru's tables are renewed every four hours; a start reads back further."""

AGAIN_S = 900.0
"""After a question that nobody answered."""

MOST_WAITING = 10_000
MOST_KNOWN = 100_000


class Asking(Protocol):
    """How one question is asked: what the agent's instruments have, too."""

    async def __call__(self, question: DnsQuestion, *, vantage: str, target: str) -> DnsObservation:
        """One question to one name server."""
        ...


class OriginLookups:
    """`configure` first and at each reload, `run` in a task, `learn` as observations come, answers among them."""

    def __init__(
        self, ask: Asking, sink: Sink, *, now: Callable[[], float] = clock.wall, gap_s: float = GAP_S
    ) -> None:
        self._ask = ask
        self._sink = sink
        self._now = now
        self._gap_s = gap_s
        self._zone: str | None = None
        self._resolvers: tuple[str, ...] = ()
        self._table: PrefixTable | None = None
        self._vantage = ""
        self._names: frozenset[str] = frozenset()
        self._waiting: OrderedDict[Place, None] = OrderedDict()
        self._fresh_until: OrderedDict[Place, float] = OrderedDict()
        self._more = asyncio.Event()
        self._refused = 0
        self._log = structlog.get_logger("origins")

    def configure(self, config: Config, table: PrefixTable | None) -> None:
        """Take the zone, the resolvers and the targets of a configuration; `table` maps what need not be asked."""
        if config.prefix_to_as.dns != self._zone:
            self._fresh_until.clear()
        self._zone, self._resolvers, self._table = config.prefix_to_as.dns, config.dns.resolvers, table
        self._vantage = config.vantage
        self._names = frozenset(target.name for target in config.targets)
        if self._zone is None:
            self._waiting.clear()

    def learn(self, observations: Iterable[Observation]) -> None:
        """Ask about the addresses in what was observed, where nothing is known of them."""
        if self._zone is None:
            return
        for seen in observations:
            if isinstance(seen, DnsObservation) and seen.target == ORIGINS_TARGET:
                self._note(seen, self._zone)
            elif seen.target in self._names:
                for text in _addresses_in(seen):
                    self._want(text)

    async def run(self) -> None:
        """Ask, one question after the other, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self._more.wait()
                if not self._waiting:
                    self._more.clear()
                    continue
                place, _ = self._waiting.popitem(last=False)
                # Until the answer is in: the next trace meets the same hops.
                self._remember(place, self._now() + AGAIN_S)
                group.create_task(self._look_up(place))
                await asyncio.sleep(self._gap_s)

    async def settle(self, limit_s: float) -> None:
        """Ask all that waits, and return when it is answered or `limit_s` seconds are over."""
        places, self._waiting = list(self._waiting), OrderedDict()
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s), asyncio.TaskGroup() as group:
                for place in places:
                    group.create_task(self._look_up(place))
                    await asyncio.sleep(self._gap_s)

    async def _look_up(self, place: Place) -> None:
        zone = self._zone
        seen: DnsObservation | None = None
        for text in self._servers():
            if zone is None:
                return
            resolver = parse_resolver(text)
            question = DnsQuestion(
                server=resolver.server, name=question_name(place, zone), rrtype="TXT", timeout_s=TIMEOUT_S,
                transport=resolver.transport, server_name=resolver.server_name, path=resolver.path,
            )  # fmt: skip
            seen = await self._ask(question, vantage=self._vantage, target=ORIGINS_TARGET)
            if seen.rcode in ("NOERROR", "NXDOMAIN"):
                break
        if seen is not None:
            self._log.debug("origin_asked", name=seen.name, failure=seen.failure, answers=seen.answers[:3])
            await self._sink([seen])

    def _servers(self) -> tuple[str, ...]:
        servers: list[str] = []
        for resolver in self._resolvers:
            servers += system_resolvers() if resolver == "system" else [resolver]
        return tuple(dict.fromkeys(servers))[:MOST_ASKED]

    def _want(self, text: str) -> None:
        address = as_address(text)
        place = place_of(address) if address is not None else None
        if address is None or place is None or place in self._waiting:
            return
        table = self._table
        if table is not None and (table.lookup(address) is not None or table.is_exchange(address)):
            return
        if self._fresh_until.get(place, float("-inf")) > self._now():
            return
        if len(self._waiting) >= MOST_WAITING:
            self._refused += 1
            return
        self._waiting[place] = None
        self._more.set()

    def _note(self, seen: DnsObservation, zone: str) -> None:
        origin = read_origin(seen, zone)
        if origin is None:
            return
        kept_s = min(max(seen.ttl_s or 0.0, LEAST_KEPT_S), MOST_KEPT_S)
        answered = seen.rcode in ("NOERROR", "NXDOMAIN")
        self._remember(origin.place, completed_at(seen) + (kept_s if answered else AGAIN_S))
        self._waiting.pop(origin.place, None)

    def _remember(self, place: Place, until: float) -> None:
        self._fresh_until[place] = max(until, self._fresh_until.pop(place, 0.0))
        if len(self._fresh_until) > MOST_KNOWN:
            self._fresh_until.popitem(last=False)


def _addresses_in(seen: Observation) -> list[str]:
    """The addresses that an exchange or a traceroute met; name servers that a zone's own answer came from."""
    if isinstance(seen, TraceObservation):
        hops = [hop.address for hop in seen.hops if hop.address is not None]
        return hops if seen.address is None else [seen.address, *hops]
    if isinstance(seen, HttpObservation):
        return [seen.address] if seen.address is not None else []
    if isinstance(seen, DnsObservation) and seen.role == "authoritative":
        return [seen.server]
    return []
