"""Whose addresses are is asked of a real name server, NSD, by the client that probes use; politely."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence

import pytest

from monitor.bgp.address_owners import AddressOwners
from monitor.bgp.ip_to_as import PrefixTable
from monitor.hub.origin_lookups import OriginLookups
from monitor.model.settings import Config, DnsSettings, PrefixToAsSettings
from monitor.model.target import Target
from probes import DnsObservation, HttpObservation, Observation, TraceObservation
from probes.dns import ask
from probes.observation import Hop, HopReply

ZONE = "origin.asn.test"
RECORDS = {
    "origin.asn.test.": (
        '0.113.0.203 14400 IN TXT "64500 64501 | 203.0.112.0/22 | NL | ripencc | 2010-07-14"\n'
        '0.100.51.198 60 IN TXT "64502 | 198.51.100.0/24 | US | arin | "\n'
    ),
    "origin6.asn.test.": "0." * 20 + '1.0.0.0.8.b.d.0.1.0.0.2 14400 IN TXT "64503 | 2001:db8::/32 | DE | x | "\n',
}
SOA = "@ 60 IN SOA ns. hostmaster. 1 3600 600 86400 60\n@ 60 IN NS ns.\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """NSD with the service's zones, as `DnsQuestion.server` takes it."""
    program = shutil.which("nsd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        pytest.skip("not installed: nsd")
    folder = tmp_path_factory.mktemp("nsd")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    lines = [
        "server:", f"  ip-address: 127.0.0.1@{port}", '  username: ""', '  chroot: ""', "  server-count: 1",
        f'  zonesdir: "{folder}"', f'  xfrdir: "{folder}"', '  database: ""', "  rrl-ratelimit: 0",
        *(f'  {key}: "{folder}/{key}"' for key in ("pidfile", "xfrdfile", "zonelistfile")),
        "remote-control:", "  control-enable: no",
    ]  # fmt: skip
    for zone, text in RECORDS.items():
        file = folder / f"{zone}zone"
        file.write_text(f"$ORIGIN {zone}\n{SOA}{text}", encoding="ascii")
        lines += ["zone:", f'  name: "{zone}"', f'  zonefile: "{file}"']
    config = folder / "nsd.conf"
    config.write_text("\n".join(lines) + "\n", encoding="ascii")
    with subprocess.Popen([program, "-d", "-V", "2", "-c", config], stderr=subprocess.PIPE, text=True) as nsd:
        try:
            assert nsd.stderr is not None
            said = next((line for line in nsd.stderr if "nsd started" in line), None)
            assert said is not None
            yield f"127.0.0.1:{port}"
        finally:
            nsd.terminate()


def trace(*hops: str) -> TraceObservation:
    """A traceroute by way of these routers."""
    return TraceObservation(
        at=1.0, vantage="v", target="shop", address="203.0.113.10", reached=True, elapsed_s=0.1,
        hops=tuple(
            Hop(ttl=ttl, address=address, rtt_s=0.01, reply=HopReply.TIME_EXCEEDED)
            for ttl, address in enumerate(hops, 1)
        ),
    )  # fmt: skip


class Asked:
    """The lookups over the real client, what they asked, and what came of it."""

    def __init__(self, servers: Sequence[str], table: PrefixTable | None = None) -> None:
        self.now = 1000.0
        self.facts: list[Observation] = []
        self._more = asyncio.Condition()
        self.questions: list[tuple[str, str]] = []
        self.lookups = OriginLookups(self._ask, self._take, now=lambda: self.now, gap_s=0.0)
        config = Config(
            vantage="v",
            targets=(Target(name="shop", url="https://shop.example/"),),
            dns=DnsSettings(resolvers=tuple(servers)),
            prefix_to_as=PrefixToAsSettings(dns=ZONE),
        )
        self.lookups.configure(config, table)

    async def _ask(self, question, *, vantage, target) -> DnsObservation:
        self.questions.append((question.server, question.name))
        seen = await ask(question, vantage=vantage, target=target)
        return DnsObservation(
            **{field: getattr(seen, field) for field in seen.__struct_fields__} | {"at": self.now}
        )

    async def _take(self, facts: Sequence[Observation]) -> None:
        self.lookups.learn(facts)
        async with self._more:
            self.facts += facts
            self._more.notify_all()

    async def after(self, *seen: Observation, answers: int) -> AddressOwners:
        """Let these be observed, wait for so many answers; what is known of addresses then."""
        self.lookups.learn(seen)
        running = asyncio.create_task(self.lookups.run())
        async with asyncio.timeout(10), self._more:
            await self._more.wait_for(lambda: len(self.facts) >= answers)
        running.cancel()
        owners = AddressOwners(None, ZONE)
        for fact in self.facts:
            assert isinstance(fact, DnsObservation)
            owners.take(fact)
        return owners


def test_hops_and_targets_are_asked_about_once(server: str) -> None:
    """Each /24 or /48 one question, whatever the number of its routers; internal hops none; all become facts."""
    asked = Asked([server])
    seen = trace("10.0.0.1", "198.51.100.1", "198.51.100.2", "2001:db8:1::1", "192.0.2.77")
    owners = asyncio.run(asked.after(seen, seen, answers=4))

    assert sorted(name for _, name in asked.questions) == sorted(
        [
            "0.113.0.203.origin.asn.test",
            "0.100.51.198.origin.asn.test",
            "0." * 20 + "1.0.0.0.8.b.d.0.1.0.0.2.origin6.asn.test",
            "0.2.0.192.origin.asn.test",
        ]
    )
    assert owners.lookup_prefix("203.0.113.10") is not None
    assert [owners.lookup(a) for a in ("203.0.113.10", "198.51.100.2", "2001:db8:1::9", "192.0.2.77")] == [
        {64500, 64501}, {64502}, {64503}, None,
    ]  # fmt: skip
    assert {fact.target for fact in asked.facts} == {"prefix_to_as"}


def test_an_answer_is_good_for_an_hour_to_four(server: str) -> None:
    """By its TTL; the one of a minute's TTL is asked for again after an hour, not at each traceroute."""
    asked = Asked([server])

    async def scenario() -> list[int]:
        counts = []
        await asked.after(trace("198.51.100.1"), answers=2)
        for later_s, answers in ((3500.0, 2), (3700.0, 3), (15_000.0, 5)):
            asked.now = 1000.0 + later_s
            await asked.after(trace("198.51.100.1"), answers=answers)
            counts.append(len(asked.questions))
        return counts

    assert asyncio.run(scenario()) == [2, 3, 5]


def test_a_second_resolver_is_asked_where_the_first_does_not_answer(server: str) -> None:
    """A closed port says so at once; what is kept is the answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{closed.getsockname()[1]}"
    asked = Asked([dead, server])
    asyncio.run(asked.after(trace("198.51.100.1"), answers=2))

    assert sorted({server for server, _ in asked.questions}) == sorted([dead, server])
    assert [fact.failure for fact in asked.facts] == [None, None]


def test_where_nobody_answers_the_question_waits_a_quarter_of_an_hour() -> None:
    """The failure is a fact too: traces that waited for it go on, and nobody is asked again with each of them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{closed.getsockname()[1]}"
    asked = Asked([dead])

    async def scenario() -> list[int]:
        counts = []
        for later_s, answers in ((0.0, 2), (800.0, 2), (1000.0, 4)):
            asked.now = 1000.0 + later_s
            await asked.after(trace("198.51.100.1"), answers=answers)
            counts.append(len(asked.questions))
        return counts

    assert asyncio.run(scenario()) == [2, 2, 4]
    assert all(fact.failure is not None for fact in asked.facts if isinstance(fact, DnsObservation))


def test_what_the_table_maps_and_other_targets_are_not_asked_about(server: str) -> None:
    """The table is the better way; a control's way is of no interest."""
    asked = Asked([server], PrefixTable.parse(["203.0.113.0/24 64500"]))
    control = HttpObservation(at=1.0, vantage="v", target="control", address="198.51.100.7")
    asyncio.run(asked.after(control, trace("203.0.113.1", "192.0.2.9"), answers=1))

    assert asked.questions == [(server, "0.2.0.192.origin.asn.test")]


def test_without_a_zone_nobody_is_asked() -> None:
    """It would tell a stranger what is watched."""
    asked = Asked(["127.0.0.1:1"])
    asked.lookups.configure(Config(vantage="v", targets=(Target(name="shop", url="https://shop.example/"),)), None)
    asyncio.run(asked.after(trace("198.51.100.1"), answers=0))

    assert asked.questions == []
