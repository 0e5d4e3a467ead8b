"""The genuine server is the trouble: too much load, or down, or behind somebody who is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from simulator.conditions import ServerAct, ServerState
from simulator.kinds.network import told_apart
from simulator.kinds.registry import kind
from simulator.world import World

State = Callable[[float, Random], ServerState]


def _serve(
    world: World, state: State, cause: str, *, addresses: frozenset[str] | None = None, target: str | None = None
) -> None:
    truth = world.truth(cause, target=target)
    name = target if target is not None else world.main.name
    world.script.servers.append(ServerAct(world.span, name, state, addresses, truth))


def _pool(severity: float) -> State:
    """A full worker pool: requests queue, some too long, some are shed."""

    def state(at: float, rng: Random) -> ServerState:
        return ServerState(
            think_factor=1 + 8 * severity * rng.uniform(0.4, 1.6),
            think_extra_s=severity * rng.uniform(0.5, 5),
            stall=0.35 * severity,
            shed=rng.choice([0, 0.1]),
        )

    return state


def overload(world: World, *, target: str | None = None) -> None:
    """A queue that some never get through, as it goes with another event of the play."""
    _serve(
        world,
        lambda at, rng: ServerState(think_factor=8, think_extra_s=rng.uniform(0.5, 5), stall=0.3),
        "server.overload",
        target=target,
    )


@kind("overload")
def overload_pool(world: World) -> None:
    """Queueing in the worker pool."""
    _serve(world, _pool(world.rng.uniform(0.4, 1)), "server.overload")


@kind("overload")
def overload_mild(world: World) -> None:
    """Slow, but everything is answered."""
    factor, extra = world.rng.uniform(5, 10), world.rng.uniform(0.3, 0.9)
    _serve(
        world,
        lambda at, rng: ServerState(think_factor=factor, think_extra_s=extra * rng.uniform(0.4, 1.6)),
        "server.overload",
    )


@kind("overload", held_out=True)
def overload_listen_queue(world: World) -> None:
    """The listen queue overflows: SYNs are lost at the server."""
    drop, extra = world.rng.uniform(0.4, 0.75), world.rng.uniform(0.3, 3)
    _serve(
        world,
        lambda at, rng: ServerState(listen_drop=drop, think_factor=6, think_extra_s=extra * rng.uniform(0.5, 1.5)),
        "server.overload",
    )


@kind("overload")
def overload_shedding(world: World) -> None:
    """A load balancer answers 503 or 429 for most."""
    share, status, extra = (
        world.rng.uniform(0.5, 0.95),
        world.rng.choice([503, 503, 429]),
        world.rng.choice([0, 1]),
    )
    _serve(
        world,
        lambda at, rng: ServerState(shed=share, shed_status=status, think_factor=3, think_extra_s=extra),
        "server.overload",
    )


@kind("overload", held_out=True, lasts_s=1500.0)
def overload_ramp(world: World) -> None:
    """Load grows over ten minutes."""
    top, begun = world.rng.uniform(1.5, 6), world.span.start

    def state(at: float, rng: Random) -> ServerState:
        grown = min(1.0, (at - begun) / 600)
        return ServerState(
            think_factor=1 + 6 * grown, think_extra_s=top * grown * rng.uniform(0.5, 1.5), stall=0.3 * grown**2
        )

    _serve(world, state, "server.overload")


@kind("overload", addresses=2)
def overload_of_one_server(world: World) -> None:
    """One of several servers behind the name is overloaded."""
    addresses = frozenset(world.main.addresses[: max(1, len(world.main.addresses) // 2)])
    _serve(world, _pool(0.9), "server.overload", addresses=addresses)


@kind("overload", held_out=True)
def overload_in_waves(world: World) -> None:
    """A queue that fills and drains every few minutes."""
    begun = world.span.start

    def state(at: float, rng: Random) -> ServerState:
        full = int((at - begun) // 150) % 2 == 0
        return _pool(0.9)(at, rng) if full else ServerState(think_factor=1.5)

    _serve(world, state, "server.overload")


@kind("down")
def down_refused(world: World) -> None:
    """Nobody listens on the port."""
    _serve(world, lambda at, rng: ServerState(refused=True), "server.down")


@kind("down")
def down_errors(world: World) -> None:
    """Every answer is a quick error."""
    status, share = world.rng.choice([500, 500, 404]), world.rng.choice([1.0, 0.95])
    _serve(world, lambda at, rng: ServerState(wrong=share, wrong_status=status), "server.down")


@kind("down", vantages=3, traces=True)
def down_silent(world: World) -> None:
    """The host is gone; the way to it is as ever."""
    _serve(world, lambda at, rng: ServerState(silent=True), "server.down")


@kind("down", vantages=3, routes=True, knows_origins=True, held_out=True)
def down_as_a_part_is_told(world: World) -> None:
    """The host dies in the minute in which its part of the space is told, by one of the providers or all."""
    told_apart(world)
    down_silent(world)


def _with_dependency(world: World) -> str:
    """Make the first target depend on the second; gives the second's name."""
    first, second, *others = world.setting.services
    world.setting = replace(world.setting, services=(replace(first, depends_on=(second.name,)), second, *others))
    return second.name


@kind("dependency", targets=2)
def dependency_overload(world: World) -> None:
    """The backend is overloaded, and its caller waits for it."""
    below = _with_dependency(world)
    _serve(world, _pool(1.0), "server.overload", target=below)
    _serve(
        world,
        lambda at, rng: ServerState(
            think_factor=2, think_extra_s=rng.uniform(0.5, 5), stall=0.3, shed=0.15, shed_status=504
        ),
        "upstream.overload",
    )


@kind("dependency", held_out=True, targets=2)
def dependency_down(world: World) -> None:
    """The backend is gone, and its gateway says 502."""
    below = _with_dependency(world)
    refused = world.rng.random() < 0.5
    _serve(
        world,
        lambda at, rng: ServerState(refused=refused, wrong=1.0, wrong_status=500),
        "server.down",
        target=below,
    )
    _serve(world, lambda at, rng: ServerState(wrong=1.0, wrong_status=502), "upstream.down")


@kind("certificate", https=True)
def certificate_expired(world: World) -> None:
    """Nobody renewed it."""
    _serve(world, lambda at, rng: ServerState(certificate_fault="tls_expired"), "tls.invalid")


@kind("certificate", held_out=True, https=True)
def certificate_of_another_name(world: World) -> None:
    """A deploy put the wrong one in place."""
    _serve(world, lambda at, rng: ServerState(certificate_fault="tls_name_mismatch", key_version=3), "tls.invalid")
