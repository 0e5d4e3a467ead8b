"""How single fields of RIPE Atlas results are understood: the made-up cases that real files do not show."""

from __future__ import annotations

import base64
import json
from contextlib import suppress

import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.atlas import AtlasError, Naming, read_results
from probes.failure_word import Layer
from probes.observation import HopReply, decode, encode

HEAD = {"fw": 5080, "msm_id": 1, "prb_id": 7, "timestamp": 1700000000}
TRACE = HEAD | {"type": "traceroute", "dst_name": "h.example", "dst_addr": "203.0.113.9", "proto": "ICMP"}
DNS = HEAD | {"type": "dns", "dst_addr": "9.9.9.9"}
HTTP = HEAD | {"type": "http", "uri": "http://h.example/x"}
CERT = HEAD | {"type": "sslcert", "dst_name": "h.example", "dst_addr": "203.0.113.9", "ttc": 20.0, "rt": 60.0}


def _read(result, naming=None):
    return read_results(json.dumps(result).encode(), naming or Naming())


def _hops(*packets, proto="ICMP", **more):
    (seen,) = _read(TRACE | {"proto": proto, "result": [{"hop": 1, "result": list(packets)}]} | more)
    return seen.hops


def _answer(**fields):
    return {"from": "198.51.100.1", "ttl": 64, "size": 28, "rtt": 1.5} | fields


@pytest.mark.parametrize(
    ("proto", "packet", "reply"),
    [
        ("ICMP", {}, HopReply.TIME_EXCEEDED),
        ("ICMP", {"from": "203.0.113.9"}, HopReply.ECHO_REPLY),
        ("UDP", {"from": "203.0.113.9"}, HopReply.PORT_UNREACHABLE),
        ("TCP", {"from": "203.0.113.9"}, HopReply.TIME_EXCEEDED),
        ("TCP", {"from": "203.0.113.9", "flags": "SA"}, HopReply.SYN_ACK),
        ("TCP", {"from": "203.0.113.9", "flags": "RA"}, HopReply.RST),
        ("ICMP", {"err": "N"}, HopReply.NET_UNREACHABLE),
        ("ICMP", {"err": "H"}, HopReply.HOST_UNREACHABLE),
        ("ICMP", {"err": "A"}, HopReply.ADMIN_PROHIBITED),
        ("ICMP", {"err": "p"}, HopReply.PORT_UNREACHABLE),
        ("ICMP", {"err": 10}, HopReply.ADMIN_PROHIBITED),
        ("ICMP", {"err": "9"}, HopReply.ADMIN_PROHIBITED),
        ("ICMP", {"from": "2001:db8::1", "err": 5}, HopReply.ADMIN_PROHIBITED),
        ("ICMP", {"err": 5}, HopReply.HOST_UNREACHABLE),
        ("ICMP", {"err": "?"}, None),
    ],
)
def test_what_a_router_said(proto, packet, reply):
    """Letters, ICMP codes of both families, TCP flags, and what goes without saying."""
    (hop,) = _hops(_answer(**packet), proto=proto)

    assert hop.reply is reply


@pytest.mark.parametrize("mark", [{"late": 3}, {"dup": True}, {"dup": 1}, {"edst": "192.0.2.9"}, {"mtu": 1400}])
def test_answers_to_other_packets_are_passed_over(mark):
    """Late, doubled, quoting somebody else's packet, too large: the hop's own answer counts, or nothing."""
    foreign = _answer(**{"from": "198.51.100.99"}, **mark)

    assert _hops(foreign, _answer())[0].address == "198.51.100.1"
    assert _hops(foreign, {"x": "*"})[0].address is None


def test_further_routers_of_a_hop_are_kept_beside_the_first():
    """Balancing by packet; a router that says "unreachable" there is no other way."""
    second, third = _answer(**{"from": "198.51.100.2"}), _answer(**{"from": "198.51.100.3"}, err="H")
    (hop,) = _hops(_answer(ttl=61), second, third, _answer(), second)

    assert (hop.address, hop.others, hop.reply_ttl) == ("198.51.100.1", ("198.51.100.2",), 61)
    assert _hops(_answer(ttl=-1))[0].reply_ttl is None


