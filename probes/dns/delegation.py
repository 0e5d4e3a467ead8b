"""Which servers speak for a name: found from the root downwards, as a resolver does, and kept for a while.

Theory of operation. A question for the name's SOA record goes to the servers of the nearest zone known,
first of all the root's (or those that the caller starts with). Each reply refers us to a zone nearer to the
name, until one comes from the zone itself (`probes.dns.referral` reads them). That zone is then asked for
its own NS records, because the parent's copy may be out of date (RFC 1034 section 4.2.2), and for their
addresses. Name servers in other zones have to be found in the same way first.

No resolver takes part: one that lies about answers could lie about who the authoritative servers are.

Bounds. Any server on the way may be hostile or misconfigured (RFC 9520 tells what loops cost), so one
search sends at most `_MAX_QUESTIONS`, tries `_MAX_TRIES` addresses of a zone, follows name servers in other
zones `_MAX_NESTED` deep and never one that it is already looking for; a referral always leads strictly
downwards, and the caller's deadline ends it all.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name

from probes import clock
from probes.dns.exchange import exchange
from probes.dns.question import DnsQuestion, parse_name
from probes.dns.referral import (
    Alias,
    Apex,
    Lame,
    Referral,
    addresses_in,
    read_servers,
    read_step,
)
from probes.dns.root_hints import ROOT_SERVERS
from probes.dns.server_address import ServerAddress, parse_server
from probes.endpoint import routable
from probes.failure import Failed, printable
from probes.failure_word import Failure

_MAX_QUESTIONS = 100  # of one search; a name with three zones and eight name servers elsewhere takes some 40
_MAX_TRIES = 4  # addresses of one zone tried for one question
_MAX_NESTED = 3  # a server in a zone, whose server is in a zone, whose server ...: one is usual
_MAX_ZONES = 10_000  # remembered; a zone is some 500 bytes
_MAX_SILENT = 1_000  # addresses remembered as silent
_SILENT_S = 300.0
_SHARE = 5  # one server may take this part of the whole time, so that four may be dead
_LEAST_KEPT_S = 60.0  # zones with a TTL of 0 exist; nobody's name servers move within a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A zone and who speaks for it. `servers`: name to addresses; the start's are nameless, under the root name.

    `lame` says which servers did not speak for it when asked, `address: reason` each.
    """

    apex: dns.name.Name
    servers: Mapping[dns.name.Name, tuple[str, ...]]
    lame: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses, IPv4 first, as every zone with users has these."""
        found = {address for addresses in self.servers.values() for address in addresses}
        return tuple(sorted(found, key=lambda text: (ipaddress.ip_address(text).version, text)))


@dataclass(slots=True)
class _Budget:
    """What one search may still send, with all that it looks for on the way."""

    left: int = _MAX_QUESTIONS

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Failed(
                Failure.DNS_ERROR, f"gave up after {_MAX_QUESTIONS} questions: the delegation leads nowhere"
            )


@dataclass(slots=True)
class _Search:
    """One search: its bounds, the name servers that are being looked for on the way, and who was of no use."""

    question_s: float
    budget: _Budget = field(default_factory=_Budget)
    wanted: tuple[dns.name.Name, ...] = ()
    lame: list[str] = field(default_factory=list)

    def of_server(self, server: dns.name.Name) -> _Search:
        return _Search(self.question_s, self.budget, (*self.wanted, server))


class Delegations:
    """Finds zones and remembers their cuts as long as their TTL allows. For one event loop.

    `start`: the servers to begin with, written as in `DnsQuestion.server`; the root's by default. A private
    name space begins at its own servers. All servers below are asked on the port of the first one, since NS
    records have none. `now` is a monotonic clock.

    :raises ValueError: `start` is empty, or one of it is not the address of a server
    """

    def __init__(self, start: Sequence[str] = ROOT_SERVERS, *, now: Callable[[], float] = clock.monotonic) -> None:
        if not start:
            raise ValueError("start must name a server")
        begin = [parse_server(server) for server in start]
        self._port = begin[0].port
        self._start = Zone(apex=dns.name.root, servers={dns.name.root: tuple(server.address for server in begin)})
        self._now = now
        self._cuts: dict[dns.name.Name, tuple[float, Zone]] = {}
        self._silent: dict[str, float] = {}

    async def zone_of(self, name: str, timeout_s: float) -> Zone:
        """The zone that `name` is in, with its own servers and their addresses.

        :raises ValueError: `name` is not a DNS name
        :raises Failed: it was not found within `timeout_s`, or nobody speaks for it
        """
        absolute = parse_name(name).canonicalize()
        search = _Search(question_s=timeout_s / _SHARE)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._own_servers(await self._descend(absolute, search), search)
        except TimeoutError as exc:
            raise Failed(
                Failure.DNS_TIMEOUT, f"find the servers of {name}: no answer in time{_told(search)}"
            ) from exc
        except Failed as exc:
            raise Failed(exc.word, f"find the servers of {name}: {exc.text}{_told(search)}") from exc

    def written(self, address: str) -> str:
        """An address of a `Zone` as `DnsQuestion.server` takes it."""
        return str(ServerAddress(address, self._port))

    async def _descend(self, name: dns.name.Name, search: _Search) -> Zone:
        """The zone that `name` is in, with the servers that its parent names."""
        zone = self._nearest(name)
        while True:
            step = await self._ask(zone, name, search)
            match step:
                case Referral():
                    zone = Zone(apex=step.zone, servers=step.servers)
                    self._remember(zone, step.ttl_s)
                case Alias():
                    name = name.parent()
                case Apex(apex):
                    # The same servers may hold parent and child; then no referral came in between.
                    return zone if apex == zone.apex else Zone(apex=apex, servers=zone.servers)

    async def _ask(self, zone: Zone, name: dns.name.Name, search: _Search) -> Referral | Apex | Alias:
        """The first step that a server of `zone` offers."""
        for address in (await self._reachable(zone, search))[:_MAX_TRIES]:
            try:
                reply = await self._query(address, name, "SOA", search)
            except Failed as exc:
                search.lame.append(f"{address}: {exc.text}")
                continue
            step = read_step(reply, name, zone.apex)
            if not isinstance(step, Lame):
                return step
            search.lame.append(f"{address}: {step.reason}")
        self._cuts.pop(zone.apex, None)  # perhaps the zone has moved: the next search asks its parent
        raise Failed(Failure.DNS_SERVFAIL, f"no server of {_text(zone.apex)} could be used")

    async def _own_servers(self, zone: Zone, search: _Search) -> Zone:
        """The servers that the zone itself names; where it does not say, those that its parent does."""
        lame = tuple(printable(line) for line in search.lame)
        if zone.servers is self._start.servers and zone.apex == dns.name.root:
            return self._start
        for address in (await self._reachable(zone, search))[:_MAX_TRIES]:
            try:
                reply = await self._query(address, zone.apex, "NS", search)
            except Failed:
                continue
            named = [rrset for rrset in reply.answer if rrset.name == zone.apex]
            servers = read_servers(reply, zone.apex, named)
            if servers and reply.flags & dns.flags.AA:
                return Zone(apex=zone.apex, servers=await self._with_addresses(servers, search), lame=lame)
        return Zone(apex=zone.apex, servers=await self._with_addresses(zone.servers, search), lame=lame)

    async def _reachable(self, zone: Zone, search: _Search) -> tuple[str, ...]:
        """Addresses to ask; where the referral had none, those of the first name server that has any."""
        addresses = zone.addresses
        for server in zone.servers:
            if addresses:
                break
            addresses = await self._addresses(server, search)
        addresses = routable(addresses)
        now = self._now()
        silent = {address for address in addresses if self._silent.get(address, 0.0) > now}
        if len(silent) == len(addresses):
            return addresses[:1]  # nobody answered lately: one look is enough, and soon over
        return tuple(sorted(addresses, key=lambda address: address in silent))

    async def _with_addresses(
        self, servers: Mapping[dns.name.Name, tuple[str, ...]], search: _Search
    ) -> Mapping[dns.name.Name, tuple[str, ...]]:
        found = await asyncio.gather(
            *(self._known_or_found(server, servers[server], search) for server in servers)
        )
        return dict(zip(servers, found, strict=True))

    async def _known_or_found(
        self, server: dns.name.Name, known: tuple[str, ...], search: _Search
    ) -> tuple[str, ...]:
        return known or await self._addresses(server, search)

    async def _addresses(self, server: dns.name.Name, search: _Search) -> tuple[str, ...]:
        """The addresses of a name server, from the zone that it is in; none when they cannot be found."""
        if server in search.wanted or len(search.wanted) >= _MAX_NESTED:
            return ()
        nested = search.of_server(server)
        try:
            zone = await self._descend(server, nested)
            reachable = await self._reachable(zone, nested)
            found = [await self._records(reachable, server, rrtype, nested) for rrtype in ("A", "AAAA")]
        except Failed:
            return ()
        return found[0] + found[1]

    async def _records(
        self, addresses: Iterable[str], name: dns.name.Name, rrtype: str, search: _Search
    ) -> tuple[str, ...]:
        for address in tuple(addresses)[:_MAX_TRIES]:
            try:
                reply = await self._query(address, name, rrtype, search)
            except Failed:
                continue
            if reply.flags & dns.flags.AA:
                return addresses_in(rrset for rrset in reply.answer if rrset.name == name)
        return ()

    async def _query(self, address: str, name: dns.name.Name, rrtype: str, search: _Search) -> dns.message.Message:
        search.budget.spend()
        question = DnsQuestion(
            server=self.written(address),
            name=name.to_text(),
            rrtype=rrtype,
            role="authoritative",
            timeout_s=search.question_s,
        )
        try:
            reply = await exchange(question)
        except Failed as failed:
            if failed.word is not Failure.DNS_MALFORMED:
                self._note_silent(address)
            raise
        self._silent.pop(address, None)
        return reply.message

    def _note_silent(self, address: str) -> None:
        """Have this one asked last for a while: a dead server is waited for once, not with every question."""
        if len(self._silent) >= _MAX_SILENT:
            del self._silent[next(iter(self._silent))]
        self._silent[address] = self._now() + _SILENT_S

    def _nearest(self, name: dns.name.Name) -> Zone:
        """The deepest cut at or above `name` that is still good."""
        candidate = name
        while candidate != dns.name.root:
            until, zone = self._cuts.get(candidate, (0.0, self._start))
            if self._now() < until:
                return zone
            candidate = candidate.parent()
        return self._start

    def _remember(self, zone: Zone, ttl_s: float) -> None:
        if len(self._cuts) >= _MAX_ZONES:
            del self._cuts[next(iter(self._cuts))]
        self._cuts[zone.apex] = (self._now() + max(ttl_s, _LEAST_KEPT_S), zone)


def _told(search: _Search) -> str:
    return f" ({'; '.join(search.lame[-3:])})" if search.lame else ""


def _text(name: dns.name.Name) -> str:
    return printable(name.to_text(), 80)
