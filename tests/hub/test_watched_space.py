"""Which address space the feeds are asked for, as observations come."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.bgp.ip_to_as import PrefixTable
from monitor.diagnose.fact import Fact
from monitor.hub.feeds import Feeds
from monitor.model.settings import Config
from monitor.model.target import Target, mail_target
from probes import DnsObservation, Hop, Observation, TraceObservation

SHOP = Target(name="shop", url="https://shop.example/", mail="shop.example")
TABLE = PrefixTable.parse(["203.0.112.0/22 64500", "198.51.100.0/24 64501"])


def watched(*seen: Observation, table: PrefixTable | None = TABLE) -> list[str]:
    """What the feeds are asked for after these observations."""

    async def sink(_: Sequence[Fact]) -> None:
        return

    feeds = Feeds(sink)
    feeds.configure(Config(vantage="v", targets=(SHOP,)), table)
    feeds.learn(seen)
    return [str(prefix) for prefix in feeds.watched]


def answer(role: str, target: str = "shop") -> DnsObservation:
    """A name server's answer."""
    return DnsObservation(
        at=1.0, vantage="v", target=target, server="192.0.2.53", role=role, name="shop.example", rrtype="A",
        answers=("203.0.113.10",),
    )  # fmt: skip


TRACE = TraceObservation(
    at=1.0, vantage="v", target="shop", address="203.0.113.10", reached=True,
    hops=(Hop(ttl=1, address="10.0.0.1"), Hop(ttl=2), Hop(ttl=3, address="198.51.100.7")),
)  # fmt: skip


def test_zones_own_servers_are_watched_and_resolvers_are_not() -> None:
    """Who takes a name server's space answers for the name."""
    assert watched(answer("authoritative")) == ["192.0.2.0/24", "203.0.112.0/22"]
    assert watched(answer("recursive")) == ["203.0.112.0/22"]


def test_routers_that_the_table_knows_are_watched() -> None:
    """Not the ones at home, and none without a table, which would be private addresses as often as not."""
    assert watched(TRACE) == ["198.51.100.0/24"]
    assert watched(TRACE, table=None) == []


def test_mail_hosts_of_a_target_are_watched() -> None:
    """Those of a target that has none configured are not."""
    assert watched(answer("recursive", target=mail_target("shop"))) == ["203.0.112.0/22"]
    assert watched(answer("recursive", target=mail_target("other"))) == []


def test_controls_are_not_watched() -> None:
    """Their routes are nobody's business here."""
    assert watched(answer("authoritative", target="control")) == []