def test_round_trip_is_the_least_of_the_router_that_answered_first():
    """Another router at the same distance does not lend its time."""
    other = _answer(**{"from": "198.51.100.2"}, rtt=0.1)
    (hop,) = _hops(_answer(rtt=9.0), {"x": "*"}, other, _answer(rtt=3.25))

    assert (hop.address, hop.rtt_s) == ("198.51.100.1", 0.00325)


def test_the_last_resort_counts_when_it_is_answered():
    """Hop 255 asks whether the host is there at all; silent, it is no hop."""
    silent, heard = (
        {"hop": 255, "result": [{"x": "*"}]},
        {"hop": 255, "result": [_answer(**{"from": "203.0.113.9"})]},
    )
    first = {"hop": 1, "result": [{"x": "*"}]}

    assert [hop.ttl for hop in _read(TRACE | {"result": [first, silent]})[0].hops] == [1]
    (reached,) = _read(TRACE | {"result": [first, heard]})
    assert ([hop.ttl for hop in reached.hops], reached.reached) == ([1, 255], True)


def test_other_icmp_extensions_are_no_labels():
    """Class 2 is interface information (RFC 5837)."""
    label = {"label": 16, "exp": 0, "s": 1, "ttl": 1}
    objects = [{"class": 2, "type": 1}, {"class": 1, "type": 1, "mpls": [label]}]
    (hop,) = _hops(_answer(icmpext={"version": 2, "rfc4884": 1, "obj": objects}))

    assert [one.label for one in hop.mpls] == [16]


@pytest.mark.parametrize(
    ("hops", "word"),
    [
        ([{"error": "name resolution failed: nodename nor servname provided, or not known"}], "dns_nxdomain"),
        ([{"hop": 1, "error": "connect failed: Network is unreachable"}], "network_unreachable"),
        ([{"hop": 1, "result": [{"error": "sendto failed: Operation not permitted"}]}], "permission_denied"),
        ([{"hop": 1, "result": [{"error": "bind failed: Invalid argument"}]}], "connect_error"),
        ([{"hop": 1, "result": [{"x": "*"}]}], None),
    ],
)
def test_why_a_probe_could_not_trace(hops, word):
    """Silence of the network is no failure of the vantage."""
    (seen,) = _read(TRACE | {"result": hops})

    assert seen.failure == word
    assert bool(seen.hops) == (word is None)


def _wire(flags="QR RD RA", body="ANSWER\nh.example. 60 IN A 203.0.113.9\n"):
    text = f"id 1\nopcode QUERY\nrcode NOERROR\nflags {flags}\n;QUESTION\nh.example. IN A\n;{body}"
    return base64.b64encode(dns.message.from_text(text).to_wire()).decode()


def test_a_set_shares_its_question():
    """A time-out says not what was asked; the others of its set do. Alone, the caller may say it."""
    answered = {"dst_addr": "9.9.9.9", "result": {"rt": 4.5, "abuf": _wire()}, "time": 1700000005}
    late = {"dst_addr": "2620:fe::fe", "proto": "TCP", "error": {"timeout": 5000}}
    first, second = _read(HEAD | {"type": "dns", "resultset": [late, answered]})
    (alone,) = _read(DNS | {"error": {"timeout": 5000}}, Naming(question=("a.example", "AAAA")))

    assert [(one.name, one.rrtype, one.failure) for one in (first, second)] == [
        ("h.example", "A", "dns_timeout"), ("h.example", "A", None),
    ]  # fmt: skip
    assert (first.transport, first.elapsed_s, second.elapsed_s, second.at) == ("tcp", 5.0, 0.0045, 1700000005.0)
    assert (alone.name, alone.rrtype) == ("a.example", "AAAA")


def test_who_was_asked():
    """Recursion desired means a resolver; a port is written where it is not the usual one."""
    (recursive,) = _read(DNS | {"dst_port": "5353", "result": {"abuf": _wire()}})
    (authoritative,) = _read(DNS | {"dst_addr": "2620:fe::fe", "dst_port": 53, "result": {"abuf": _wire("QR AA")}})

    assert (recursive.role, recursive.server) == ("recursive", "9.9.9.9:5353")
    assert (authoritative.role, authoritative.server) == ("authoritative", "2620:fe::fe")


