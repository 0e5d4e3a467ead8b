"""What a person sees of one measurement: phases in proportion, servers side by side, hops with loss."""

from __future__ import annotations

import io
from collections.abc import Iterable

import msgspec
import pytest
from rich.console import Console, RenderableType

from monitor.bgp.ip_to_as import PrefixTable
from monitor.report.measured import dns_view, http_view, trace_view
from probes.expectation import Expect
from probes.observation import (
    DnsObservation,
    Failure,
    Hop,
    HopReply,
    HttpObservation,
    MplsLabel,
    TraceObservation,
)

AT = 1643855431.25
HTTP = HttpObservation(
    at=AT, vantage="seoul-1", target="https://checkin.example/health", address="211.249.221.246", family=4,
    status=200, http_version="HTTP/1.1", dns_s=0.010, connect_s=0.020, tls_s=0.020, wait_s=0.040, receive_s=0.0004,
    total_s=0.0904, kernel_rtt_s=0.0199, kernel_min_rtt_s=0.0197, retransmits=1, spki_sha256="ab" * 32,
    certificate_sha256="cd" * 32, issuer="CN=R3,O=Let's Encrypt", not_after=AT + 91 * 86400, tls_version="TLSv1.3",
    alpn="http/1.1", certificate_names=("checkin.example",), body_bytes=512,
)  # fmt: skip
TRACE = TraceObservation(
    at=AT, vantage="seoul-1", target="checkin.example", address="203.0.113.10", port=443, flow=7, reached=True,
    hops=(
        Hop(ttl=1, address="198.51.100.1", rtt_s=0.0004, reply=HopReply.TIME_EXCEEDED),
        Hop(ttl=2),
        Hop(ttl=3, address="198.51.100.9", rtt_s=0.012, reply=HopReply.TIME_EXCEEDED,
            mpls=(MplsLabel(label=24001, tc=0, bottom=True, ttl=1),)),
        Hop(ttl=4, address="203.0.113.10", rtt_s=0.020, reply=HopReply.SYN_ACK),
    ),
)  # fmt: skip
DNS = DnsObservation(
    at=AT, vantage="seoul-1", target="qr", server="9.9.9.9", name="checkin.example", rcode="NOERROR",
    answers=("203.0.113.10", "203.0.113.11"), ttl_s=60.0, elapsed_s=0.0041, dnssec="secure",
)  # fmt: skip


def _shown(parts: Iterable[RenderableType], width: int = 180) -> list[str]:
    """The lines on a terminal of so many columns, without colours."""
    console = Console(file=io.StringIO(), width=width, highlight=False)
    for part in parts:
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def _line(lines: list[str], beginning: str) -> str:
    (found,) = [line for line in lines if line.strip().startswith(beginning)]
    return found


def test_phases_follow_one_another_in_proportion() -> None:
    """Each bar begins below the end of the one before; twice the time is twice the bar."""
    lines = _shown(http_view(HTTP, Expect()))
    bars = {name: _line(lines, name) for name in ("dns", "connect", "tls", "wait", "receive")}

    lengths = {name: bar.count("█") for name, bar in bars.items()}
    assert lengths["wait"] == pytest.approx(2 * lengths["tls"], abs=1)
    assert lengths["tls"] == pytest.approx(2 * lengths["dns"], abs=1)
    assert lengths["receive"] == 1  # too short to be drawn, too true to be left out
    for earlier, later in (("dns", "connect"), ("connect", "tls"), ("tls", "wait")):
        assert bars[later].index("█") == bars[earlier].rindex("█") + 1
    assert " 20.0 ms " in bars["connect"]
    assert " 0.40 ms " in bars["receive"]


