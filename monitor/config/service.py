"""Reads how the monitor works: history, dns, traceroute, feeds, the tables beside them, heartbeat and boost."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from monitor.config import address, value
from monitor.config.duration import DAY, HOUR, MINUTE, duration
from monitor.config.history_place import database_url
from monitor.config.pace import read_pace
from monitor.config.secret import secret_file
from monitor.config.table import Table
from monitor.model.history_place import DatabaseUrl, HistoryPlace
from monitor.model.settings import (
    BgpSource,
    BgpSourceKind,
    BoostSettings,
    DnsSettings,
    HeartbeatSettings,
    HistorySettings,
    PrefixToAsSettings,
    RisLiveTransport,
    RpkiSettings,
    TraceMethod,
    TracerouteSettings,
)

MAX_FEEDS = 100
MAX_SENDERS = 1_000

_KEYS_OF_FEED = {
    BgpSourceKind.RIS_LIVE: ("url", "host", "transport"),
    BgpSourceKind.MRT: ("path",),
    BgpSourceKind.BMP: ("listen", "from"),
}


class _HeartbeatMethod(StrEnum):
    GET = "GET"
    HEAD = "HEAD"
    POST = "POST"


_DAYS = value.integer(1, 3650)


def read_history(table: Table, folder: Path) -> HistorySettings:
    """[history]."""
    defaults = HistorySettings()
    place: HistoryPlace = table.get("path", address.file(folder), folder / "data" / "whydown.db")
    if (url := table.get("url", database_url, None)) is not None:
        if table.has("path"):
            table.reject("url", "does not go with path; one of them says where the history is")
        place = url
    if (password_file := table.get("password_file", secret_file(folder), None)) is not None:
        if not isinstance(place, DatabaseUrl):
            table.reject("password_file", "goes with url; a file of ours asks nobody for a password")
        else:
            place = replace(place, password_file=password_file)
    history = HistorySettings(
        place=place,
        keep_days=table.get("keep_days", _DAYS, defaults.keep_days),
        keep_minutes_days=table.get("keep_minutes_days", _DAYS, defaults.keep_minutes_days),
        keep_five_minutes_days=table.get("keep_five_minutes_days", _DAYS, defaults.keep_five_minutes_days),
    )
    table.close()
    return history


def read_dns(table: Table) -> DnsSettings:
    """[dns]."""
    defaults = DnsSettings()
    interval_s, timeout_s = read_pace(table, defaults.interval_s, defaults.timeout_s)
    dns = DnsSettings(
        resolvers=table.get("resolvers", value.list_of(address.resolver, 16), defaults.resolvers),
        authoritative=table.get("authoritative", value.boolean, defaults.authoritative),
        start=table.get("start", value.list_of(address.name_server, 16), defaults.start),
        dnssec=table.get("dnssec", value.boolean, defaults.dnssec),
        interval_s=interval_s,
        timeout_s=timeout_s,
    )
    table.close()
    return dns


def read_traceroute(table: Table) -> TracerouteSettings:
    """[traceroute]."""
    defaults = TracerouteSettings()
    interval_s, timeout_s = read_pace(table, defaults.interval_s, defaults.timeout_s)
    traceroute = TracerouteSettings(
        enabled=table.get("enabled", value.boolean, defaults.enabled),
        interval_s=interval_s,
        method=table.get("method", value.choice(TraceMethod), defaults.method),
        # The TTL of IPv4 has eight bits; no path of today's Internet is longer than 64 hops.
        max_hops=table.get("max_hops", value.integer(1, 64), defaults.max_hops),
        timeout_s=timeout_s,
        # The stop rule asks for 57 flows where there are ten branches.
        flows=table.get("flows", value.integer(1, 64), defaults.flows),
        # scamper's limit is 10,000 too; more than this process can send is not meant.
        rate=table.get("rate", value.integer(1, 10_000), defaults.rate),
    )
    table.close()
    return traceroute


def read_bgp(tables: tuple[Table, ...], folder: Path) -> tuple[BgpSource, ...]:
    """Every [[bgp]]; a feed without a name is called by its source, the second one of a kind `ris-live-2`."""
    feeds: list[BgpSource] = []
    for table in tables:
        kind = table.require("source", value.choice(BgpSourceKind), BgpSourceKind.RIS_LIVE)
        of_its_kind = sum(feed.kind is kind for feed in feeds) + 1
        name = table.get("name", value.name, kind.value if of_its_kind == 1 else f"{kind.value}-{of_its_kind}")
        if any(feed.name == name for feed in feeds):
            table.reject("name", f'must differ from that of the other feeds; "{name}" is taken')
        feeds.append(_read_feed(table, kind, name, folder))
        table.close()
    return tuple(feeds)


def _read_feed(table: Table, kind: BgpSourceKind, name: str, folder: Path) -> BgpSource:
    """The keys that go with the kind; the other kind's keys would be ignored in silence, so they are errors."""
    feed = BgpSource(kind=kind, name=name)
    url = table.get("url", address.url(("wss", "ws")), feed.url)
    host = table.get("host", value.name, None)
    transport = table.get("transport", value.choice(RisLiveTransport), feed.transport)
    if transport is RisLiveTransport.HTTP and not urlsplit(url).path.rstrip("/").endswith("/ws"):
        table.reject("url", 'must end in /ws/ with transport "http", whose stream is taken to be beside it')
    path = table.get("path", address.file(folder), None)
    if kind is BgpSourceKind.MRT and not table.has("path"):
        table.reject("path", 'is missing; source "mrt" reads files, such as path = "updates/*.gz"')
    listen = table.get("listen", address.listen_address, feed.listen)
    senders = table.get("from", value.list_of(address.network, MAX_SENDERS, least=1), feed.senders)
    if kind is BgpSourceKind.BMP and not (table.has("from") or address.is_loopback(listen)):
        table.reject("listen", "is reachable from elsewhere, so from must say which routers may send")
    for key in (key for of, keys in _KEYS_OF_FEED.items() if of is not kind for key in keys):
        if table.has(key):
            table.reject(key, f'does not go with source "{kind.value}"')
    return BgpSource(
        kind=kind,
        name=name,
        url=url,
        host=host,
        transport=transport,
        path=None if path is None else str(path),
        listen=listen,
        senders=senders,
    )


