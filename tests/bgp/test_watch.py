"""Which route events matter."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.watch import Watch
from monitor.model import covers, parse_address, parse_prefix


@pytest.mark.parametrize(
    ("event", "matters"),
    [
        ("203.0.113.0/24", True),
        ("203.0.113.128/25", True),
        ("203.0.112.0/22", True),
        ("0.0.0.0/0", True),
        ("203.0.112.0/24", False),
        ("203.0.114.0/23", False),
        ("2001:db8::/32", False),
    ],
)
def test_equal_inside_and_covering_events_matter(event, matters):
    """Neighbours and the other family do not."""
    assert Watch([parse_prefix("203.0.113.0/24")]).covers_event(parse_prefix(event)) is matters


def test_watching_nothing_matters_never():
    """Not even a default route."""
    assert not Watch().covers_event(parse_prefix("0.0.0.0/0"))


def test_address_is_learned_with_the_prefix_of_the_table_or_around_it():
    """A prefix as wide as a carrier is not taken: it would bring the churn of all its customers."""
    table = PrefixTable.parse(["203.0.112.0/22 64500", "11.0.0.0/8 64501", "2001:db8::/32 64502"])
    watch = Watch(table=table)
    addresses = ["203.0.113.9", "11.1.2.3", "198.51.100.7", "2001:db8:7::1", "2001:beef::1"]

    assert [watch.add_address(parse_address(text)) for text in addresses] == [True] * 5
    assert [str(prefix) for prefix in watch.prefixes()] == [
        "11.1.2.0/24",
        "198.51.100.0/24",
        "203.0.112.0/22",
        "2001:db8::/32",
        "2001:beef::/48",
    ]
    assert not watch.add_address(parse_address("203.0.115.1"))
    assert not watch.add_prefix(parse_prefix("203.0.112.0/22"))


def test_learning_is_bounded():
    """A name server that answers with ever new addresses does not subscribe us to everything."""
    watch = Watch(max_learned=2)
    for number in range(4):
        watch.add_address(parse_address(f"198.51.{number}.1"))

    assert (len(watch.prefixes()), watch.refused) == (2, 2)


def test_subscriptions_leave_out_what_another_includes():
    """More and less specifics of the wider one are all that concerns the narrower."""
    watch = Watch(map(parse_prefix, ["203.0.112.0/22", "203.0.113.0/24", "198.51.100.0/24", "2001:db8::/32"]))

    assert [str(p) for p in watch.subscriptions()] == ["198.51.100.0/24", "203.0.112.0/22", "2001:db8::/32"]


NETWORKS = st.tuples(st.integers(0, 255), st.integers(0, 8)).map(
    lambda t: ipaddress.IPv4Network((t[0] << 24, t[1]), strict=False)
)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(NETWORKS, max_size=5), NETWORKS)
def test_watch_agrees_with_the_definition(watched, event):
    """And so do the subscriptions, which may leave nothing out."""
    watch = Watch(watched)
    expected = any(covers(prefix, event) or covers(event, prefix) for prefix in watched)

    assert watch.covers_event(event) is expected
    assert any(covers(p, event) or covers(event, p) for p in watch.subscriptions()) is expected
