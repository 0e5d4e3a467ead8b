"""What we write: RIPE Atlas's own parser understands it, and we read it back as it was."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.atlas import AtlasError, Naming, read_results, write_result
from probes.observation import (
    DnsObservation,
    Failure,
    Hop,
    HopReply,
    HttpObservation,
    MplsLabel,
    NotMeasured,
    TraceObservation,
)

AT = 1643855431.25
HTTP = HttpObservation(
    at=AT, vantage="seoul-1", target="qr-checkin", address="211.249.221.246", family=4, status=200,
    http_version="HTTP/1.1", dns_s=0.003, connect_s=0.021, tls_s=0.024, wait_s=0.045, receive_s=0.002,
    total_s=0.095, spki_sha256="ab" * 32, certificate_sha256="cd" * 32, issuer="CN=R3", not_after=1651708800.0,
    body_bytes=512,
)  # fmt: skip
DNS = DnsObservation(
    at=AT, vantage="seoul-1", target="qr-checkin", server="9.9.9.9", name="www.checkin.example", rrtype="A",
    rcode="NOERROR", answers=("203.0.113.10", "203.0.113.11"), cnames=("edge.checkin.example.",), ttl_s=60.0,
    elapsed_s=0.0041, dnssec="secure",
)  # fmt: skip
TRACE = TraceObservation(
    at=AT, vantage="atlas-6042", target="qr-checkin", address="203.0.113.10", method="tcp", flow=7, reached=True,
    elapsed_s=2.0,
    hops=(
        Hop(ttl=1, address="198.51.100.1", rtt_s=0.0004, reply=HopReply.TIME_EXCEEDED),
        Hop(ttl=2),
        Hop(ttl=3, address="198.51.100.9", rtt_s=0.0123, reply=HopReply.TIME_EXCEEDED, reply_ttl=253,
            others=("198.51.100.8",),
            mpls=(MplsLabel(label=24001, tc=1, bottom=False, ttl=254),
                  MplsLabel(label=16, tc=0, bottom=True, ttl=1))),
        Hop(ttl=4, address="203.0.113.10", rtt_s=0.0211, reply=HopReply.SYN_ACK),
    ),
)  # fmt: skip


def _read_back(observation, url=None):
    (seen,) = read_results(write_result(observation, url), Naming())
    return seen


def test_sagan_reads_our_http_result(sagan):
    """Status, times without name resolution in milliseconds, address, and the URL asked."""
    theirs = sagan(write_result(HTTP, "https://checkin.example/health"))
    (response,) = theirs.responses

    assert (theirs.uri, theirs.method, theirs.is_error) == ("https://checkin.example/health", "GET", False)
    assert (response.code, response.version, response.body_size, response.af) == (200, "1.1", 512, 4)
    assert response.destination_address == "211.249.221.246"
    assert response.response_time == pytest.approx(92.0)
    assert response.raw_data["ttfb"] == pytest.approx(90.0)
    assert theirs.created_timestamp == int(AT)


def test_sagan_reads_our_failed_http_result(sagan):
    """The failure word opens the error."""
    failed = HttpObservation(
        at=AT, vantage="seoul-1", target="qr", failure=Failure.READ_TIMEOUT, error="no answer in time"
    )
    line = json.loads(write_result(failed))

    assert line["result"][0]["err"] == "read_timeout: no answer in time"
    assert "dnserr" not in line["result"][0]


def test_sagan_reads_our_handshake_result(sagan):
    """What ended in the handshake is a certificate result, without the certificate that we do not have."""
    failed = msgspec.structs.replace(
        HTTP, status=None, failure=Failure.TLS_EXPIRED, tls_version="TLSv1.3", error="verify: it has expired"
    )
    line = write_result(failed, "https://checkin.example:8443/health")
    theirs = sagan(line)

    assert (theirs.type, theirs.method, theirs.version) == ("ssl", "TLS", "1.3")
    assert (theirs.destination_name, theirs.time_to_connect) == ("checkin.example", pytest.approx(21.0))
    assert theirs.error_message == "tls_expired: verify: it has expired"
    assert theirs.certificates == []


def test_sagan_reads_our_dns_result(sagan):
    """Answers, aliases, lifetime and flags come out of the rebuilt reply."""
    (response,) = sagan(write_result(DNS)).responses
    alias, *addresses = response.abuf.answers

    assert (alias.type, alias.target) == ("CNAME", "edge.checkin.example.")
    assert [(a.name, a.address, a.ttl) for a in addresses] == [
        ("edge.checkin.example.", "203.0.113.10", 60),
        ("edge.checkin.example.", "203.0.113.11", 60),
    ]
    assert (response.abuf.header.return_code, response.abuf.header.ad) == ("NOERROR", True)
    assert (response.response_time, response.protocol) == (4.1, "UDP")
    assert response.destination_address == "9.9.9.9"


def test_sagan_reads_our_dns_timeout(sagan):
    """With the time that was waited."""
    late = msgspec.structs.replace(
        DNS, rcode=None, answers=(), cnames=(), failure=Failure.DNS_TIMEOUT, elapsed_s=5.0
    )
    assert sagan(write_result(late)).error_message == "Timeout: 5000.0"


def test_sagan_reads_our_traceroute(sagan):
    """Hops, silence, labels and the answer of the destination."""
    theirs = sagan(write_result(TRACE, "https://checkin.example/health"))

    assert (theirs.probe_id, theirs.protocol, theirs.paris_id, theirs.af) == (6042, "TCP", 7, 4)
    assert theirs.destination_name == "checkin.example"
    assert theirs.ip_path == [["198.51.100.1"], [None], ["198.51.100.9", "198.51.100.8"], ["203.0.113.10"]]
    assert theirs.hops[2].packets[0].icmp_header.objects[0]["mpls"][0]["label"] == 24001
    assert (theirs.is_success, theirs.destination_ip_responded, theirs.last_median_rtt) == (True, True, 21.1)
    assert (theirs.end_time - theirs.created).total_seconds() == 2


def test_each_way_to_end_a_trace_survives():
    """The letters and flags of Atlas, under each method."""
    for method, reply in (
        ("tcp", HopReply.RST), ("icmp", HopReply.ECHO_REPLY), ("udp", HopReply.PORT_UNREACHABLE),
        ("icmp", HopReply.PORT_UNREACHABLE), ("udp", HopReply.NET_UNREACHABLE), ("udp", HopReply.ADMIN_PROHIBITED),
        ("tcp", HopReply.HOST_UNREACHABLE),
    ):  # fmt: skip
        last = Hop(ttl=4, address="203.0.113.10", rtt_s=0.0211, reply=reply)
        seen = _read_back(msgspec.structs.replace(TRACE, method=method, hops=(*TRACE.hops[:-1], last)))
        assert seen.hops[-1].reply is reply


def test_other_vantages_get_numbers_above_all_probes():
    """The same each time, different for different names; only an `atlas-` name gives its number away."""

    def number(vantage):
        return json.loads(write_result(msgspec.structs.replace(TRACE, vantage=vantage)))["prb_id"]

    assert number("atlas-6042") == 6042
    assert number("seoul-1") == number("seoul-1") >= 1 << 31
    assert len({number("seoul-1"), number("seoul-2"), number("atlas-x"), number("atlas-99999999999")}) == 4


def test_what_atlas_has_no_result_for_is_refused():
    """By name of what is wrong."""
    skipped = NotMeasured(at=AT, vantage="v", target="t", probe="http", reason="missed")
    for observation, message in (
        (skipped, "did not take place"),
        (msgspec.structs.replace(DNS, answers=("not an address",)), r"www\.checkin\.example"),
        (msgspec.structs.replace(DNS, server="resolver.example"), "not the address"),
        (msgspec.structs.replace(TRACE, method="gre"), "gre"),
    ):
        with pytest.raises(AtlasError, match=message):
            write_result(observation)


NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)
SECONDS = st.integers(0, 30_000_000).map(lambda us: us / 1e6)
TIMES = st.integers(1, 4_000_000_000_000).map(lambda ms: ms / 1000)
ADDRESSES = st.ip_addresses().map(str)
ADDRESSES_OF_A = st.ip_addresses(v=4).map(str)
WORDS = {"vantage": NAMES, "target": NAMES, "at": TIMES}


@st.composite
def https(draw):
    """Exchanges whose phases add up, up to the one that failed."""
    dns_s, connect_s, tls_s, wait_s, receive_s = (draw(SECONDS) for _ in range(5))
    return HttpObservation(
        **{name: draw(values) for name, values in WORDS.items()},
        address=draw(ADDRESSES), family=4, status=draw(st.integers(100, 399)), http_version="HTTP/2",
        dns_s=dns_s, connect_s=connect_s, tls_s=tls_s, wait_s=wait_s, receive_s=receive_s,
        total_s=round(dns_s + connect_s + tls_s + wait_s + receive_s, 6), body_bytes=draw(st.integers(0, 1 << 40)),
        certificate_sha256="cd" * 32, spki_sha256="ab" * 32, issuer=draw(NAMES), not_after=draw(TIMES),
    )  # fmt: skip


@st.composite
def traces(draw):
    """Traces with silent hops and label stacks. Atlas cannot say "time exceeded" of the destination's address."""
    replies = [HopReply.TIME_EXCEEDED, HopReply.NET_UNREACHABLE, HopReply.RST]
    labels = st.builds(
        MplsLabel, label=st.integers(0, (1 << 20) - 1), tc=st.integers(0, 7), bottom=st.booleans(),
        ttl=st.integers(0, 255),
    )  # fmt: skip
    hop = st.fixed_dictionaries(
        {"address": ADDRESSES.filter(lambda address: address != "203.0.113.10"),
         "rtt_s": SECONDS, "reply": st.sampled_from(replies),
         "mpls": st.lists(labels, max_size=3).map(tuple)}
    ) | st.just({})  # fmt: skip
    hops = tuple(Hop(ttl=ttl, **fields) for ttl, fields in enumerate(draw(st.lists(hop, max_size=6)), 1))
    return TraceObservation(
        **{name: draw(values) for name, values in WORDS.items()},
        address="203.0.113.10", method=draw(st.sampled_from(["tcp", "udp", "icmp"])),
        flow=draw(st.integers(0, 65535)), hops=hops, reached=any(hop.reply is HopReply.RST for hop in hops),
    )  # fmt: skip


