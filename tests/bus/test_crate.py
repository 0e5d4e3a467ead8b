"""Crates: what goes in comes out, and any other bytes are an error of ours."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bus.crate import Crate, CrateError, Mark, pack_crate, pack_mark, unpack_crate, unpack_mark
from monitor.history.shipment import Dispatch, Refusal, Shipment
from monitor.link.packing import pack
from monitor.model.asn import Asn
from monitor.model.prefix import parse_prefix
from monitor.model.route import AsPath, FeedState, FeedTally, FileMark, PeerState, RouteEvent, RouteFact, RouteKind
from monitor.model.vrp import Vrp, VrpChange
from probes import DnsObservation, Failure, Hop, HttpObservation, NotMeasured, TraceObservation

NOW = 1_700_000_000.0
OBSERVATIONS = (
    HttpObservation(at=NOW, vantage="v", target="shop", address="198.51.100.7", failure=Failure.READ_TIMEOUT),
    NotMeasured(at=NOW, vantage="v", target="hub", probe="contact", reason="silent"),
    TraceObservation(
        at=NOW, vantage="v", target="shop", address="198.51.100.7", method="tcp", port=443, flow=1, mode="raw",
        reached=True, failure=None, hops=(Hop(ttl=1, address="198.51.100.1", rtt_s=0.001, reply="time_exceeded"),),
    ),
    DnsObservation(
        at=NOW, vantage="v", target="shop", server="192.0.2.53", role="recursive", transport="udp",
        name="shop.example", rrtype="A", answers=("198.51.100.7",),
    ),
)  # fmt: skip
PREFIX = parse_prefix("203.0.113.0/24")
ROUTES: tuple[RouteFact, ...] = (
    RouteEvent(
        at=NOW, kind=RouteKind.ANNOUNCEMENT, prefix=PREFIX, peer="198.51.100.1", peer_asn=Asn(64496),
        collector="rrc00", path=AsPath((Asn(64496), frozenset({Asn(1), Asn(2)}))), next_hop="198.51.100.1",
    ),
    RouteEvent(
        at=NOW, kind=RouteKind.WITHDRAWAL, prefix=parse_prefix("2001:db8::/32"), peer="2001:db8::1",
        peer_asn=Asn(4_200_000_000), collector="rrc00",
    ),
    PeerState(at=NOW, collector="rrc00", peer="198.51.100.1", peer_asn=Asn(64496), up=False),
    FeedState(at=NOW, source="ris-live", live=False, reason="starting"),
    FeedTally(since=NOW - 60, at=NOW, source="ris-live", received=3, parsed=2, bad=1),
    FileMark(at=NOW, source="mrt", path="/a", offset=7, head=b"\x00\xff", head_bytes=2, size=9),
    VrpChange(at=NOW, vrp=Vrp(PREFIX, 24, Asn(64496)), added=True),
)  # fmt: skip


def test_every_kind_of_fact_comes_out_as_it_went_in() -> None:
    """Shipments with what they refuse and settle, dispatches with observations and routes in their order."""
    shipment = Shipment(
        vantage="v", received_at=NOW, sent_at=NOW - 1, late=True, settled_below=7,
        facts=tuple(enumerate(OBSERVATIONS, 10)), refused=[Refusal(14, "too old")],
    )  # fmt: skip
    dispatch = Dispatch(source="~feeds", number=2**62, facts=(OBSERVATIONS[1], *ROUTES))

    assert unpack_crate(pack_crate(Crate(shipments=(shipment,), dispatches=(dispatch,)))) == Crate(
        shipments=(shipment,), dispatches=(dispatch,)
    )


def test_a_mark_comes_out_as_it_went_in() -> None:
    """With its word that nothing more comes."""
    mark = Mark(sender="a", at=NOW - 1, sent_at=NOW, agents=True, leaving=True)

    assert unpack_mark(pack_mark(mark)) == mark


@settings(derandomize=True, max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_our_error(body: bytes) -> None:
    """What a broker kept may be damaged."""
    for unpack in (unpack_crate, unpack_mark):
        with pytest.raises(CrateError):
            unpack(body)


@settings(derandomize=True, max_examples=60)
@given(st.data())
def test_a_damaged_crate_is_a_value_or_our_error(data: st.DataObject) -> None:
    """Cut, or with a byte changed."""
    body = bytearray(pack_crate(Crate(dispatches=(Dispatch(source="~feeds", number=1, facts=ROUTES),))))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= data.draw(st.integers(1, 255))
    with suppress(CrateError):
        assert isinstance(unpack_crate(bytes(body)), Crate)


def test_another_versions_message_is_refused_by_its_number() -> None:
    """Not read as if it were ours."""
    with pytest.raises(CrateError, match="version 2; this program speaks 1"):
        unpack_mark(pack(Mark(version=2, sender="a", at=NOW, sent_at=NOW, agents=True)))
