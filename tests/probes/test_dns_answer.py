"""Reading replies: any message gives an answer, and any bytes give a message or dnspython's own error."""

import dns.exception
import dns.message
import dns.rrset
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.dns.answer import read_answer

QUERY = dns.message.make_query("checkin.example", "A", id=7)
REPLY = dns.message.make_response(QUERY)
REPLY.answer.append(dns.rrset.from_text("checkin.example.", 60, "IN", "CNAME", "edge.example."))
# Two sets of one record each: dnspython shuffles the records of a set when it writes them.
REPLY.answer.append(dns.rrset.from_text("edge.example.", 60, "IN", "A", "203.0.113.11"))
REPLY.answer.append(dns.rrset.from_text("edge.example.", 60, "IN", "A", "203.0.113.10"))
WIRE = REPLY.to_wire()


def read(wire):
    """The answer in `wire`; None where it is no message."""
    try:
        message = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None
    return read_answer(message, "recursive")


def test_records_keep_the_servers_order():
    """The first is the one that a client would take."""
    answer = read(WIRE)

    assert answer.records == ("203.0.113.11", "203.0.113.10")
    assert answer.failed is None


@given(st.lists(st.tuples(st.integers(0, len(WIRE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
@settings(derandomize=True, max_examples=400, deadline=None)
def test_damaged_reply_gives_an_answer_or_is_no_message(changes):
    """Whatever bytes change, nothing but a value comes out, and all text in it can be shown."""
    damaged = bytearray(WIRE)
    for position, value in changes:
        damaged[position] = value
    answer = read(bytes(damaged))

    assert answer is None or answer.failed is not None or answer.records
    if answer is not None:
        texts = (*answer.records, *answer.cnames, answer.rcode, answer.failed.text if answer.failed else "-")
        assert all(text.isascii() and text.isprintable() for text in texts)
