"""What scenarios do to the laboratory, by name: announce, withdraw, crowd, crash, cut. Each can be undone.

A deed takes the fields of its step and gives a coroutine function that undoes it. Only what the outside world
could do is done: routers are reconfigured, servers told, packets lost; the monitor is never touched.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from ipaddress import ip_network
from typing import Any

from lab import listen_queue, names
from lab.bird import Announcement, Forwarding, Policy
from lab.internet import HUB_ADDRESS, MANAGEMENT, host_space
from lab.papers import AUTHORITY_NAME, SERVICE_NAME
from lab.stage import Stage
from lab.topology import INFRASTRUCTURE

from monitor.model.asn import Asn
from probes import clock

Undo = Callable[[], Awaitable[None]]
# Longer than any scenario; undoing ends it.
_CROWD_S = 120.0
# Longer than a round trip, so that what is starved mistimes it.
_STARVING_CYCLE_S = 2.0
# On a busy machine sixty handshakes take their time.
_STAGED_S = 20.0
_LOOK_EVERY_S = 0.3
_NAMES = {"service": SERVICE_NAME, "authority": AUTHORITY_NAME}
_SHED = str(HTTPStatus.SERVICE_UNAVAILABLE.value)
# Of what a line can carry; one packet in thirteen is lost then, and those that come have waited.
_TOO_MUCH = 1.08


class DeedError(ValueError):
    """A step of a scenario names no deed, or not in the way that it is done; or it was done and to no avail."""


async def announce(
    stage: Stage, network: int, prefix: str, tail: tuple[int, ...] = (), forward: str | int = "host"
) -> Undo:
    """Let a network originate a prefix that may not be its own."""
    asn = Asn(network)
    claim = Announcement(
        prefix=ip_network(prefix),
        tail=tuple(Asn(number) for number in tail),
        forward=Asn(forward) if isinstance(forward, int) else Forwarding(forward),
    )
    before = _policy(stage, asn)
    return await _follow(stage, asn, replace(before, announces=(*before.announces, claim)))


async def impostor(stage: Stage, certificate: str) -> Undo:
    """Let the hijacker's server hold the service's address, with a `valid` or an `untrusted` certificate."""
    papers = {"valid": stage.papers.impostor_valid, "untrusted": stage.papers.impostor_untrusted}
    server = await stage.start_plain("impostor", "impostor", papers[certificate])
    stage.internet.set_host("impostor", up=True)

    async def undo() -> None:
        stage.internet.set_host("impostor", up=False)
        await server.stop()

    return undo


async def false_names(stage: Stage) -> Undo:
    """Let the hijacker answer in the name servers' place: with its own server, which has a valid certificate."""
    trap = stage.topology.hosts["trap"]
    server = await stage.start_plain("trap", "impostor", stage.papers.impostor_valid)
    zone = names.service_zone(stage.topology, trap.address)
    address = str(stage.topology.hosts["false-names"].address)
    answering = await stage.start_nsd("false-names", host_space("false-names"), address, zone)
    stage.internet.set_host("false-names", up=True)

    async def undo() -> None:
        stage.internet.set_host("false-names", up=False)
        await answering.stop()
        await server.stop()

    return undo


async def crowd(stage: Stage, at: str, clients: int = 60) -> Undo:
    """Let many clients in at once, at the service or at the authority behind it.

    Sixty of them and the server take 6 % of a processor together: it is the workers that are short.

    :raises DeedError: by its own word it has room for all of them
    """
    await stage.state(at)  # it counts from now on
    child = await stage.start_crowd(at, _NAMES[at], _CROWD_S, clients)

    async def sheds() -> bool:
        return (await stage.state(at)).sent.get(_SHED, 0) > 0

    await _come_true(sheds, child.stop, f"the crowd does not overload the {at}")
    return child.stop


async def leak(stage: Stage, network: int, to: int) -> Undo:
    """Let a network tell a neighbour all its routes, against the interest of both (RFC 7908 type 1)."""
    asn = Asn(network)
    before = _policy(stage, asn)
    return await _follow(stage, asn, replace(before, leaks_to=before.leaks_to | {Asn(to)}))


async def withdraw(stage: Stage, network: int, families: tuple[int, ...] = (4, 6)) -> Undo:
    """Let a network announce its own prefixes no more."""
    asn = Asn(network)
    own = stage.topology.networks[asn]
    gone = {prefix for prefix in (own.prefix, own.prefix6) if prefix.version in families}
    before = _policy(stage, asn)
    return await _follow(stage, asn, replace(before, keeps_own=before.keeps_own | gone))


async def cut(stage: Stage, link: str) -> Undo:
    """Take a link between two routers down, as a digger does."""
    stage.internet.set_link(link, up=False)

    async def undo() -> None:
        stage.internet.set_link(link, up=True)

    return undo


async def flap(stage: Stage, link: str, every_s: float) -> Undo:
    """Take a link down and up again and again."""

    async def run() -> None:
        while True:
            for up in (False, True):
                stage.internet.set_link(link, up=up)
                await asyncio.sleep(every_s)

    task = asyncio.create_task(run())

    async def undo() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        stage.internet.set_link(link, up=True)

    return undo


async def impair(stage: Stage, link: str, **changes: float) -> Undo:
    """Give a link loss, a rate, a queue or another delay (fields of `wires.Change`)."""
    await stage.impair(link, **changes)

    async def undo() -> None:
        await stage.impair(link)

    return undo


