"""The UPDATE decoder against messages built by hand, and against any bytes."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.bgp.bgp_update import ALL_FAMILIES, UpdateError, decode_message, decode_update
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.prefix_key import key_of, parse_key
from monitor.model import parse_prefix

QUIET = settings(derandomize=True, max_examples=150, deadline=None)


def route(wire, *prefixes, path=(64500, 64501), extra=b"", **kwargs):
    """An UPDATE that announces IPv4 prefixes by a path."""
    attributes = wire.attribute(2, wire.as_path(path)) + wire.attribute(3, bytes([198, 51, 100, 1])) + extra
    return wire.update(attributes=attributes, announced=wire.nlri(*prefixes), **kwargs)


def test_announcement_has_prefixes_path_and_next_hop(wire):
    """The plain case of RFC 4271."""
    update = decode_update(route(wire, "203.0.113.0/24", "192.0.0.0/9", path=(64500, {64501, 64502})))

    assert [(str(prefix), hop) for prefix, hop in update.announced] == [
        ("203.0.113.0/24", "198.51.100.1"),
        ("192.0.0.0/9", "198.51.100.1"),
    ]
    assert str(update.path) == "64500 {64501,64502}"
    assert update.path.origins == {64501, 64502}


def test_ipv6_travels_in_multiprotocol_attributes(wire):
    """Of a global and a link-local next hop the global one counts; withdrawals have their own attribute."""
    attributes = (
        wire.attribute(2, wire.as_path([64500]))
        + wire.mp_reach("2001:db8::1,fe80::1", "2001:db8:1::/48")
        + wire.mp_unreach("2001:db8:2::/48")
    )
    update = decode_update(wire.update(attributes=attributes))

    assert [(str(p), hop) for p, hop in update.announced] == [("2001:db8:1::/48", "2001:db8::1")]
    assert [str(p) for p in update.withdrawn] == ["2001:db8:2::/48"]


def test_multicast_routes_are_passed_over(wire):
    """SAFI 2 says nothing of where unicast traffic goes."""
    attributes = wire.attribute(2, wire.as_path([64500])) + wire.mp_reach("2001:db8::1", "2001:db8:1::/48", safi=2)
    update = decode_update(wire.update(attributes=attributes))

    assert (update.announced, update.withdrawn, update.elements) == ((), (), 0)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ([64500, 23456, 64502], [4200000001, 64502], "64500 4200000001 64502"),
        ([64500, 23456], [64500, 64510, 4200000001], "64500 23456"),
        ([64500, 23456], [4200000000, 4200000001], "4200000000 4200000001"),
    ],
    ids=["leading ASes stay", "longer AS4_PATH is ignored", "same length is replaced"],
)
def test_as4_path_repairs_two_byte_paths(wire, old, new, expected):
    """RFC 6793 section 4.2.3."""
    attributes = wire.attribute(2, wire.as_path(old, 2)) + wire.attribute(17, wire.as_path(new))
    body = wire.update(attributes=attributes, announced=wire.nlri("203.0.113.0/24"))

    assert str(decode_update(body, asn_size=2).path) == expected


def test_as4_path_is_void_when_the_aggregator_is_newer(wire):
    """An AGGREGATOR that is not AS_TRANS beside AS4_AGGREGATOR: an old speaker aggregated again."""
    attributes = (
        wire.attribute(2, wire.as_path([64500, 23456], 2))
        + wire.attribute(17, wire.as_path([64500, 4200000001]))
        + wire.attribute(7, b"\xfb\xf4" + bytes(4))
        + wire.attribute(18, (4200000001).to_bytes(4, "big") + bytes(4))
    )
    body = wire.update(attributes=attributes, announced=wire.nlri("203.0.113.0/24"))

    assert str(decode_update(body, asn_size=2).path) == "64500 23456"


def test_confederation_segments_are_left_out(wire):
    """RFC 5065: they name no AS of the Internet."""
    value = bytes([3, 1, 0, 0, 0xFD, 0xE8]) + wire.as_path([64500])
    body = wire.update(attributes=wire.attribute(2, value), announced=wire.nlri("203.0.113.0/24"))

    assert str(decode_update(body).path) == "64500"


def test_prefix_withdrawn_and_announced_at_once_is_announced(wire):
    """RFC 4271 section 4.3; both count as elements."""
    body = route(wire, "203.0.113.0/24", withdrawn=wire.nlri("203.0.113.0/24", "198.51.100.0/24"))
    update = decode_update(body)

    assert [str(p) for p in update.withdrawn] == ["198.51.100.0/24"]
    assert [str(p) for p, _ in update.announced] == ["203.0.113.0/24"]
    assert update.elements == 3


def test_marked_add_path_identifiers_are_read_over(wire):
    """RFC 7911."""
    update = decode_update(route(wire) + wire.nlri("203.0.113.0/24", path_id=70_000), add_path=ALL_FAMILIES)

    assert [str(p) for p, _ in update.announced] == ["203.0.113.0/24"]


def test_unmarked_add_path_identifiers_are_noticed(wire):
    """Route Views recorded such sessions; read plainly they would announce the default route twice."""
    update = decode_update(route(wire) + wire.nlri("64.17.246.0/23", path_id=704))

    assert [str(p) for p, _ in update.announced] == ["64.17.246.0/23"]


def test_one_default_route_is_still_a_default_route(wire):
    """The near miss of the above."""
    update = decode_update(route(wire, "0.0.0.0/0", "128.0.0.0/1"))

    assert [str(p) for p, _ in update.announced] == ["0.0.0.0/0", "128.0.0.0/1"]


def test_unwanted_prefixes_cost_no_path(wire):
    """With a filter even a broken path does not matter where nothing is wanted, and elements still count."""
    broken = wire.update(
        attributes=wire.attribute(2, b"\x02\xff"), announced=wire.nlri("203.0.113.0/24", "10.0.0.0/8")
    )
    near, far = parse_prefix("203.0.113.0/24"), parse_prefix("198.51.100.0/24")

    assert decode_update(broken, wanted=PrefixFilter(lambda _, key: key == key_of(far), [far])).elements == 2
    with pytest.raises(UpdateError, match="segment of 255"):
        decode_update(broken, wanted=PrefixFilter(lambda _, key: key == key_of(near), [near]))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\0", "at least 4"),
        (b"\xff\xff\0\0", "withdrawn routes end"),
        (b"\0\0\xff\xff", "path attributes end"),
        (b"\0\0\0\x02\x40\x02", "header cut at byte 4"),
        (b"\0\0\0\x04\x40\x02\x09\x00", "attribute 2 of 9 bytes"),
        (b"\0\0\0\0\x21\x01\x02\x03\x04\x05", "prefix length 33 above 32"),
        (b"\0\0\0\0\x20\x01", "ends behind its field"),
        (b"\0\0\0\0\x08\x0a", "without an AS_PATH"),
        (b"\0\0\0\x05\x40\x0e\x02\0\x02", "MP_REACH_NLRI is cut"),
        (b"\0\0\0\x05\x40\x0f\x02\0\x02", "MP_UNREACH_NLRI is cut"),
        (b"\0\0\0\x05\x40\x02\x02\x09\x00\x08\x0a", "segment type 9"),
    ],
)
def test_malformed_updates_say_what_is_wrong(body, says):
    """One reason each, with its place."""
    with pytest.raises(UpdateError, match=says):
        decode_update(body)


def test_message_header_is_checked(wire):
    """Marker, length and type (RFC 4271 section 4.1)."""
    good = wire.message(wire.update())

    assert decode_message(wire.message(b"", kind=4)) is None
    for bad in (b"", b"\0" + good[1:], good[:16] + b"\0\x05" + good[18:], good[:16] + b"\xff\xff" + good[18:]):
        with pytest.raises(UpdateError):
            decode_message(bad)


@QUIET
@given(st.binary(max_size=200), st.sampled_from([2, 4]), st.frozensets(st.sampled_from([4, 6])))
@example(b"\0\0\0\0\0\0\0\0\x08\x0a", 4, frozenset())
def test_any_bytes_give_an_update_or_its_own_error(body, asn_size, add_path):
    """Input from the network is hostile."""
    try:
        update = decode_update(body, asn_size=asn_size, add_path=add_path)
    except UpdateError:
        return

    assert len(update.announced) + len(update.withdrawn) <= update.elements


PREFIXES = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(lambda t: ipaddress.IPv4Network(t, strict=False)),
    st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 128)).map(
        lambda t: ipaddress.IPv6Network(t, strict=False)
    ),
)


@QUIET
@given(st.lists(PREFIXES, unique=True, max_size=8), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6))
def test_encoded_routes_come_back(wire, prefixes, path):
    """What is announced is what is read, in both families."""
    v4 = [str(p) for p in prefixes if p.version == 4 and p.prefixlen]
    v6 = [str(p) for p in prefixes if p.version == 6 and p.prefixlen]
    attributes = wire.attribute(2, wire.as_path(path)) + wire.mp_reach("2001:db8::1", *v6)
    update = decode_update(wire.update(attributes=attributes, announced=wire.nlri(*v4)))

    assert [str(p) for p, _ in update.announced] == v4 + v6
    assert not (v4 + v6) or update.path.segments == tuple(path)


@QUIET
@given(PREFIXES)
def test_keys_and_texts_of_prefixes_agree(prefix):
    """Parsing the text gives the key of the value."""
    assert parse_key(str(prefix)) == (prefix.version, key_of(prefix))


@QUIET
@given(st.text(max_size=40))
def test_any_text_is_a_prefix_or_an_error(text):
    """And what is accepted `ipaddress` accepts too."""
    try:
        version, key = parse_key(text)
    except ValueError:
        return

    assert key_of(ipaddress.ip_network(text)) == key
    assert ipaddress.ip_network(text).version == version
