"""One traceroute to somebody whom this machine will probe: whether anything answers, and whose clock times it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from monitor.doctor.finding import Finding
from monitor.model.settings import Config
from monitor.report.safe_text import one_line
from monitor.station.plugin_state import State
from probes import TraceObservation
from probes.traceroute import Tracer, TraceRequest

STEP_S = 8.0


async def look_at_tracing(config: Config) -> Sequence[Finding]:
    """Trace once to the first target, control or hub; nothing where none is named, or none is to be traced."""
    host = _host(config)
    if host is None or not config.traceroute.enabled:
        return []
    address = await _address(host)
    if address is None:
        return [Finding(check="traceroute", state=State.WARNING, text=f"no address of {host} to trace to")]
    request = TraceRequest(address=address, method=config.traceroute.method.value, timeout_s=STEP_S)
    async with Tracer() as tracer:
        seen = await tracer.trace(request, vantage="doctor", target=host)
        return [judge_trace(seen, unstamped=tracer.unstamped, malformed=tracer.malformed)]


def judge_trace(seen: TraceObservation, *, unstamped: int, malformed: int) -> Finding:
    """What a trace says of this machine. `unstamped`, `malformed`: as the tracer counted them."""
    answered = sum(hop.address is not None for hop in seen.hops)
    text = f"{seen.method} to {seen.target}: {answered} of {len(seen.hops)} hops answered"
    if seen.failure is not None:
        text = one_line(f"{text}; {seen.failure}: {seen.error or 'no reason is known'}", 300)
        return Finding(check="traceroute", state=State.WARNING, text=text)
    if not answered:
        todo = "does a firewall drop the probes, or the ICMP messages that come back?"
        return Finding(check="traceroute", state=State.WARNING, text=text, todo=todo)
    if unstamped:
        # Not to be mended by an operator, but to be known where tenths of a millisecond are compared.
        text += f", {unstamped} of them timed by our own clock (a driver without stamps): up to some 0.15 ms late"
    else:
        text += ", timed by the kernel"
    if malformed:
        text += f"; {malformed} packets made no sense and were passed over"
    return Finding(check="traceroute", state=State.OK, text=text)


def _host(config: Config) -> str | None:
    urls = [target.url for target in config.targets] + [control.url for control in config.controls]
    urls += config.hub.urls if config.hub else ()
    return next((host for url in urls if (host := urlsplit(url).hostname)), None)


async def _address(host: str) -> str | None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(STEP_S):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return None
    return str(found[0][4][0]) if found else None
