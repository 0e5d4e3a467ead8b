"""The route feeds of a configuration: starts them, restarts them when they break, tells them what to watch.

What to watch is learned from the addresses that probes meet, besides the declared prefixes. What a feed
says goes to the sink; this file reads none of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from monitor.bgp.address_owners import AddressOwners, Owners
from monitor.bgp.dns_origins import Place
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.mrt import MrtStats
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.sources import BmpSource, MrtSource, RisLiveSource
from monitor.bgp.watch import MAX_LEARNED, Watch
from monitor.diagnose.fact import Fact
from monitor.model.prefix import Address, Prefix, as_address, parse_address
from monitor.model.route import FeedState, FeedTally, FileMark
from monitor.model.settings import BgpSource, BgpSourceKind, Config
from monitor.model.target import names_observed
from probes import DnsObservation, HttpObservation, Observation, TraceObservation, clock

Sink = Callable[[Sequence[Fact]], Coroutine[Any, Any, None]]

SETTLE_S = 60.0
"""How long files wait for the first round of every target, which shows what else is to be watched."""

FAREWELL_S = 1.0
"""How long a feed that is ended waits for room to say so."""

RESTART_AFTER_S = 30.0
"""Pause before a feed that broke by a defect is started again; feeds reconnect to their servers themselves."""


class Feeds:
    """Runs the feeds. `configure` first and at each reload, `run` in a task, `learn` as observations come."""

    def __init__(self, sink: Sink, marks: Callable[[str], Mapping[str, FileMark]] = lambda source: {}) -> None:
        """`marks`: how far the files of a feed were read by earlier processes, by path; asked in a thread."""
        self._sink = sink
        self._earlier_marks = marks
        self._marks: dict[str, dict[str, FileMark]] = {}
        self._log = structlog.get_logger("feeds")
        self._watch = Watch()
        self._owners: Owners | None = None
        self._told: AddressOwners | None = None
        self._unmapped: dict[Place, dict[Address, str]] = {}
        self._filter: PrefixFilter | None = None
        self._targets: frozenset[str] = frozenset()
        self._names: Mapping[str, str] = {}
        self._addresses: dict[Address, str] = {}
        self._wanted: dict[str, BgpSource] = {}
        self._live: list[RisLiveSource] = []
        self._unmet: set[str] = set()
        self._changed = asyncio.Event()
        self._watching = asyncio.Event()
        self._settled = asyncio.Event()

    def configure(self, config: Config, table: PrefixTable | None) -> None:
        """Take the feeds and declared prefixes of a configuration; what was learned of its targets is kept."""
        declared = [prefix for target in config.targets for prefix in target.prefixes]
        self._targets = frozenset(target.name for target in config.targets)
        self._names = names_observed(config.targets)
        self._addresses = {address: name for address, name in self._addresses.items() if name in self._targets}
        zone = config.prefix_to_as.dns
        self._told = AddressOwners(table, zone) if zone is not None else None
        self._owners = self._told or table
        self._unmapped.clear()
        self._watch = Watch(declared, table)
        for address in self._addresses:
            self._watch.add_address(address)
        known = {*self._addresses.values(), *(target.name for target in config.targets if target.prefixes)}
        self._unmet = set(self._targets - known)
        self._wanted = {source.name: source for source in config.bgp}
        self._changed.set()
        self._tell_watch()
        self._settle()

    @property
    def watched(self) -> tuple[Prefix, ...]:
        """What the feeds are asked for."""
        return self._watch.subscriptions()

    def learn(self, observations: Iterable[Observation]) -> None:
        """Watch the address space of what the targets' probes have met."""
        observations = tuple(observations)
        self._unmet.difference_update(seen.target for seen in observations if isinstance(seen, HttpObservation))
        new = False
        for address, name in [*self._of_targets(observations), *self._mapped_by(observations)]:
            if address not in self._addresses and len(self._addresses) < MAX_LEARNED:
                self._addresses[address] = name
                new |= self._watch.add_address(address)
        if new:
            self._tell_watch()
        self._settle()

    async def run(self) -> None:
        """Keep the configured feeds running until cancelled."""
        running: dict[BgpSource, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                await self._changed.wait()
                self._changed.clear()
                for source in [source for source in running if source not in self._wanted.values()]:
                    running.pop(source).cancel()
                for source in self._wanted.values():
                    if source not in running:
                        running[source] = group.create_task(self._keep_running(source))

    async def _keep_running(self, source: BgpSource) -> None:
        while True:
            try:
                await self._follow(source)
            except Exception as error:
                self._log.exception("feed_broke", feed=source.name, again_in_s=RESTART_AFTER_S)
                await self._say_blind(source, f"defect: {type(error).__name__}")
            await asyncio.sleep(RESTART_AFTER_S)

    async def _say_blind(self, source: BgpSource, reason: str) -> None:
        await self._sink([_blind(source, reason)])

    async def _take(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, FeedState):
                said = self._log.info if fact.live else self._log.warning
                said("feed_live" if fact.live else "feed_blind", feed=fact.source, reason=fact.reason)
            elif isinstance(fact, FeedTally):
                self._count_told(fact)
        await self._sink(facts)
        for fact in facts:
            if isinstance(fact, FileMark):
                self._marks.setdefault(fact.source, {})[fact.path] = fact

    def _count_told(self, tally: FeedTally) -> None:
        said = self._log.warning if tally.dropped or tally.bad else self._log.debug
        said(
            "feed_tally", feed=tally.source, seconds=round(tally.at - tally.since), received=tally.received,
            parsed=tally.parsed, relevant=tally.relevant, late=tally.late, dropped=tally.dropped, bad=tally.bad,
        )  # fmt: skip

    def _file_read(self, path: Path, stats: MrtStats) -> None:
        said = self._log.warning if stats.damage or stats.bad else self._log.info
        said(
            "mrt_file_read", path=str(path), records=stats.records, bad=stats.bad, routes=stats.elements,
            watched=stats.elements - stats.unwanted, damage=stats.damage,
        )  # fmt: skip

    async def _follow(self, source: BgpSource) -> None:
        self._log.info("feed_started", feed=source.name, kind=source.kind.value)
        if source.kind is BgpSourceKind.MRT:
            await self._follow_files(source)
        elif source.kind is BgpSourceKind.BMP:
            await self._follow_routers(source)
        else:
            await self._follow_ris_live(source)

    async def _until_settled(self) -> None:
        """Wait for what is to be watched: of what comes once only, the rest is thrown away."""
        await self._watching.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self._settled.wait()

    async def _follow_routers(self, source: BgpSource) -> None:
        await self._say_blind(source, "no router is connected")
        # A router sends its table when it has connected, and no second time.
        await self._until_settled()
        try:
            await BmpSource(source, self._wanted_now).run(self._take)
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._say_blind(source, "stopped")

    async def _follow_files(self, source: BgpSource) -> None:
        # Nothing is read twice.
        await self._until_settled()
        marks = await asyncio.to_thread(self._earlier_marks, source.name)
        files = MrtSource(
            source.path or "",
            self._wanted_now,
            name=source.name,
            marks={**marks, **self._marks.get(source.name, {})},
            told=self._file_read,
        )
        await files.run(self._take)

    async def _follow_ris_live(self, source: BgpSource) -> None:
        # After a crash the last that was kept may be "live", and nobody listened since.
        await self._say_blind(source, "starting")
        # A message names all prefixes of an update, of which perhaps one is watched.
        live = RisLiveSource(
            source, self._watch.subscriptions(), wants=lambda version, key: self._watch.wants(version, key)
        )
        self._live.append(live)
        try:
            await live.run(self._take)
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._sink([*live.last_counts(), _blind(source, "stopped")])
            raise
        finally:
            self._live.remove(live)
            counts = live.counts
            self._log.info(
                "feed_ended", feed=source.name, received=counts.received, parsed=counts.parsed,
                relevant=counts.relevant, late=counts.late, bad=counts.bad, facts=counts.facts,
                dropped=counts.dropped, last_error=live.last_error,
            )  # fmt: skip

    def _wanted_now(self) -> PrefixFilter:
        if self._filter is None:
            self._filter = PrefixFilter(self._watch.wants, self._watch.prefixes())
        return self._filter

    def _settle(self) -> None:
        if not self._unmet:
            self._settled.set()

    def _tell_watch(self) -> None:
        self._filter = None
        subscriptions = self._watch.subscriptions()
        if subscriptions:
            self._watching.set()
        for live in self._live:
            live.update_watch(subscriptions)
        self._log.debug("watching", prefixes=len(subscriptions))

    def _of_targets(self, observations: Iterable[Observation]) -> Iterable[tuple[Address, str]]:
        for seen in observations:
            name = self._names.get(seen.target)
            if name is not None:
                found = [*_addresses_in(seen), *self._routers_in(seen)]
                yield from ((address, name) for address in found if _may_be_announced(address))

    def _routers_in(self, seen: Observation) -> Iterable[Address]:
        """The routers on the way whose networks are known: those networks' space is watched too."""
        if not isinstance(seen, TraceObservation) or self._owners is None:
            return
        for hop in seen.hops:
            address = as_address(hop.address) if hop.address is not None else None
            if address is not None and self._owners.lookup(address):
                yield address
            elif address is not None and self._told is not None and len(self._unmapped) < MAX_LEARNED:
                place = self._told.unasked(address)
                if place is not None:
                    self._unmapped.setdefault(place, {})[address] = seen.target

    def _mapped_by(self, observations: Iterable[Observation]) -> Iterable[tuple[Address, str]]:
        """The routers whose networks were asked about, and have just been told."""
        for seen in observations:
            told = self._told.take(seen) if self._told is not None and isinstance(seen, DnsObservation) else None
            if told is not None:
                routers = self._unmapped.pop(told.place, {})
                yield from routers.items() if told.prefix is not None else ()


def _blind(source: BgpSource, reason: str) -> FeedState:
    return FeedState(at=clock.wall(), source=source.name, live=False, reason=reason)


def _addresses_in(seen: Observation) -> Iterable[Address]:
    """The addresses that an exchange went to, that an answer named, or of the zone's own server that gave it."""
    texts: list[str] = []
    if isinstance(seen, HttpObservation) and seen.address is not None:
        texts.append(seen.address)
    if isinstance(seen, DnsObservation):
        texts += [seen.server] * (seen.role == "authoritative")
        texts += seen.answers if seen.rrtype in ("A", "AAAA") else ()
    for text in texts:
        with suppress(ValueError):
            yield parse_address(text)


def _may_be_announced(address: Address) -> bool:
    """Nobody announces these; every other range is announced in somebody's laboratory at least."""
    return not (address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast)
