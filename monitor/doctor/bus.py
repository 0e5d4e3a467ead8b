"""The bus of a hub in roles: are its brokers reached, is the stream whole, are stores and owners at work?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.bus.errors import BusError
from monitor.bus.partition import Partitions
from monitor.doctor.finding import Finding
from monitor.model.settings import BusSettings, Config
from monitor.report.safe_text import one_line
from monitor.station.plugin_state import State

if TYPE_CHECKING:
    from monitor.bus.nats.inspection import BusState

FULL = 0.8
"""Of the bytes that the stream may hold."""

MOST_WAITING = 1_000
"""Messages that stores have not kept: some seconds of a busy hub."""


async def look_at_bus(config: Config, bus: BusSettings) -> Sequence[Finding]:
    """[bus]."""
    try:
        from monitor.bus.nats.inspection import inspect
    except ModuleNotFoundError as error:
        return [_finding(State.CRITICAL, f"nats-py is missing: {error}", "pip install 'whydown[bus]'")]
    partitions = Partitions(config.targets, bus.partitions)
    tasks = (*(f"partition-{number}" for number in partitions.used), "alert", "contact")
    try:
        found = await inspect(bus, tasks)
    except BusError as error:
        return [_finding(State.CRITICAL, str(error), "look at the brokers' logs, and at [bus] url")]
    if found is None:
        todo = "whydown hub --role store, and the others"
        return [_finding(State.WARNING, f"the brokers are there, but no stream {bus.name} yet", todo)]

    return [_of_stream(found, bus), _of_room(found), _of_stores(found), _of_owners(found, len(partitions.used))]


def _of_stream(state: BusState, bus: BusSettings) -> Finding:
    if state.leader is None:
        return _finding(
            State.CRITICAL, "the stream has no leader: nothing can be written", "most brokers are away"
        )
    if state.behind or state.replicas < bus.replicas:
        text = f"{state.replicas} brokers hold the stream, behind are: {', '.join(state.behind) or 'none'}"
        return _finding(State.WARNING, text, f"[bus] replicas is {bus.replicas}; which broker is away?")
    return _finding(State.OK, f"{state.replicas} brokers hold the stream {bus.name}, {state.leader} leads")


def _of_room(state: BusState) -> Finding:
    share = state.bytes_held / state.most_bytes
    text = f"{share:.0%} of {state.most_bytes / 2**20:.0f} MB are used"
    if share > FULL:
        return _finding(State.WARNING, text, "beyond it nothing is taken in: start stores, or raise most_mb")
    return _finding(State.OK, text)


def _of_stores(state: BusState) -> Finding:
    if not state.fetched:
        text = f"no store asks for facts; {state.waiting} messages wait"
        return _finding(State.CRITICAL, text, "whydown hub --role store")
    text = f"{state.waiting} messages are not kept yet"
    if state.waiting > MOST_WAITING:
        return _finding(State.WARNING, text, "start more stores, or look what the history waits for")
    return _finding(State.OK, text)


def _of_owners(state: BusState, partitions: int) -> Finding:
    if state.unowned:
        text = f"nobody has {', '.join(state.unowned)}"
        return _finding(State.CRITICAL, text, "start the roles diagnose, alert and intake")
    return _finding(State.OK, f"{partitions} partitions, alerts and contact have their owners")


def _finding(state: State, text: str, todo: str | None = None) -> Finding:
    return Finding(check="bus", state=state, text=one_line(text, 300), todo=todo)