async def fill(stage: Stage, link: str, rate_bps: float, queue_s: float) -> Undo:
    """Make a link too thin for what others send over it, who do not slow down when packets are lost.

    :raises DeedError: by its own count its queue does not overflow
    """
    before = await stage.impair(link, rate_bps=rate_bps, queue_s=queue_s)
    senders = await stage.start_traffic(link, _TOO_MUCH * rate_bps)

    async def undo() -> None:
        await asyncio.gather(*(sender.stop() for sender in senders))
        await stage.impair(link)

    async def overflows() -> bool:
        return (await stage.counters(link)).overflowed > before.overflowed

    await _come_true(overflows, undo, f"the queue of link {link} does not overflow")
    return undo


async def refuse(stage: Stage, server: str) -> Undo:
    """Let a server's process end, so that its host refuses connections."""
    stage.servers[server].tell("refuse")

    async def undo() -> None:
        stage.servers[server].tell("listen")

    return undo


async def expire(stage: Stage) -> Undo:
    """Let the service show a certificate that ended yesterday."""
    service, papers = stage.servers["service"], stage.papers
    service.tell(f"certificate {papers.service_expired.certificate} {papers.service_expired.key}")

    async def undo() -> None:
        service.tell(f"certificate {papers.service.certificate} {papers.service.key}")

    return undo


async def stall(stage: Stage, server: str, accept_every_s: float, clients: int) -> Undo:
    """Let a server accept a connection only now and then, behind a short listen queue, while others come in.

    :raises DeedError: by its kernel's count the queue has room for all of them
    """
    space = host_space(server)
    before = await asyncio.to_thread(listen_queue.overflows, space)
    stage.servers[server].tell(f"stall {accept_every_s}")
    child = await stage.start_crowd(server, _NAMES[server], _CROWD_S, clients, anew=True)

    async def undo() -> None:
        await child.stop()
        stage.servers[server].tell("listen")

    async def overflows() -> bool:
        return await asyncio.to_thread(listen_queue.overflows, space) >= before + clients

    await _come_true(overflows, undo, f"the listen queue of the {server} does not overflow")
    return undo


async def poison(stage: Stage, vantage: str, host: str) -> Undo:
    """Let the resolver of a vantage answer with the address of another host."""
    address = stage.topology.hosts[host].address
    await stage.start_resolver(vantage, (f"{SERVICE_NAME}. 5 IN A {address}",))

    async def undo() -> None:
        await stage.start_resolver(vantage)

    return undo


async def starve(stage: Stage, vantages: tuple[str, ...], share: float, *, hub: bool = False) -> Undo:
    """Let the monitor's processes at some vantages, and its `hub`, run only this share of the time."""
    pids = [stage.vantages[name].pid for name in vantages]
    if hub and stage.hub is not None:
        pids.append(stage.hub.pid)

    def tell(number: signal.Signals) -> None:
        for pid in pids:
            os.kill(pid, number)

    async def run() -> None:
        while True:
            tell(signal.SIGSTOP)
            await asyncio.sleep(_STARVING_CYCLE_S * (1 - share))
            tell(signal.SIGCONT)
            await asyncio.sleep(_STARVING_CYCLE_S * share)

    task = asyncio.create_task(run())

    async def undo() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        tell(signal.SIGCONT)

    return undo


async def in_band(stage: Stage) -> Undo:
    """Let the agents' reports take the same Internet as the probes: the hub is announced, management is cut."""
    announced = await announce(stage, INFRASTRUCTURE, str(MANAGEMENT))
    watchers = stage.topology.vantages
    for name in watchers:
        stage.internet.set_management(name, up=False)
    await stage.reached("hub", HUB_ADDRESS)

    async def undo() -> None:
        for name in watchers:
            stage.internet.set_management(name, up=True)
        await announced()

    return undo


async def _come_true(holds: Callable[[], Awaitable[bool]], undo: Undo, or_else: str) -> None:
    """Return once a trouble is there by the word of what it befalls.

    :raises DeedError: it does not come in time, and is undone
    """
    end = clock.monotonic() + _STAGED_S
    while not await holds():
        if clock.monotonic() > end:
            await undo()
            raise DeedError(f"{or_else} in {_STAGED_S:g} s")
        await asyncio.sleep(_LOOK_EVERY_S)


def _policy(stage: Stage, asn: Asn) -> Policy:
    return stage.policies.get(asn, Policy())


async def _follow(stage: Stage, asn: Asn, policy: Policy) -> Undo:
    """Let a router follow a policy; undoing brings back the one before."""
    before = _policy(stage, asn)
    stage.set_policy(asn, policy)
    await stage.configure([asn])

    async def undo() -> None:
        stage.set_policy(asn, before)
        await stage.configure([asn])

    return undo


_DEEDS: dict[str, Callable[..., Awaitable[Undo]]] = {
    deed.__name__: deed
    for deed in (
        announce, impostor, false_names, crowd, leak, withdraw, cut, flap, impair, fill, refuse, expire, stall,
        poison, starve, in_band,
    )
}  # fmt: skip


def is_known(step: dict[str, Any]) -> bool:
    """Whether a step can be done: there is such a deed and it takes these fields."""
    fields = dict(step)
    deed = _DEEDS.get(fields.pop("deed", ""))
    if deed is None:
        return False
    try:
        inspect.signature(deed).bind(None, **fields)
    except TypeError:
        return False
    return True


async def do(stage: Stage, step: dict[str, Any]) -> Undo:
    """Do one step; how to undo it.

    :raises DeedError: there is no such deed
    """
    if not is_known(step):
        raise DeedError(f"{step} is no step; there are {', '.join(sorted(_DEEDS))}")
    fields = {name: value for name, value in step.items() if name != "deed"}
    return await _DEEDS[step["deed"]](stage, **fields)
