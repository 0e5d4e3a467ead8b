"""Whom to ask of a zone is found now and then, remembered, and not forgotten for a search in vain."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from monitor.agent.zone_servers import KEPT_S, MOST_ASKED, MOST_NAMES, NOT_FOUND_KEPT_S, ZoneServers, asked_servers


class _Root:
    """Knows the servers of each zone for as long as it is `reachable`; counts how often it is asked."""

    def __init__(self) -> None:
        self.reachable = True
        self.asked: list[str] = []
        self.now = 0.0
        self.servers = ZoneServers(self.search, monotonic=lambda: self.now)

    async def search(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        if not self.reachable:
            raise OSError("no route to the root")
        return ["10.0.0.1", "10.0.0.2"]

    def of(self, name: str) -> tuple[str, ...]:
        return asyncio.run(self.servers.of(name, 5.0))


def test_a_zone_is_searched_again_when_what_is_known_has_aged() -> None:
    """Not with every question."""
    root = _Root()
    found = []
    for root.now in (0.0, KEPT_S - 1, KEPT_S):
        found.append(root.of("shop.example."))

    assert found == [("10.0.0.1", "10.0.0.2")] * 3
    assert len(root.asked) == 2


def test_servers_known_from_before_are_asked_while_nobody_can_say() -> None:
    """And the search is not repeated with every question either."""
    root = _Root()
    root.of("shop.example.")
    root.reachable = False
    for root.now in (KEPT_S, KEPT_S + NOT_FOUND_KEPT_S - 1, KEPT_S + NOT_FOUND_KEPT_S):
        assert root.of("shop.example.") == ("10.0.0.1", "10.0.0.2")

    assert len(root.asked) == 3


def test_a_zone_never_found_has_none() -> None:
    """Nor does a search that takes too long."""
    root = _Root()
    root.reachable = False

    assert root.of("shop.example.") == ()

    async def endless(name: str) -> Sequence[str]:
        return await asyncio.Future()

    assert asyncio.run(ZoneServers(endless, monotonic=lambda: 0.0).of("shop.example.", 0.0)) == ()


def test_names_without_end_cost_bounded_memory() -> None:
    """The newest are remembered, the oldest is searched again."""
    root = _Root()

    async def many() -> None:
        for number in (*range(MOST_NAMES + 1), MOST_NAMES, 0):
            await root.servers.of(f"mx{number}.example.", 5.0)

    asyncio.run(many())

    assert root.asked[MOST_NAMES + 1 :] == ["mx0.example."]


@pytest.mark.parametrize("four", [["10.0.0.1"], [f"10.0.0.{number}" for number in range(1, 7)]])
def test_ipv4_servers_are_asked_where_there_are_any(four: list[str]) -> None:
    """Else IPv6 ones; never more than a few."""
    assert asked_servers(["2001:db8::1", *four]) == tuple(four[:MOST_ASKED])
    assert asked_servers(["2001:db8::1"]) == ("2001:db8::1",)
