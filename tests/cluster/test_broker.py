"""The bus against a real nats-server: leases, order, doubles, what a restart leaves, and what doctor says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import pytest
from cluster.brokers import Brokers, nats_server

from monitor.bus.crate import unpack_crate
from monitor.bus.errors import BusError
from monitor.bus.nats.broker import Broker, connected, open_broker
from monitor.bus.nats.epoch import Epoch
from monitor.bus.nats.inspection import inspect
from monitor.bus.nats.lease import LOOKS, Lease
from monitor.bus.nats.reader import PartitionReader, StoreReader, progress, trim
from monitor.bus.nats.sender import Sender
from monitor.bus.partition import Partitions
from monitor.config import parse_config
from monitor.doctor.bus import look_at_bus
from monitor.doctor.finding import Finding
from monitor.history.shipment import Shipment
from monitor.model.route import FeedState
from monitor.model.settings import BusSettings
from monitor.model.target import Target
from monitor.station.plugin_state import State
from probes import NotMeasured, clock

pytestmark = pytest.mark.skipif(nats_server() is None, reason="nats-server is not installed")

TARGETS = [Target(name=f"t{n}", url=f"https://h{n}.example/") for n in range(6)]
PARTITIONS = Partitions(TARGETS, 3)


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Brokers]:
    """One server for the module; each test has a stream of its own."""
    with Brokers(tmp_path_factory.mktemp("broker"), nodes=1) as found:
        yield found


@pytest.fixture
def bus(brokers: Brokers, request: pytest.FixtureRequest) -> BusSettings:
    """A stream named after the test."""
    name = f"s{crc32(request.node.name.encode())}"
    return BusSettings(urls=(brokers.url,), name=name, replicas=1, partitions=3, most_bytes=64 * 2**20)


def _with_broker(bus: BusSettings, scenario: Callable[[Broker], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_broker(bus, "test") as broker:
            await scenario(broker)

    asyncio.run(run())


def _shipment(first: int, targets: list[str]) -> Shipment:
    now = clock.wall()
    facts = [
        (first + place, NotMeasured(at=now, vantage="v", target=target, probe="http", reason="missed"))
        for place, target in enumerate(targets)
    ]
    return Shipment(vantage="v", received_at=now, facts=facts, settled_below=first)


def test_a_lease_has_one_holder_and_goes_on_when_that_one_is_gone(bus: BusSettings) -> None:
    """Who looks often enough without a renewal in between takes over; the old holder learns of it."""

    async def scenario(broker: Broker) -> None:
        one, other = Lease(broker, "alert", "one"), Lease(broker, "alert", "other")
        assert await one.is_free()
        assert await one.take()
        assert await one.renew(b"note")
        assert [await other.is_free() for _ in range(LOOKS)] == [False] * (LOOKS - 1) + [True]
        assert other.note == b"note"
        assert await other.take()
        assert not await one.renew(b"late")
        assert not one.held
        assert await other.renew(b"")
        await other.give_back(b"rest")
        assert await one.is_free()
        assert one.note == b"rest"

    _with_broker(bus, scenario)


def test_of_two_that_take_a_free_lease_one_gets_it(bus: BusSettings) -> None:
    """Both saw that it was free."""

    async def scenario(broker: Broker) -> None:
        leases = [Lease(broker, "feeds", f"p{n}") for n in range(4)]
        assert [await lease.is_free() for lease in leases] == [True] * 4
        assert sorted(await asyncio.gather(*(lease.take() for lease in leases))) == [False, False, False, True]

    _with_broker(bus, scenario)


def test_a_renewed_lease_is_not_taken_however_often_others_look(bus: BusSettings) -> None:
    """Each renewal counts anew."""

    async def scenario(broker: Broker) -> None:
        one, other = Lease(broker, "alert", "one"), Lease(broker, "alert", "other")
        await one.is_free()
        await one.take()
        for _ in range(2 * LOOKS):
            assert await one.renew(b"")
            assert not await other.is_free()

    _with_broker(bus, scenario)


async def _sent(broker: Broker, *shipments: Shipment) -> None:
    sender = Sender(broker, PARTITIONS, "door-1", "~crew", agents=True)
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    assert all(await asyncio.gather(*(sender.take(shipment) for shipment in shipments)))
    await sender.put([FeedState(at=clock.wall(), source="ris-live", live=True)])
    stop.set()
    await running


def test_what_is_acknowledged_is_in_the_stream_and_a_store_gets_it_once(bus: BusSettings) -> None:
    """Nothing comes again after its acknowledgement, and what was not acknowledged does."""

    async def scenario(broker: Broker) -> None:
        await _sent(broker, _shipment(1, ["t0", "t1", "t2"]), _shipment(100, ["t3", "control"]))
        reader = StoreReader(broker)
        found = await reader.fetch()
        crates = [unpack_crate(message.body) for message, _ in found]
        numbers = sorted(n for crate in crates for part in crate.shipments for n, _ in part.facts)
        assert numbers == [1, 2, 3, 100, 101]
        assert sum(len(crate.dispatches) for crate in crates) == 1
        assert (await progress(broker)).kept == 0
        await reader.acknowledge([handle for _, handle in found])
        assert await StoreReader(broker).fetch() == []
        reached = await progress(broker)
        assert reached.kept == reached.end > len(found)

    _with_broker(bus, scenario)


def test_a_partition_reads_its_own_in_order_and_goes_on_after_its_consumer_was_lost(bus: BusSettings) -> None:
    """Each message once, the mark behind what it speaks of."""

    async def scenario(broker: Broker) -> None:
        await _sent(broker, _shipment(1, ["t0", "t1", "t2", "t3", "t4", "t5", "control"]))
        for partition in PARTITIONS.used:
            reader = PartitionReader(broker, partition, 1)
            first = await reader.fetch()
            while first[-1].kind != "mark":  # nobody was told when it stood there
                first += await reader.fetch()
            for consumer in await broker.js.consumers_info(broker.stream):
                await broker.js.delete_consumer(broker.stream, consumer.name)
            await reader.close()
            await broker.publish(broker.subject(partition, "copy"), b"later", f"later {partition}")
            rest = await reader.fetch()
            places = [message.place for message in (*first, *rest)]
            assert "mark" not in [message.kind for message in first][:-1]
            assert places == sorted(set(places))
            assert [message.body for message in rest] == [b"later"]
            of_targets = {
                fact.target
                for message in first if message.kind != "mark"
                for part in unpack_crate(message.body).shipments
                for _, fact in part.facts
            }  # fmt: skip
            assert of_targets == {*PARTITIONS.members(partition), "control"}

    _with_broker(bus, scenario)


def test_a_partition_whose_stream_lost_its_end_reads_what_took_the_places(bus: BusSettings) -> None:
    """As after a power cut of all brokers: the places that it has read have other messages, and more follow."""

    async def scenario(broker: Broker) -> None:
        subject = broker.subject(0, "facts")
        for number in range(3):
            await broker.publish(subject, f"before {number}".encode(), f"b{number}")
        reader = PartitionReader(broker, 0, 1)
        assert [message.body for message in await reader.fetch()] == [b"before 0", b"before 1", b"before 2"]
        await broker.js.delete_stream(broker.stream)
        await broker.prepare()
        for number in range(5):
            await broker.publish(subject, f"after {number}".encode(), f"a{number}")
        await reader.close()
        assert [message.body for message in await reader.fetch()] == [f"after {n}".encode() for n in range(5)]

    _with_broker(bus, scenario)


def test_a_message_sent_again_with_its_id_stands_once(bus: BusSettings) -> None:
    """A sender that heard no answer cannot know."""

    async def scenario(broker: Broker) -> None:
        subject = broker.subject(0, "facts")
        places = {await broker.publish(subject, b"x", "a"), await broker.publish(subject, b"x", "a")}
        assert len(places) == 1
        assert (await broker.state()).state.messages == 1

    _with_broker(bus, scenario)


def test_a_full_stream_takes_nothing_more_and_drops_nothing(bus: BusSettings) -> None:
    """What stands there waits for the stores; agents keep the rest."""

    async def scenario(broker: Broker) -> None:
        subject, body = broker.subject(0, "facts"), bytes(200_000)
        kept = [await broker.publish(subject, body, f"n{number}") for number in range(4)]
        with pytest.raises(BusError, match="maximum bytes"):
            await broker.publish(subject, body, "one more")
        assert (await broker.state()).state.messages == len(kept)
        await trim(broker, before=kept[-1])
        await broker.publish(subject, body, "one more")

    _with_broker(replace(bus, most_bytes=1_000_000), scenario)


def test_a_restart_of_all_brokers_changes_the_epoch_and_keeps_the_stream(tmp_path: Path) -> None:
    """What was in memory is gone, as after a power cut; agents then send again."""

    async def word(bus: BusSettings) -> str:
        async with open_broker(bus, "test") as broker:
            epoch = Epoch(broker)
            await epoch.known()
            other = Epoch(broker)
            await other.known()
            assert epoch.word == other.word
            return epoch.word

    with Brokers(tmp_path, nodes=1) as brokers:
        bus = BusSettings(urls=(brokers.url,), replicas=1)

        async def scenario() -> None:
            before = await word(bus)
            assert await word(bus) == before
            async with open_broker(bus, "test") as broker:
                await broker.publish(broker.subject(0, "facts"), b"x", "a")
            brokers.kill(0)
            brokers.start(0)
            async with open_broker(bus, "test") as broker:
                assert (await broker.state()).state.messages == 1
            assert await word(bus) not in ("", before)

        asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_stands_still_is_left_with_much_unsaid(tmp_path: Path) -> None:
    """Within seconds, and not when it is back: all that a door takes in would be late by so much.

    The library itself leaves its next try at that broker half open when it gives up.
    """

    async def scenario(first: Brokers, second: Brokers, stack: ExitStack) -> None:
        urls = (first.settings.urls[0], second.settings.urls[0])
        async with connected(BusSettings(urls=urls, replicas=1), "test") as broker:
            heard = asyncio.Event()

            async def hear(body: bytes) -> None:
                heard.set()

            await broker.hear("where", hear)
            stack.enter_context(second)
            first.pause(0)
            for _ in range(100):
                await broker.say("much", bytes(100_000))
            async with asyncio.timeout(30):
                while not heard.is_set():
                    with suppress(BusError):
                        await broker.say("where", b"")
                    await asyncio.sleep(0.1)

    (tmp_path / "second").mkdir()
    second = Brokers(tmp_path / "second", nodes=1)
    with ExitStack() as stack:
        first = stack.enter_context(Brokers(tmp_path, nodes=1))
        asyncio.run(scenario(first, second, stack))


def test_doctor_says_what_is_missing(bus: BusSettings, brokers: Brokers) -> None:
    """No broker, no stream, no store, no owner; each with what to do."""
    text = f'[bus]\nurl = "{brokers.url}"\nname = "{bus.name}"\nreplicas = 1\n[[target]]\nurl = "https://a.example/"\n'
    config = parse_config(text + 'name = "a"\n')
    assert config.bus is not None
    away = replace(config.bus, urls=("nats://127.0.0.1:1",))
    (none,) = asyncio.run(look_at_bus(config, config.bus))

    async def looks() -> tuple[Sequence[Finding], Sequence[Finding]]:
        async with open_broker(bus, "test"):
            return await asyncio.gather(look_at_bus(config, bus), look_at_bus(config, away))

    found, (unreached,) = asyncio.run(looks())

    assert (none.state, unreached.state) == (State.WARNING, State.CRITICAL)
    assert unreached.text.startswith("no broker of nats://127.0.0.1:1 is reached: ConnectionRefusedError")
    assert [one.state for one in found] == [State.OK, State.OK, State.CRITICAL, State.CRITICAL]
    assert "no store asks" in found[2].text
    assert "partition-0" in found[3].text


def test_looking_makes_nothing(bus: BusSettings) -> None:
    """A doctor that made the stream would hide that nobody has."""

    async def scenario() -> None:
        assert await inspect(bus, ()) is None
        async with connected(bus, "test") as broker:
            with pytest.raises(BusError, match="stream not found"):
                await broker.state()

    asyncio.run(scenario())