def test_an_unreadable_reply_is_the_servers_failure():
    """Its question may still be read; what is no base64 is the file's fault."""
    torn = base64.b64encode(base64.b64decode(_wire())[:-2]).decode()
    (seen,) = _read(DNS | {"result": {"rt": 1.0, "abuf": torn}})

    assert (seen.failure, seen.name, seen.rcode, seen.elapsed_s) == ("dns_malformed", "h.example", None, 0.001)
    with pytest.raises(AtlasError, match="abuf is no base64"):
        _read(DNS | {"result": {"abuf": "!!!!"}})


@pytest.mark.parametrize(
    ("error", "word"),
    [
        ({"timeout": 5000}, "dns_timeout"),
        ({"socket": "connect failed: Network is unreachable"}, "dns_unreachable"),
        ({"getaddrinfo": "nodename nor servname provided, or not known"}, "dns_nxdomain"),
        ({"TUCONNECT": "connection timed out"}, "dns_timeout"),
        ("what is this", "dns_error"),
        ({}, "dns_error"),
    ],
)
def test_why_there_is_no_reply(error, word):
    """Each is a failure of names; the operation stays in the text."""
    (seen,) = _read(DNS | {"error": error})

    assert seen.failure == word
    assert seen.failure.layer is Layer.DNS
    if isinstance(error, dict) and "socket" in error:
        assert seen.error == "socket: connect failed: Network is unreachable"


def test_http_phases_from_atlas_times():
    """`ttc` and `ttfb` count from the connection's start, `rt` too, name resolution lies before."""
    times = {"ttr": 10.0, "ttc": 20.0, "ttfb": 70.0, "rt": 75.5, "res": 200, "ver": "1.1", "bsize": 3}
    (plain,) = _read(HTTP | {"result": [times]})
    (secure,) = _read(HTTP | {"uri": "https://h.example/", "result": [times]})

    assert (plain.dns_s, plain.connect_s, plain.wait_s, plain.receive_s) == (0.01, 0.02, 0.05, 0.0055)
    assert (plain.total_s, plain.http_version, plain.failure) == (0.0855, "HTTP/1.1", None)
    assert (secure.tls_s, secure.wait_s, secure.receive_s) == (None, None, 0.0055)


@pytest.mark.parametrize(
    ("exchange", "word"),
    [
        ({"dnserr": "non-recoverable failure in name resolution"}, "dns_error"),
        ({"err": "connect: Connection refused"}, "connection_refused"),
        ({"err": "timeout"}, "connect_timeout"),
        ({"err": "timeout reading status", "ttc": 9.0}, "read_timeout"),
        ({"err": "read: Connection reset by peer", "ttc": 9.0}, "connection_reset"),
        ({"err": "bad chunk line", "ttc": 9.0}, "unknown_failure"),
        ({"res": 503}, "status_unexpected"),
        ({"res": 399}, None),
    ],
)
def test_why_a_request_failed(exchange, word):
    """By what is said, and by how far it had come."""
    (seen,) = _read(HTTP | {"result": [exchange]})

    assert seen.failure == word
    assert seen.checks_failed == (("status",) if word == "status_unexpected" else ())


@pytest.mark.parametrize(
    ("fields", "word", "tls_s"),
    [
        ({"ver": "1.3"}, None, 0.04),
        ({"err": "timeout"}, "tls_handshake_timeout", None),
        ({"err": "connect: No route to host", "ttc": None}, "host_unreachable", None),
        ({"alert": {"level": 2, "description": 40}}, "tls_error", None),
        ({"dnserr": "no address associated with hostname"}, "dns_no_answer", None),
    ],
)
def test_how_a_handshake_ended(fields, word, tls_s):
    """The time to the certificate where there is one."""
    (seen,) = _read(CERT | fields)

    assert (seen.failure, seen.tls_s) == (word, tls_s)


