"""Who is far behind: a reader holds no more for that, an owner begins anew, and doctor says how far stores are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest
from cluster.brokers import Brokers, nats_server
from structlog.testing import capture_logs

from monitor.bus.crate import Crate, Mark, pack_crate, pack_mark
from monitor.bus.nats.broker import Broker, open_broker
from monitor.bus.nats.reader import MOST_FETCHED, PartitionReader, StoreReader
from monitor.config import parse_config
from monitor.doctor.bus import MOST_WAITING, look_at_bus
from monitor.history import Store
from monitor.history.shipment import Shipment
from monitor.hub.roles.checkpoint import OLD_S
from monitor.hub.roles.diagnose_role import DiagnoseRole
from monitor.model.settings import BusSettings, Config
from monitor.station.plugin_state import State
from probes import NotMeasured, clock

pytestmark = pytest.mark.skipif(nats_server() is None, reason="nats-server is not installed")


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    """One server for the module; each test has streams of its own."""
    with Brokers(tmp_path_factory.mktemp("broker"), nodes=1) as found:
        yield found


def _config(brokers: Brokers, name: str) -> tuple[Config, BusSettings]:
    """One target in one partition, of which all is in the stream of that name."""
    config = parse_config(
        f'[bus]\nurl = "{brokers.url}"\nname = "s{crc32(name.encode())}"\nreplicas = 1\npartitions = 1\n'
        '[[target]]\nname = "t"\nurl = "https://a.example/"\n'
    )
    assert config.bus is not None
    return config, config.bus


async def _put(broker: Broker, count: int) -> None:
    """So many messages, all in the stream on return."""
    for number in range(count):
        await broker.put_down(broker.subject(0, "facts"), str(number).encode())
    async with asyncio.timeout(20):
        while (await broker.state()).state.messages < count:
            pass


def test_what_a_partition_has_not_read_waits_at_the_brokers(brokers: Brokers) -> None:
    """However much that is: it is given what it asked for, in order, and no more."""
    count = 3 * MOST_FETCHED + 7
    _, bus = _config(brokers, "waits")

    async def scenario() -> None:
        async with open_broker(bus, "test") as broker:
            await _put(broker, count)
            reader = PartitionReader(broker, 0, 1)
            found = await reader.fetch()
            (consumer,) = await broker.js.consumers_info(broker.stream)
            assert len(found) <= MOST_FETCHED
            assert consumer.num_pending == count - len(found)
            while len(found) < count:
                found += await reader.fetch()
            assert [int(message.body) for message in found] == list(range(count))
            await reader.close()

    asyncio.run(scenario())


def test_doctor_tells_a_store_that_lags_from_one_that_is_gone(brokers: Brokers) -> None:
    """Who is behind gets what it asks for at once and is never seen to wait; who was killed had some in hand."""
    count = MOST_WAITING + MOST_FETCHED
    (lagging, lags), (left, leaves) = _config(brokers, "lags"), _config(brokers, "leaves")

    async def keeps_nothing(reader: StoreReader) -> None:
        while True:
            await reader.fetch()

    async def scenario() -> None:
        async with open_broker(lags, "test") as one, open_broker(leaves, "test") as other:
            await _put(one, count)
            await _put(other, count)
            await StoreReader(other).fetch()
            store = asyncio.create_task(keeps_nothing(StoreReader(one)))
            found, found_left = await asyncio.gather(look_at_bus(lagging, lags), look_at_bus(left, leaves))
            store.cancel()
            assert (found[2].state, found[2].text) == (State.WARNING, f"{count} messages are not kept yet")
            assert (found_left[2].state, found_left[2].text) == (
                State.CRITICAL,
                f"no store asks for facts; {count} messages wait",
            )

    asyncio.run(scenario())


def test_an_owner_that_is_too_far_behind_begins_at_the_present(brokers: Brokers, tmp_path: Path) -> None:
    """From the history, which has what it did not read: the stream may forget that before it comes to it."""
    config, bus = _config(brokers, "behind")
    ahead_s = 0.0

    async def scenario(store: Store) -> None:
        nonlocal ahead_s
        began, stop = clock.wall(), asyncio.Event()
        async with open_broker(bus, "test") as broker:
            await StoreReader(broker).fetch()
            role = DiagnoseRole(config, store, broker, "one", now=lambda: clock.wall() + ahead_s)
            running = asyncio.create_task(role.run(stop))
            await broker.publish(broker.subject(0, "copy"), _crate(began), "a")
            for after in range(4):
                await broker.put_down(broker.subject(0, "mark"), _mark(began + 10.0 + after))
            async with asyncio.timeout(30):
                while not role.judged:  # noqa: ASYNC110  (nobody tells)
                    await asyncio.sleep(0.02)
                assert [one["event"] for one in told].count("partition_taken") == 1
                ahead_s = OLD_S + 60.0
                while [one["event"] for one in told].count("partition_taken") < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            stop.set()
            await running

        (warning,) = [one for one in told if one["event"] == "partition_too_far_behind"]
        assert (warning["partition"], warning["behind_s"] > OLD_S) == (0, True)
        taken = [one["since"] - began for one in told if one["event"] == "partition_taken"]
        assert taken[1] - taken[0] >= OLD_S
        assert [one["rehearses"] for one in told if one["event"] == "partition_taken"] == [False, False]

    with Store.open(tmp_path / "h.db") as store, capture_logs() as told:
        asyncio.run(scenario(store))


def _crate(at: float) -> bytes:
    fact = NotMeasured(at=at + 5.0, vantage="v", target="t", probe="http", reason="missed")
    return pack_crate(
        Crate(shipments=(Shipment(vantage="v", received_at=at, facts=[(1, fact)], settled_below=1),))
    )


def _mark(at: float) -> bytes:
    return pack_mark(Mark(sender="door", at=at, sent_at=at, agents=True))