def test_who_answered_is_one_line() -> None:
    """Version, protocol, issuer, days left, names; the key below; the kernel's round trip beside the phases."""
    lines = _shown(http_view(HTTP, Expect()))

    assert _line(lines, "TLS ").split("TLS", 1)[1].strip() == (
        "TLSv1.3, http/1.1, issued by CN=R3,O=Let's Encrypt, valid until 2022-05-05 (91 days), for checkin.example"
    )
    assert _line(lines, "key").split() == ["key", "ab" * 32]
    assert "round trip 19.9 ms (least 19.7 ms) by the kernel, 1 packets sent again" in _line(lines, "network")
    expired = _shown(http_view(msgspec.structs.replace(HTTP, not_after=AT - 3 * 86400), Expect()))
    assert "expired 2022-01-31 (3 days ago)" in _line(expired, "TLS ")


def test_each_expectation_has_its_result() -> None:
    """Met, missed, and not judged because nothing answered."""
    expect = Expect(body_contains="ok", max_wait=2.0)
    missed = msgspec.structs.replace(
        HTTP, failure=Failure.BODY_UNEXPECTED, error="body lacks 'ok'", checks_failed=("body_contains",)
    )
    silent = msgspec.structs.replace(HTTP, status=None, failure=Failure.CONNECT_TIMEOUT)
    lines = _shown(http_view(missed, expect))

    assert [line.split("expected")[1].strip() for line in lines if "expected " in line] == [
        "✓ status 200", "✗ body_contains ok", "✓ max_wait 2.0",
    ]  # fmt: skip
    assert "body_unexpected: body lacks 'ok'" in lines[1]
    assert sum("not answered" in line for line in _shown(http_view(silent, expect))) == 3


@pytest.mark.parametrize(
    ("fields", "phase"),
    [
        ({"failure": Failure.DNS_TIMEOUT, "dns_s": None, "connect_s": None, "tls_s": None}, "dns"),
        ({"failure": Failure.CONNECT_TIMEOUT, "connect_s": None, "tls_s": None}, "connect"),
        ({"failure": Failure.TLS_UNTRUSTED, "tls_s": None}, "tls"),
        ({"failure": Failure.READ_TIMEOUT}, "wait"),
        ({"failure": Failure.READ_TIMEOUT, "wait_s": 0.04}, "receive"),
        ({"failure": Failure.STATUS_UNEXPECTED, "wait_s": 0.04, "receive_s": 0.01, "status": 500}, None),
    ],
)
def test_the_phase_that_failed_is_hollow(fields: dict[str, object], phase: str | None) -> None:
    """It lasts from the end of the last good one to the end of the exchange; later ones are dashes."""
    bare = msgspec.structs.replace(HTTP, status=None, wait_s=None, receive_s=None, total_s=1.0)
    lines = _shown(http_view(msgspec.structs.replace(bare, **fields), Expect()))

    assert [line.split()[0] for line in lines if "░" in line] == ([phase] if phase else [])


def test_servers_stand_side_by_side() -> None:
    """Role, transport, time, code, lifetime, validation, answers; a failure in place of them."""
    alias = msgspec.structs.replace(DNS, role="authoritative", server="198.51.100.53", cnames=("edge.example.",))
    failed = DnsObservation(
        at=AT, vantage="v", target="t", server="2620:fe::fe", transport="tcp", name="checkin.example",
        failure=Failure.DNS_TIMEOUT, error="ask 2620:fe::fe over tcp: no answer in time", elapsed_s=5.0,
    )  # fmt: skip
    lines = _shown(dns_view([DNS, alias, failed, msgspec.structs.replace(DNS, rrtype="AAAA")]))

    rows = [" ".join(line.split()) for line in lines if line.strip()]
    assert rows[3:11] == [
        "9.9.9.9 resolver udp 4.1 ms NOERROR 60 s 203.0.113.10",
        "203.0.113.11",
        "DNSSEC secure",
        "198.51.100.53 authority udp 4.1 ms NOERROR 60 s edge.example. →",
        "203.0.113.10",
        "203.0.113.11",
        "DNSSEC secure",
        "2620:fe::fe resolver tcp 5000.0 ms – – dns_timeout: ask 2620:fe::fe over tcp: no answer in time",
    ]
    assert [line for line in lines if line.startswith("checkin.example")] == [
        "checkin.example A", "checkin.example AAAA",
    ]  # fmt: skip


