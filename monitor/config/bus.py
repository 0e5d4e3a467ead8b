"""Reads [bus]: the brokers that carry facts between the roles of a hub, and how much they are to hold."""

from __future__ import annotations

from pathlib import Path

from monitor.config import address, value
from monitor.config.duration import DAY, HOUR, duration
from monitor.config.secret import secret_file
from monitor.config.table import Table, UnfitError
from monitor.model.settings import BusSettings

MAX_BROKERS = 16
MAX_PARTITIONS = 256
"""Each is a subject, a lease and a window of facts; more than this is another cluster."""

_MEGABYTE = 2**20
_SCHEMES = ("nats", "tls")

_read_broker = address.url(_SCHEMES, path=False)


def read_bus(table: Table, folder: Path) -> BusSettings | None:
    """[bus]; None without `url`, which the other keys go with."""
    usual = BusSettings(urls=())
    urls: tuple[str, ...] = table.get("url", _brokers, ())
    settings = BusSettings(
        urls=urls,
        name=table.get("name", _stream_name, usual.name),
        user=table.get("user", value.text(64, "a user's name"), None),
        password_file=table.get("password_file", secret_file(folder), None),
        ca_file=table.get("ca_file", address.file(folder), None),
        partitions=table.get("partitions", value.integer(1, MAX_PARTITIONS), usual.partitions),
        replicas=table.get("replicas", _replicas, usual.replicas),
        keep_s=table.get("keep", duration(HOUR, 30 * DAY), usual.keep_s),
        most_bytes=table.get("most_mb", value.integer(64, 10_000_000), usual.most_bytes // _MEGABYTE) * _MEGABYTE,
    )
    if (settings.user is None) != (settings.password_file is None):
        present = "user" if settings.user is not None else "password_file"
        table.reject(present, "user and password_file go together")
    if settings.ca_file is not None and not any(url.startswith("tls://") for url in urls):
        table.reject("ca_file", "goes with tls:// brokers; with nats:// nobody is asked who they are")
    table.close()
    return settings if urls else None


def _brokers(found: object) -> tuple[str, ...]:
    """`nats://a,b,c`, as NATS itself writes several brokers; each may have its own port."""
    if not isinstance(found, str):
        raise UnfitError('brokers, such as "nats://a.example.com,b.example.com,c.example.com"')
    first, *others = (part.strip() for part in found.split(","))
    scheme = first.partition("://")[0]
    urls = [first, *(other if "://" in other else f"{scheme}://{other}" for other in others)]
    if len(urls) > MAX_BROKERS:
        raise UnfitError(f"at most {MAX_BROKERS} brokers")
    if len({url.partition("://")[0] for url in urls}) > 1:
        raise UnfitError("all nats:// or all tls://: which one is spoken must not depend on which one answers")
    return tuple(_read_broker(url).rstrip("/") for url in urls)


def _stream_name(found: object) -> str:
    """What the stream and the subjects are called; NATS takes no dots, spaces or wildcards in a stream's name."""
    if not isinstance(found, str) or not 0 < len(found) <= 32 or not found.replace("-", "").isalnum():
        raise UnfitError('a name of 1 to 32 letters, digits and hyphens, such as "whydown"')
    if not found.isascii():
        raise UnfitError('a name in ASCII, such as "whydown"')
    return found


def _replicas(found: object) -> int:
    """An even number stands no more failures than the odd one below it (Raft)."""
    if isinstance(found, bool) or found not in (1, 3, 5):
        raise UnfitError("1, 3 or 5")
    return int(found)
