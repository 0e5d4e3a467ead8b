"""Which address families are probed, from what rounds have shown."""

from __future__ import annotations

from monitor.agent.families import ASK_AGAIN_S, LOOK_AGAIN_S, Families
from probes import Failure, HttpObservation

NOW = 1_700_000_000.0


def _seen(failure: Failure | None = None, address: str | None = None) -> HttpObservation:
    return HttpObservation(at=NOW, vantage="v", target="shop", failure=failure, address=address)


def _routed(address: str) -> bool:
    """A vantage with routes to everywhere."""
    return True


def _only_ipv6(address: str) -> bool:
    """One without IPv4, as small servers are sold."""
    return ":" in address


WORKS = _seen(address="203.0.113.10")


def test_a_name_is_asked_for_in_both_families_at_first() -> None:
    """Nothing is known of a new target."""
    assert Families("shop.example", _routed).due(NOW) == (4, 6)


def test_an_address_literal_has_one_family() -> None:
    """`http://[2001:db8::1]/` is never probed over IPv4."""
    assert Families("2001:db8::1", _routed).due(NOW) == (6,)
    assert Families("203.0.113.10", _routed).due(NOW) == (4,)


def test_a_name_without_aaaa_is_left_alone_for_a_while() -> None:
    """Its missing IPv6 address is no observation of the target, and is looked for again later."""
    families = Families("shop.example", _routed)
    kept = families.keep({4: [WORKS], 6: [_seen(Failure.DNS_NO_ANSWER)]}, NOW)

    assert kept == [WORKS]
    assert families.due(NOW + ASK_AGAIN_S - 1) == (4,)
    assert families.due(NOW + ASK_AGAIN_S) == (4, 6)


def test_a_vantage_without_ipv6_probes_only_ipv4() -> None:
    """`network_unreachable` over IPv6 from the start is the vantage's lack."""
    families = Families("shop.example", _routed)
    unreachable = _seen(Failure.NETWORK_UNREACHABLE, "2001:db8::10")

    assert families.keep({4: [WORKS], 6: [unreachable]}, NOW) == [WORKS]
    assert families.due(NOW + 30) == (4,)


def test_ipv6_that_worked_and_stops_working_is_news() -> None:
    """A near-miss: the same failure after a success is kept."""
    families = Families("shop.example", _routed)
    families.keep({4: [WORKS], 6: [_seen(address="2001:db8::10")]}, NOW)
    lost = _seen(Failure.NETWORK_UNREACHABLE, "2001:db8::10")

    assert families.keep({4: [WORKS], 6: [lost]}, NOW + 30) == [WORKS, lost]
    assert families.due(NOW + 60) == (4, 6)


def test_a_refused_ipv6_connection_is_the_targets_failure() -> None:
    """A near-miss: an AAAA record whose host refuses is broken for its users too."""
    families = Families("shop.example", _routed)
    refused = _seen(Failure.CONNECTION_REFUSED, "2001:db8::10")

    assert families.keep({4: [WORKS], 6: [refused]}, NOW) == [WORKS, refused]


def test_a_name_that_does_not_exist_gives_one_observation() -> None:
    """Both families say NXDOMAIN; once is enough, and it is not lost."""
    families = Families("gone.example", _routed)
    missing = _seen(Failure.DNS_NXDOMAIN)

    assert families.keep({4: [missing], 6: [missing]}, NOW) == [missing]
    assert families.keep({4: [missing]}, NOW + 30) == [missing]


def test_without_any_network_the_observation_that_came_furthest_is_kept() -> None:
    """An IPv6-only name at a vantage without IPv6 fails for want of a network, not of a record."""
    unreachable = _seen(Failure.NETWORK_UNREACHABLE, "2001:db8::10")
    kept = Families("six.example", _routed).keep({4: [_seen(Failure.DNS_NO_ANSWER)], 6: [unreachable]}, NOW)

    assert kept == [unreachable]


