"""What a verdict blames, in words that the verdict on another target would share. Pure.

Fifty targets behind one hijacked prefix, before one overloaded dependency or on one server are one trouble and
not fifty: their verdicts blame the same prefix, dependency or server. Which verdicts blame the same is decided
here; what becomes of those that do, in `linking`.

| cause | blames |
| --- | --- |
| route.hijack, route.leak, route.moved | the prefix and the network to blame; no route known: the place |
| route.withdrawn | the prefix, and the network whose prefixes are gone |
| route.change, path.congestion | the place; the new way |
| upstream.* | the dependency |
| server.* | the server (address and port); a silent host: its address, and the place |
| server.link | the place |
| tls.invalid | the certificate, else the server |
| dns.* | the name servers that lie or fail, and the zone |

A place is the longest prefix that BGP carries everywhere around an address. What cannot be named blames nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from ipaddress import ip_network
from urllib.parse import urlsplit

from monitor.diagnose.name_agreement import SAME_PREFIX
from monitor.diagnose.situation import Situation, VantageSituation
from monitor.diagnose.symptom import SILENT
from monitor.model.prefix import as_address
from monitor.model.verdict import Cause, Detail

MOST_BLAMED = 32
"""Things that one verdict blames at most: addresses of a large pool say nothing after some dozens."""


def blames(cause: Cause, detail: Detail, situation: Situation) -> tuple[str, ...]:
    """What a verdict of `cause` with `detail` blames, sorted; empty where nothing can be pointed at."""
    found = _BLAMED.get(cause)
    return tuple(sorted(set(found(detail, situation)))[:MOST_BLAMED]) if found is not None else ()


def _route(detail: Detail, situation: Situation) -> Iterator[str]:
    if detail.prefix is not None:
        yield f"prefix {detail.prefix}"
    if detail.culprit is not None:
        yield f"network AS{detail.culprit}"
    if detail.prefix is None:
        yield from _places(situation)


def _withdrawn(detail: Detail, situation: Situation) -> Iterator[str]:
    if detail.prefix is None:
        yield from _places(situation)
        return
    yield f"prefix {detail.prefix}"
    for asn in detail.expected_origins:
        yield f"network AS{asn}"


def _way(detail: Detail, situation: Situation) -> Iterator[str]:
    yield from _places(situation)
    if detail.new_path:
        yield "way " + " ".join(f"AS{asn}" for asn in detail.new_path)


def _upstream(detail: Detail, _situation: Situation) -> Iterator[str]:
    if detail.upstream is not None:
        yield f"dependency {detail.upstream}"


def _server(_detail: Detail, situation: Situation) -> Iterator[str]:
    """Another port of a host is another server, unless the whole host is silent."""
    port = _port(situation.target.url)
    for view in situation.affected:
        address = view.latest.observation.address
        if address is not None:
            yield f"server {address} port {port}"
            if view.symptom in SILENT:
                yield f"address {address}"
                yield _place(address)


def _certificate(detail: Detail, situation: Situation) -> Iterator[str]:
    shown = {view.latest.observation.certificate_sha256 for view in situation.affected} - {None}
    if not shown:
        yield from _server(detail, situation)
    for digest in shown:
        yield f"certificate {digest}"


def _names_failed(_detail: Detail, situation: Situation) -> Iterator[str]:
    """A resolver fails for whoever's servers fail, so only a zone's own servers are blamed by name."""
    yield f"zone {_zone(situation.target.url)}"
    for observation in (situation.names_failing or {}).values():
        if observation.role == "authoritative":
            yield f"name server {observation.server}"


def _names_tampered(_detail: Detail, situation: Situation) -> Iterator[str]:
    """A stub on the loopback is another one at each vantage."""
    for item in situation.names_tampered:
        address = as_address(item.server)
        own = address is None or address.is_loopback
        yield f"name server {item.server}" + (f" at {item.vantage}" if own else "")
    if not situation.names_tampered:
        yield from _places(situation)


def _places(situation: Situation) -> Iterator[str]:
    for view in situation.vantages:
        if view.affected or view.diverted:
            yield from _place_of(view)


def _link(_detail: Detail, situation: Situation) -> Iterator[str]:
    return _places(situation)


def _place_of(view: VantageSituation) -> Iterator[str]:
    if view.latest.observation.address is not None:
        yield _place(view.latest.observation.address)


@lru_cache(maxsize=4096)
def _place(text: str) -> str:
    address = as_address(text)
    if address is None or address.is_loopback:
        return f"address {text}"
    return f"place {ip_network((address, SAME_PREFIX[address.version]), strict=False)}"


@lru_cache(maxsize=4096)
def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


@lru_cache(maxsize=4096)
def _zone(url: str) -> str:
    """The domain above a host's name, or the name itself where only a top-level domain is above it."""
    name = (urlsplit(url).hostname or url).rstrip(".")
    above = name.partition(".")[2]
    return above if "." in above else name


_BLAMED: dict[Cause, Callable[[Detail, Situation], Iterator[str]]] = {
    Cause.ROUTE_HIJACK: _route,
    Cause.ROUTE_LEAK: _route,
    Cause.ROUTE_MOVED: _route,
    Cause.ROUTE_WITHDRAWN: _withdrawn,
    Cause.ROUTE_CHANGE: _way,
    Cause.PATH_CONGESTION: _way,
    Cause.UPSTREAM_OVERLOAD: _upstream,
    Cause.UPSTREAM_DOWN: _upstream,
    Cause.SERVER_OVERLOAD: _server,
    Cause.SERVER_DOWN: _server,
    Cause.SERVER_LINK: _link,
    Cause.TLS_INVALID: _certificate,
    Cause.DNS_FAILED: _names_failed,
    Cause.DNS_TAMPERED: _names_tampered,
}
