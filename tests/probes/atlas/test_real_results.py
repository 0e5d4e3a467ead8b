"""Every real result in the shared data is read, and says what RIPE Atlas's own parser says of it.

The files are the test inputs of ripe.atlas.sagan, all firmware versions mixed with many an error in them, and
120 results of Indian probes on the day on which Telegram was null-routed there. Two of them are of firmware 1,
whose HTTP results are one string; they are refused by name.
"""

from __future__ import annotations

import json
import statistics
from contextlib import suppress
from typing import Any

import pytest

from probes.atlas import AtlasError, Naming, read_results, write_result
from probes.observation import DnsObservation, HopReply, HttpObservation, Observation, TraceObservation

# sagan calls what cryptography has renamed since.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning",
                                        "ignore:datetime.datetime.utcnow")  # fmt: skip


def _read(line: bytes) -> tuple[Observation, ...]:
    return read_results(line, Naming())


def _of_kind(kind: str, lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if json.loads(line)["type"] == kind]


def test_http_results_agree_with_sagan(real_results, sagan):
    """Status, times, sizes and errors of each exchange; the two of firmware 1 are refused with their field."""
    lines = real_results("sagan-http.a")
    for line in lines[:2]:
        with pytest.raises(AtlasError, match="result"):
            _read(line)
    for line in lines[2:]:
        seen, theirs = _read(line), _sagan_http(sagan, line)
        assert [s.status for s in seen] == [r.code for r in theirs.responses]
        assert [s.body_bytes for s in seen] == [r.body_size for r in theirs.responses]
        assert [s.address for s in seen] == [r.destination_address for r in theirs.responses]
        assert [s.total_s and s.total_s * 1000 for s in seen] == pytest.approx(
            [r.response_time for r in theirs.responses]
        )
        assert {s.vantage for s in seen} == {f"atlas-{theirs.probe_id}"}
        assert {s.at for s in seen} == {float(theirs.created_timestamp)}
    assert seen[0].failure == "network_unreachable"
    assert seen[0].target == "www.afrinic.net"


def _sagan_http(sagan: Any, line: bytes) -> Any:
    """sagan calls an answer without a status malformed, also where the connection failed."""
    from ripe.atlas.sagan import HttpResult

    return HttpResult(line.decode(), on_malformation=HttpResult.ACTION_IGNORE, on_error=HttpResult.ACTION_IGNORE)


def test_certificate_results_agree_with_sagan(real_results, sagan):
    """Hash and issuer of the certificate, address, time to connect and to the certificate."""
    lines = real_results("sagan-ssl.a")
    certificates = 0
    for line in lines:
        (seen,), theirs = _read(line), sagan(line)
        assert isinstance(seen, HttpObservation)
        assert (seen.address, seen.target) == (theirs.destination_address, theirs.destination_name)
        assert (seen.failure is not None) == theirs.is_error
        for ours_s, theirs_ms in ((seen.connect_s, theirs.time_to_connect), (seen.total_s, theirs.response_time)):
            assert ours_s == (None if theirs_ms is None else pytest.approx(theirs_ms / 1000, abs=1e-6))
        if theirs.certificates:
            certificates += 1
            leaf = theirs.certificates[0]
            assert seen.certificate_sha256 == leaf.checksum_sha256.replace(":", "").lower()
            assert f"CN={leaf.issuer_cn}" in seen.issuer
            assert len(seen.spki_sha256) == 64
            assert seen.not_after == leaf.valid_until.timestamp()
    assert certificates == 6
    assert [_read(line)[0].failure for line in (lines[0], lines[-1])] == ["dns_error", "tls_error"]


@pytest.mark.parametrize(("name", "questions"), [("sagan-dns.a", 26), ("telegram-traceroute.a", 49)])
def test_dns_results_agree_with_sagan(real_results, sagan, name, questions):
    """One observation a response: server, time, rcode and A records as sagan reads them from the reply."""
    read_count = addresses = 0
    for line in _of_kind("dns", real_results(name)):
        seen, theirs = _read(line), sagan(line)
        responses = theirs.responses or [None]
        assert len(seen) == len(responses)
        for one, response in zip(seen, responses, strict=True):
            read_count += 1
            assert isinstance(one, DnsObservation)
            if response is None or response.response_time is None:
                assert one.failure is not None
                continue
            assert one.elapsed_s == pytest.approx(response.response_time / 1000, abs=1e-6)
            assert response.destination_address in (None, one.server)
            if response.abuf is None or response.abuf.header is None or one.rcode is None:
                continue
            assert one.rcode.upper() == response.abuf.header.return_code.upper().replace("NOTIMPL", "NOTIMP")
            theirs_a = sorted(a.address for a in response.abuf.answers if a.type == "A")
            if one.rrtype == "A" and theirs_a:
                addresses += 1
                assert sorted(one.answers) == theirs_a
    assert read_count == questions
    assert addresses >= 6