def test_a_name_that_vanishes_after_having_worked_keeps_both_failures() -> None:
    """Then each family's failure is evidence."""
    families = Families("shop.example", _routed)
    families.keep({4: [WORKS], 6: [_seen(address="2001:db8::10")]}, NOW)
    gone = _seen(Failure.DNS_NXDOMAIN)

    assert families.keep({4: [gone], 6: [gone]}, NOW + 30) == [gone, gone]


def test_one_reachable_ipv6_address_of_several_shows_that_the_vantage_has_ipv6() -> None:
    """Then the unreachable one is news, and both are kept."""
    families = Families("shop.example", _routed)
    unreachable = _seen(Failure.NETWORK_UNREACHABLE, "2001:db8::10")
    reachable = _seen(address="2001:db8::11")

    assert families.keep({4: [WORKS], 6: [unreachable, reachable]}, NOW) == [WORKS, unreachable, reachable]
    assert families.due(NOW + 30) == (4, 6)


def test_several_unreachable_ipv6_addresses_are_the_vantages_lack() -> None:
    """As with one."""
    families = Families("shop.example", _routed)
    unreachable = [_seen(Failure.NETWORK_UNREACHABLE, f"2001:db8::{n}") for n in (10, 11)]

    assert families.keep({4: [WORKS, WORKS], 6: unreachable}, NOW) == [WORKS, WORKS]
    assert families.due(NOW + 30) == (4,)


def test_a_vantage_without_ipv4_probes_only_ipv6() -> None:
    """Its kernel has no route to the A record; an IPv4 failure in each round would blame the vantage for ever."""
    families = Families("shop.example", _only_ipv6)
    unreachable = _seen(Failure.NETWORK_UNREACHABLE, "203.0.113.10")
    works = _seen(address="2001:db8::10")

    assert families.keep({4: [unreachable], 6: [works]}, NOW) == [works]
    assert families.due(NOW + LOOK_AGAIN_S - 1) == (6,)
    assert families.due(NOW + LOOK_AGAIN_S) == (4, 6)


def test_a_kernel_without_ipv6_is_the_vantages_lack() -> None:
    """Booted without it, no socket of the family is had: that is a fault of the machine, in every round."""
    families = Families("shop.example", lambda address: ":" not in address)
    no_socket = _seen(Failure.MONITOR_FAULT, "2001:db8::10")

    assert families.keep({4: [WORKS], 6: [no_socket]}, NOW) == [WORKS]


def test_an_ipv4_prefix_that_a_router_calls_unreachable_is_news() -> None:
    """A near-miss: this machine has a route, and whoever withdrew the prefix has not. Also right after a start."""
    families = Families("shop.example", _routed)
    withdrawn = _seen(Failure.NETWORK_UNREACHABLE, "203.0.113.10")
    works = _seen(address="2001:db8::10")

    assert families.keep({4: [withdrawn], 6: [works]}, NOW) == [withdrawn, works]


def test_a_route_that_is_lost_after_having_worked_is_news() -> None:
    """A near-miss: the vantage had IPv4, and its failure has to be told, as the vantage's or the target's."""
    families = Families("shop.example", _only_ipv6)
    works = _seen(address="2001:db8::10")
    families.keep({4: [WORKS], 6: [works]}, NOW)
    lost = _seen(Failure.NETWORK_UNREACHABLE, "203.0.113.10")

    assert families.keep({4: [lost], 6: [works]}, NOW + 30) == [lost, works]


def test_a_vantage_that_has_ipv4_later_is_probed_over_it() -> None:
    """It was started before its link was up."""
    families = Families("shop.example", _only_ipv6)
    works = _seen(address="2001:db8::10")
    families.keep({4: [_seen(Failure.NETWORK_UNREACHABLE, "203.0.113.10")], 6: [works]}, NOW)

    assert families.keep({4: [WORKS], 6: [works]}, NOW + LOOK_AGAIN_S) == [WORKS, works]
    assert families.due(NOW + LOOK_AGAIN_S + 1) == (4, 6)