@pytest.mark.parametrize(
    ("naming", "target"),
    [
        (Naming(), "h.example"),
        (Naming(target="qr"), "qr"),
        (Naming(names={"h.example": "qr", "203.0.113.9": "other"}), "qr"),
        (Naming(names={"203.0.113.9": "qr"}), "qr"),
        (Naming(names={"example": "near-miss"}), "h.example"),
    ],
)
def test_whose_result_it_is(naming, target):
    """The caller's word, then a known host or address, then the host itself."""
    (seen,) = _read(TRACE | {"dst_name": "H.Example.", "result": []}, naming)

    assert (seen.target, seen.vantage) == (target, "atlas-7")


def test_without_a_destination_somebody_must_name_it():
    """Nothing is filed under an empty name."""
    nameless = {key: value for key, value in TRACE.items() if not key.startswith("dst")} | {"result": []}

    assert _read(nameless, Naming(target="qr"))[0].target == "qr"
    with pytest.raises(AtlasError, match="no target was given"):
        _read(nameless)


@pytest.mark.parametrize(
    ("result", "says"),
    [
        (TRACE | {"dst_addr": "999.1.1.1", "result": []}, "dst_addr is no IP address: '999.1.1.1'"),
        (TRACE | {"result": [{"hop": 1, "result": [_answer(**{"from": "\x1b[2Jx"})]}]}, r"from is no IP address"),
        (TRACE | {"dst_addr": "fe80::1%\x1b[2J", "result": []}, r"dst_addr is no IP address"),
        (TRACE | {"result": [{"hop": n, "result": [{"x": "*"}]} for n in (2, 1)]}, "hop 1 comes after hop 2"),
        (TRACE | {"result": [{"hop": 256}]}, r"\$\.result\[0\]\.hop"),
        (TRACE | {"result": [{"hop": 1, "result": [_answer(rtt=-1)]}]}, "rtt"),
        (TRACE | {"proto": "GRE", "result": []}, "proto"),
        (TRACE | {"timestamp": 1e300, "result": []}, "timestamp"),
        (TRACE | {"prb_id": -1, "result": []}, "prb_id"),
        (DNS | {"proto": "DOQ", "result": {}}, "proto is 'DOQ'"),
        (DNS | {"result": {"abuf": "A" * 100_000}}, "abuf"),
        (CERT | {"cert": ["no certificate"]}, "no PEM certificate"),
        (CERT | {"cert": ["-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----"]}, "no base64"),
        (HTTP | {"result": [{"res": 99999}]}, "res"),
        (HEAD | {"type": "ping"}, "'ping'"),
        (HEAD, "type"),
        ([], "object"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(result, says):
    """The field is named, and control characters do not come through."""
    with pytest.raises(AtlasError, match=says) as caught:
        _read(result)
    assert str(caught.value).isprintable()


@given(st.binary(max_size=200))
@settings(max_examples=200, derandomize=True)
def test_any_bytes_are_observations_or_our_error(line):
    """Nothing else comes out."""
    with pytest.raises(AtlasError):
        read_results(line, Naming())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["*", "203.0.113.9", "2001:db8::1", "SA", "UDP", "timeout", _wire()]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["from", "rtt", "err", "hop", "result", "error", "abuf", "rt", "res", "ttc", "late"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
FIELDS = st.sampled_from(
    ["result", "resultset", "error", "cert", "alert", "dst_addr", "proto", "qbuf", "uri", "af", "err", "whydown"]
)


@given(st.sampled_from([TRACE, DNS, HTTP, CERT]), st.dictionaries(FIELDS, VALUES, max_size=4))
@settings(max_examples=300, derandomize=True)
def test_any_fields_are_observations_or_our_error(head, fields):
    """Well-formed results with senseless values in them."""
    with suppress(AtlasError):
        for one in _read(head | fields):
            assert decode(encode(one)) == one


def test_depth_is_no_way_to_crash():
    """A hundred thousand brackets."""
    with pytest.raises(AtlasError):
        read_results(b'{"type":"dns","error":' + b"[" * 100_000, Naming())