@pytest.mark.parametrize(("name", "traces"), [("sagan-traceroute.a", 11), ("telegram-traceroute.a", 97)])
def test_traceroutes_agree_with_sagan(real_results, sagan, name, traces):
    """Routers, round trips and labels of each hop; late answers are nobody's."""
    read_count = hops = labelled = reached = 0
    for line in _of_kind("traceroute", real_results(name)):
        read_count += 1
        (seen,), theirs = _read(line), sagan(line)
        assert isinstance(seen, TraceObservation)
        assert seen.flow == theirs.paris_id
        assert seen.method == theirs.protocol.lower()
        by_ttl = {hop.ttl: hop for hop in seen.hops}
        for hop in theirs.hops:
            ours = by_ttl.get(hop.index)
            answered = [
                p for p in hop.packets if p.origin and "edst" not in p.raw_data and not p.raw_data.get("dup")
            ]
            if not answered:
                assert ours is None or ours.address is None
                continue
            hops += 1
            first = answered[0]
            assert ours.address == first.origin
            assert ours.rtt_s * 1000 == pytest.approx(
                min(p.rtt for p in answered if p.origin == first.origin), abs=1e-3
            )
            assert ours.reply_ttl == first.ttl
            routers = dict.fromkeys(p.origin for p in answered)
            assert ours.others == (tuple(routers)[1:] if ours.reply == "time_exceeded" else ())
            if first.icmp_header is not None:
                labelled += 1
                stack = first.icmp_header.objects[0]["mpls"]
                assert [(m.label, m.tc, m.bottom, m.ttl) for m in ours.mpls] == [
                    (m["label"], m["exp"], bool(m["s"]), m["ttl"]) for m in stack
                ]
        # sagan asks only whose address answered last; an "unreachable" of the destination reaches it too.
        assert seen.reached == (theirs.destination_ip_responded and not theirs.last_hop_errors)
        reached += seen.reached
    assert read_count == traces
    assert hops > 80
    assert labelled > 5
    assert reached >= 1


def test_the_null_route_shows_in_the_observations(real_results):
    """To 91.108.56.1, which was null-routed, nobody came through; to 1.1.1.1 nearly everybody did."""
    seen = [one for line in real_results("telegram-traceroute.a") for one in _read(line)]
    traces = [one for one in seen if isinstance(one, TraceObservation)]
    blocked = [one.reached for one in traces if one.address == "91.108.56.1"]
    open_ = [one.reached for one in traces if one.address == "1.1.1.1"]

    assert len(blocked) > 10
    assert not any(blocked)
    assert statistics.mean(open_) > 0.8


def test_late_answers_belong_to_no_hop(real_results):
    """The tenth of sagan's traceroutes has fifteen of them, and not one in time."""
    (seen,) = _read(real_results("sagan-traceroute.a")[9])

    assert all(hop.address is None for hop in seen.hops)
    assert not seen.reached


def test_ipv6_trace_that_could_not_start(real_results):
    """No route: the word says so, and no hop is claimed to be silent."""
    (seen,) = _read(real_results("sagan-traceroute.a")[6])

    assert (seen.failure, seen.address, seen.hops) == ("network_unreachable", "2001:6b0:e:3::1", ())


def test_destination_unreachable_from_a_router_is_no_arrival(real_results):
    """One of the Telegram results ends in `err: H` from the vantage's own provider."""
    seen = [one for line in real_results("telegram-traceroute.a") for one in _read(line)]
    refused = [one for one in seen if isinstance(one, TraceObservation) and one.hops and
               one.hops[-1].reply is HopReply.HOST_UNREACHABLE]  # fmt: skip

    assert [one.reached for one in refused] == [False]


@pytest.mark.parametrize("name", ["sagan-ping.a", "sagan-ntp.a"])
def test_other_kinds_are_refused_by_name(real_results, name):
    """A ping has no observation of ours."""
    for line in real_results(name):
        with pytest.raises(AtlasError, match=r"type '(ping|ntp)', read are http"):
            _read(line)


@pytest.mark.parametrize(
    "name", ["sagan-http.a", "sagan-ssl.a", "sagan-dns.a", "sagan-traceroute.a", "telegram-traceroute.a"]
)
def test_real_results_pass_through_us_unchanged(real_results, sagan, name):
    """Written anew from the observations, sagan reads them, and so do we, to the same observations."""
    through = 0
    for line in real_results(name):
        with suppress(AtlasError):
            for one in _read(line):
                written = write_result(one)
                if one.failure is None:
                    sagan(written)
                if isinstance(one, DnsObservation) and one.rrtype == "ANY":
                    continue  # whose records no observation holds
                assert _read(written) == (one,)
                through += 1
    assert through >= 7
