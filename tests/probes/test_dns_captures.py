"""Real DNS packets, several malformed on purpose, through the reader of replies.

The captures are tcpdump's own regression files, read where they are kept beside the repository.
"""

import dns.exception
import dns.flags
import dns.message
import pytest

from probes.dns.answer import read_answer
from probes.failure_word import Failure


def messages(path):
    """The DNS messages of a capture, as bytes in their order."""
    from scapy.layers.inet import TCP, UDP
    from scapy.utils import rdpcap

    found = []
    for packet in rdpcap(str(path)):
        if packet.haslayer(UDP):
            found.append(bytes(packet[UDP].payload))
        elif packet.haslayer(TCP) and len(packet[TCP].payload) > 2:
            found.append(bytes(packet[TCP].payload)[2:])  # a length goes before each message (RFC 7766 section 8)
    return found


def replies(path):
    """The answers to those of them that are replies; messages that cannot be read are left out."""
    for wire in messages(path):
        try:
            message = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            continue
        if message.flags & dns.flags.QR and isinstance(message, dns.message.QueryMessage):
            yield read_answer(message, "recursive")


@pytest.mark.parametrize("name", ["dns_udp.pcap", "dns_tcp.pcap", "dnssec.pcap", "edns-opts.pcap"])
def test_captured_replies_are_read(shared_data, name):
    """Each has records, or says in a word why not."""
    answers = list(replies(shared_data / "pcap" / name))

    assert all(bool(answer.records or answer.cnames) or answer.failed for answer in answers)
    assert all(answer.rcode for answer in answers)
    assert answers


def test_compression_that_points_at_itself_is_malformed(shared_data, dns_ask):
    """`dns-zlip-1`: a name whose pointer leads back to it (RFC 1035 section 4.1.4) ends in a word at once."""
    wire = messages(shared_data / "pcap" / "dns-zlip-1.pcap")[0]
    seen, _ = dns_ask(lambda query, transport: [query.to_wire()[:2] + wire[2:]])

    assert seen.failure is Failure.DNS_MALFORMED
    assert seen.elapsed_s < 2