def test_what_else_a_server_said_stands_below_its_answers() -> None:
    """In the words of the observation's own fields."""
    told = msgspec.structs.replace(
        DNS, nsid="res100.fra", soa_serial=2026112201, ecs="203.0.113.0/24/24",
        dnssec_reason="chain complete", signatures_expire_at=AT + 7 * 86400,
    )  # fmt: skip

    assert (
        "DNSSEC secure, chain complete, instance res100.fra, for 203.0.113.0/24/24, zone 2026112201, "
        "signed until 2022-02-10"
    ) in [line.strip() for line in _shown(dns_view([told]))]


def test_a_narrow_terminal_keeps_short_columns_whole() -> None:
    """Eighty columns: the answers fold, the codes do not."""
    shown = _shown(dns_view([DNS]), 80)

    assert any("NOERROR" in line and line.endswith("203.0.113.10") for line in shown)


def test_rounds_become_loss_and_times() -> None:
    """Two rounds: half lost at hop 1, another router beside the first at hop 3, the least and the mean time."""
    other = (
        Hop(ttl=1),
        Hop(ttl=2),
        Hop(ttl=3, address="198.51.100.10", rtt_s=0.014, reply=HopReply.TIME_EXCEEDED),
        Hop(ttl=4, address="203.0.113.10", rtt_s=0.030, reply=HopReply.SYN_ACK),
    )
    table = PrefixTable.parse(["198.51.100.0/24\t64500", "203.0.113.0/24\t64501_64502"])
    lines = _shown(trace_view([TRACE, msgspec.structs.replace(TRACE, hops=other)], table.lookup))
    rows = [" ".join(line.split()) for line in lines if line.strip()[:1].isdigit()]

    assert lines[0] == "checkin.example (203.0.113.10) by tcp port 443, raw: reached in 2 of 2 rounds"
    assert rows == [
        "1 198.51.100.1 AS64500 50% 0.40 ms 0.40 ms",
        "2 * – 100% – –",
        "3 198.51.100.9, 198.51.100.10 AS64500 0% 12.0 ms 13.0 ms MPLS 24001",
        "4 203.0.113.10 AS64501, AS64502 0% 20.0 ms 25.0 ms syn ack",
    ]


def test_without_a_table_there_is_no_column_of_networks() -> None:
    """Rather than one full of dashes."""
    assert not any("AS" in line for line in _shown(trace_view([TRACE])))


def test_a_trace_that_could_not_be_made_says_why() -> None:
    """Once, however many rounds failed so."""
    failed = msgspec.structs.replace(
        TRACE, hops=(), reached=False, failure=Failure.PERMISSION_DENIED, error="raw tcp socket: not permitted"
    )
    lines = _shown(trace_view([failed, failed]))

    assert lines[1:] == ["permission_denied: raw tcp socket: not permitted"]


def test_what_servers_wrote_cannot_drive_the_terminal() -> None:
    """Control characters become visible, markup stays text, length is bounded."""
    hostile = "[red]\x1b]0;owned\x07\u202e" + "x" * 5000
    shown = "\n".join(
        [
            *_shown(http_view(
                msgspec.structs.replace(HTTP, target=hostile, issuer=hostile, error=hostile, tls_version=hostile,
                                        failure=Failure.UNKNOWN, certificate_names=(hostile,) * 50),
                Expect(body_contains=hostile))),
            *_shown(dns_view(
                [msgspec.structs.replace(DNS, name=hostile, answers=(hostile,) * 99, rcode=hostile)])),
            *_shown(trace_view([msgspec.structs.replace(TRACE, target=hostile, error=hostile)])),
        ]
    )  # fmt: skip

    assert not set(shown) & {"\x1b", "\x07", "\u202e"}
    assert "[red]\\x1b" in shown
    assert len(shown) < 30_000
