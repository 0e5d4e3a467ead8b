"""Which reply belongs to which probe of which trace."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.traceroute.flow import FIRST_SOURCE_PORT, Flow, Marks, Quoted, flow_number, ident_of

MARKS = Marks(base=1000, cookie=0xBEEF)


def quoted(mark: int | None, *, cookie: int | None = None, ip_id: int | None = None) -> Quoted:
    """What a reply quotes of a TCP probe."""
    return Quoted(4, "tcp", "203.0.113.10", 61441, 443, mark, cookie, ip_id)


@given(index=st.integers(0, 1023), marks=st.builds(Marks))
@settings(max_examples=100, derandomize=True)
def test_a_mark_gives_its_index_back(index: int, marks: Marks) -> None:
    """For every trace and probe, and the mark is neither of the two values that checksums cannot show."""
    mark = marks.mark(index)

    assert 0 < mark < 0xFFFF
    assert marks.index(quoted(mark, cookie=marks.cookie), sent=1024) == index


def test_a_reply_to_an_earlier_trace_of_the_flow_is_none_of_ours() -> None:
    """Marks outside of those that were sent, and a foreign cookie, name no probe."""
    assert MARKS.index(quoted(999, cookie=0xBEEF), sent=5) is None
    assert MARKS.index(quoted(1005, cookie=0xBEEF), sent=5) is None
    assert MARKS.index(quoted(1004, cookie=0xDEAD), sent=5) is None
    assert MARKS.index(quoted(None), sent=5) is None


def test_the_identification_helps_where_a_firewall_rewrote_the_sequence() -> None:
    """The quoted sequence number is not ours, the IPv4 identification is."""
    assert MARKS.index(quoted(0x7777, cookie=0x1111, ip_id=1003), sent=5) == 3


def test_more_probes_than_a_trace_may_have_are_refused() -> None:
    """The mark must not run out of its 16 bits."""
    with pytest.raises(ValueError, match="at most 1024"):
        MARKS.mark(1024)


def test_replies_are_sorted_by_the_flow_they_quote() -> None:
    """A quotation has its flow's key; another port is another flow; an echo's address does not matter."""
    tcp = Flow(1, 4, "tcp", "198.18.1.2", "203.0.113.10", 61441, 443)
    echo = Flow(1, 4, "icmp", "198.18.1.2", "203.0.113.10", 77, None)

    assert quoted(1).key == tcp.key
    assert Quoted(4, "tcp", "203.0.113.10", 61442, 443, 1).key != tcp.key
    assert Quoted(4, "icmp", "203.0.113.99", 77, None, 1).key == echo.key


def test_a_flow_is_the_same_every_time_and_outside_of_ephemeral_ports() -> None:
    """Paths of two days can be compared, and no connection of this host has the same ports."""
    number = flow_number("203.0.113.10")

    assert number == flow_number("203.0.113.10")
    for flow in (0, number, 65535):
        assert FIRST_SOURCE_PORT <= ident_of("tcp", flow, "203.0.113.10") <= 0xFFFF
        assert 0 < ident_of("icmp", flow, "203.0.113.10") <= 0xFFFF
    assert ident_of("icmp", 1, "203.0.113.10") != ident_of("icmp", 1, "203.0.113.11")