def read_rpki(table: Table, folder: Path) -> RpkiSettings:
    """[rpki]."""
    defaults = RpkiSettings()
    rpki = RpkiSettings(
        vrps=table.get("vrps", address.file_or_url(folder), defaults.vrps),
        refresh_s=table.get("refresh", duration(MINUTE, DAY), defaults.refresh_s),
        max_age_s=table.get("max_age", duration(MINUTE, 30 * DAY), defaults.max_age_s),
    )
    table.close()
    return rpki


def read_prefix_to_as(table: Table, folder: Path) -> PrefixToAsSettings:
    """[prefix_to_as]: the table, the exchange points' prefixes that lie over it, and whom to ask for the rest."""
    settings = PrefixToAsSettings(
        path=table.get("path", address.file(folder), None),
        exchanges=table.get("exchanges", address.file(folder), None),
        dns=table.get("dns", address.zone, None),
    )
    if settings.exchanges is not None and settings.path is None:
        table.reject("exchanges", "goes with path: exchange points lie over a table")
    table.close()
    return settings


def read_as_relationships(table: Table, folder: Path) -> Path | None:
    """[as_relationships]."""
    path = table.get("path", address.file(folder), None)
    table.close()
    return path


def read_boost(table: Table) -> BoostSettings:
    """[boost]."""
    defaults = BoostSettings()
    boost = BoostSettings(
        interval_s=table.get("interval", duration(1.0, MINUTE), defaults.interval_s),
        duration_s=table.get("duration", duration(10.0, HOUR), defaults.duration_s),
    )
    table.close()
    return boost


def read_heartbeat(table: Table) -> HeartbeatSettings:
    """[heartbeat]."""
    defaults = HeartbeatSettings(url="")
    heartbeat = HeartbeatSettings(
        url=table.require("url", address.url(("https", "http")), ""),
        interval_s=table.get("interval", duration(10.0, HOUR), defaults.interval_s),
        method=table.get("method", value.choice(_HeartbeatMethod), _HeartbeatMethod.GET).value,
    )
    table.close()
    return heartbeat
