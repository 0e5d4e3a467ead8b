"""What middleboxes changed of a probe, read from quotations that scapy writes, and from a real router's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6TimeExceeded, IPv6

from probes.observation import HopReply, Rewritten
from probes.traceroute.flow import Flow
from probes.traceroute.packets import Template, build
from probes.traceroute.replies import Reply, read_icmp4, read_icmp6
from probes.traceroute.request import Method
from probes.traceroute.rewriting import rewriting

MARK, COOKIE = 0x1234, 0xBEEF
LAYERS: dict[str, Any] = {"tcp": TCP, "udp": UDP, "icmp": ICMP}


def template(family: int, method: Method) -> Template:
    """The template of a flow from us to the target."""
    ours, target = ("198.18.1.2", "203.0.113.10") if family == 4 else ("2001:db8:1::2", "2001:db8:3::2")
    port = None if method == "icmp" else 443
    return build(Flow(7, family, method, ours, target, 61447, port))


def quoted(packet: Any) -> Reply:
    """A router's "time exceeded" about `packet`, its checksums as a translator leaves them: right again."""
    if isinstance(packet, IPv6):
        reply = read_icmp6(bytes(ICMPv6TimeExceeded() / bytes(packet)), "2001:db8:1::1")
    else:
        reply = read_icmp4(bytes(IP(src="198.18.1.1", dst="198.18.1.2") / ICMP(type=11) / bytes(packet)))
    assert reply is not None
    return reply


def sent(one: Template) -> Any:
    """The probe as scapy reads it."""
    octets = one.patch(1, MARK, COOKIE)
    return IP(octets) if one.flow.family == 4 else IPv6(octets)


@pytest.mark.parametrize("method", ["tcp", "udp", "icmp"])
@pytest.mark.parametrize("family", [4, 6])
def test_probe_that_came_as_it_left_is_not_rewritten(family: int, method: Method) -> None:
    """Quoted whole, all fields are as they were sent, the checksum too."""
    one = template(family, method)

    assert rewriting(one, quoted(sent(one)), MARK, COOKIE) == ()


@pytest.mark.parametrize("method", ["tcp", "udp"])
def test_translated_fields_are_named(method: Method) -> None:
    """A translator of addresses and ports; the checksum is right for the packet that it made, so another one."""
    one = template(4, method)
    packet = sent(one)
    packet.src, packet.dst, packet.sport, packet.dport = "192.0.2.1", "10.0.0.5", 1024, 8443
    del packet[LAYERS[method]].chksum

    assert rewriting(one, quoted(packet), MARK, COOKIE) == tuple(Rewritten)


def test_identifier_of_an_echo_is_its_port() -> None:
    """Translators give echo requests another identifier, as they give others another port."""
    one = template(6, "icmp")
    packet = sent(one)
    packet[ICMPv6EchoRequest].id = 99
    del packet[ICMPv6EchoRequest].cksum

    assert rewriting(one, quoted(packet), MARK, COOKIE) == (Rewritten.SOURCE_PORT, Rewritten.CHECKSUM)


def test_other_size_of_segments_shows_in_the_checksum_alone() -> None:
    """MSS clamping changes an option that is not compared."""
    one = template(4, "tcp")
    packet = sent(one)
    packet[TCP].options = [("MSS", 1452)]
    del packet[TCP].chksum

    assert rewriting(one, quoted(packet), MARK, COOKIE) == (Rewritten.CHECKSUM,)


def test_what_is_not_quoted_is_not_compared() -> None:
    """Eight octets of TCP end before its checksum; a UDP checksum of 0 was not kept; a RST quotes nothing."""
    tcp, udp = template(4, "tcp"), template(4, "udp")
    short = read_icmp4(bytes(IP(dst="198.18.1.2") / ICMP(type=11) / bytes(sent(tcp))[:28]))
    unkept = sent(udp)
    unkept[UDP].chksum = 0
    reset = Reply("203.0.113.10", HopReply.RST, quoted(sent(tcp)).quoted)

    assert short is not None
    assert rewriting(tcp, short, MARK, COOKIE) == ()
    assert rewriting(udp, quoted(unkept), MARK, COOKIE) == ()
    assert rewriting(tcp, reset, MARK, COOKIE) is None


@settings(max_examples=100, derandomize=True)
@given(
    st.sampled_from([4, 6]), st.sampled_from(["tcp", "udp", "icmp"]), st.integers(1, 65534), st.integers(0, 65535)
)
def test_checksum_of_every_probe_is_known(family: int, method: Method, mark: int, cookie: int) -> None:
    """Whatever the marks are, the probe quoted as it was sent is told from none."""
    one = template(family, method)
    packet = one.patch(3, mark, cookie)

    assert rewriting(one, quoted(IP(packet) if family == 4 else IPv6(packet)), mark, cookie) == ()


@contextmanager
def stateless_translator(chain: Any, node: str, rules: list[str]) -> Iterator[None]:
    """A router that rewrites addresses and, knowing no connections, never undoes it in quotations."""
    table = "table ip wd_rewrite { chain rewrite { type filter hook prerouting priority -300; " + "; ".join(rules)
    subprocess.run(chain.command(node, "nft", table + "; }\n}"), check=True, timeout=10)
    try:
        yield
    finally:
        subprocess.run(chain.command(node, "nft", "delete table ip wd_rewrite"), check=True, timeout=10)


@pytest.mark.netns
def test_translator_on_the_way_is_noticed(chain: Any, root_vantage: Any) -> None:
    """Behind r1, which sends what is for 198.18.60.1 to the server, r2 quotes another destination and checksum."""
    if shutil.which("nft") is None:
        pytest.skip("the translator needs nft")
    there = "ip daddr 198.18.60.1 ip daddr set 198.18.3.2"
    back = "ip saddr 198.18.3.2 tcp sport 443 ip saddr set 198.18.60.1"
    subprocess.run(
        chain.command("client", "ip", "route", "add", "198.18.60.0/24", "via", "198.18.1.1"), check=True
    )
    with stateless_translator(chain, "r1", [there, back]):
        seen = root_vantage.trace(address="198.18.60.1", method="tcp", port=443, timeout_s=5)
    first, second, last = seen.hops

    assert seen.reached
    assert (first.rewritten, first.quoted_destination) == (
        (Rewritten.DESTINATION, Rewritten.CHECKSUM), "198.18.3.2"
    )  # Linux translates before it counts down the TTL  # fmt: skip
    assert second.rewritten == (Rewritten.DESTINATION, Rewritten.CHECKSUM)
    assert second.quoted_destination == "198.18.3.2"
    assert last.rewritten is None
    assert (first.reply_ttl, second.reply_ttl) == (64, 63)


@pytest.mark.netns
@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("mode", ["raw", "unprivileged"])
def test_answers_come_with_the_ttl_that_is_left(root_vantage: Any, family: int, mode: str) -> None:
    """Each router starts at 64 and is one hop further away; only raw sockets see what was quoted."""
    address = "198.18.3.2" if family == 4 else "2001:db8:3::2"
    seen = root_vantage.trace(address=address, method="icmp", mode=mode, timeout_s=5)

    assert [hop.reply_ttl for hop in seen.hops] == [64, 63, 62]
    assert [hop.rewritten for hop in seen.hops[:2]] == [() if mode == "raw" else None] * 2