@st.composite
def questions(draw):
    """Answered questions over each transport."""
    return DnsObservation(
        **{name: draw(values) for name, values in WORDS.items()},
        server=draw(ADDRESSES), role=draw(st.sampled_from(["recursive", "authoritative"])),
        transport=draw(st.sampled_from(["udp", "tcp", "tls", "https"])), name="a.example",
        rcode="NOERROR", answers=tuple(sorted(draw(st.sets(ADDRESSES_OF_A, min_size=1, max_size=5)))),
        cnames=draw(st.sampled_from([(), ("b.example.", "c.example.")])),
        ttl_s=float(draw(st.integers(0, 86400))), elapsed_s=draw(SECONDS),
    )  # fmt: skip


@given(https() | traces() | questions())
@settings(max_examples=150, derandomize=True)
def test_what_the_format_holds_comes_back_equal(observation):
    """Names, times to the microsecond, answers, hops: nothing is lost, nothing is added."""
    back = _read_back(observation, "https://checkin.example/health")

    if isinstance(observation, HttpObservation):
        for phase in ("dns_s", "connect_s", "tls_s", "wait_s", "receive_s", "total_s"):
            assert getattr(back, phase) == pytest.approx(getattr(observation, phase), abs=2e-6)
            back = msgspec.structs.replace(back, **{phase: getattr(observation, phase)})
    if isinstance(observation, TraceObservation):
        back = msgspec.structs.replace(back, elapsed_s=None)  # whole seconds there
    assert back == observation


@given(st.sampled_from(list(Failure)), st.none() | NAMES)
@settings(max_examples=80, derandomize=True)
def test_each_failure_word_comes_back(failure, error):
    """Through HTTP or certificate results, by the layer at which it showed."""
    failed = HttpObservation(at=AT, vantage="v", target="t", failure=failure, error=error)
    back = _read_back(failed)

    assert (back.failure, back.error) == (failure, error)
