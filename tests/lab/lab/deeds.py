"""What scenarios do to the laboratory, by name: announce, withdraw, crowd, crash, cut. Each can be undone.

A deed takes the fields of its step and gives a coroutine function that undoes it. Only what the outside world
could do is done: routers are reconfigured, servers told, packets lost; the monitor is never touched.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from lab.bird import Announcement, Forwarding, Policy
from lab.papers import AUTHORITY_NAME, SERVICE_NAME
from lab.stage import Stage

from monitor.model.asn import Asn

Undo = Callable[[], Awaitable[None]]
# Longer than any scenario; undoing ends it.
_CROWD_S = 120.0


class DeedError(ValueError):
    """A step of a scenario names no deed, or not in the way that it is done."""


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


async def crowd(stage: Stage, at: str, clients: int = 60) -> Undo:
    """Let many clients in at once, at the service or at the authority behind it."""
    name = {"service": SERVICE_NAME, "authority": AUTHORITY_NAME}[at]
    child = await stage.start_crowd(at, name, _CROWD_S, clients)

    async def undo() -> None:
        await child.stop()

    return undo


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


_DEEDS: dict[str, Callable[..., Awaitable[Undo]]] = {deed.__name__: deed for deed in (announce, impostor, crowd)}


async def do(stage: Stage, step: dict[str, Any]) -> Undo:
    """Do one step; how to undo it.

    :raises DeedError: there is no such deed
    """
    fields = dict(step)
    name = fields.pop("deed", None)
    if name not in _DEEDS:
        raise DeedError(f"no deed {name!r}; there are {', '.join(sorted(_DEEDS))}")
    try:
        return await _DEEDS[name](stage, **fields)
    except TypeError as error:
        raise DeedError(f"{name}: {error}") from error
