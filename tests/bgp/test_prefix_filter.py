"""The quick look at fields of prefixes: it must find exactly what asking for each prefix finds."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.bgp.nlri import NlriError, read_prefixes
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.watch import Watch
from monitor.model import parse_prefix

# Few distinct bits, so that prefixes meet: equal, inside, covering, and neighbours that share their first bytes.
PLACES = {4: ["10.0.0.0", "10.0.7.0", "10.1.0.0", "11.255.255.255"], 6: ["2001:db8::", "2001:db8:7::", "2a02::1"]}


def networks(version: int, shortest: int = 0) -> st.SearchStrategy[str]:
    """Prefixes of all lengths around a few places."""
    lengths = st.integers(shortest, 32 if version == 4 else 128)
    pairs = st.tuples(st.sampled_from(PLACES[version]), lengths)
    return pairs.map(lambda pair: str(ipaddress.ip_network(pair, strict=False)))


def filter_for(prefixes: list[str]) -> PrefixFilter:
    """What equals, is inside or covers one of them."""
    watch = Watch(parse_prefix(prefix) for prefix in prefixes)
    return PrefixFilter(watch.wants, watch.prefixes())


@pytest.mark.parametrize("version", [4, 6])
@settings(derandomize=True, max_examples=100, deadline=None)
@given(data=st.data())
def test_it_picks_what_the_exact_question_picks(wire, version, data):
    """Whatever is watched and whatever the field holds, set host bits included."""
    # Wide ones have a test of their own, since they take a tenth of a second each.
    wanted = filter_for(data.draw(st.lists(networks(version, 12 if version == 4 else 20), max_size=4)))
    field = bytearray(wire.nlri(*data.draw(st.lists(networks(version), max_size=8))))
    if field and data.draw(st.booleans()):
        field[data.draw(st.integers(0, len(field) - 1))] ^= data.draw(st.integers(0, 255))
    try:
        keys = read_prefixes(bytes(field), 0, len(field), version, add_path=False)
    except NlriError:
        with pytest.raises(NlriError):
            wanted.pick(bytes(field), 0, len(field), version)
        return

    expected = [key for key in keys if wanted.wanted(version, key)]

    assert wanted.pick(bytes(field), 0, len(field), version) == (expected, len(keys))


def test_host_bits_behind_the_length_do_not_hide_a_prefix():
    """RFC 4271 section 4.3: they are irrelevant. 10.0.0.0/12 with all of them set covers 10.0.7.0/24."""
    keys, total = filter_for(["10.0.7.0/24"]).pick(b"\x0c\x0a\x0f", 0, 3, 4)

    assert (len(keys), total) == (1, 1)


@pytest.mark.parametrize("watched", ["0.0.0.0/0", "10.0.0.0/7", "10.0.0.0/8"])
def test_wide_watched_prefixes_still_pick_what_is_inside(wire, watched):
    """Also those too wide for the quick look."""
    field = wire.nlri("10.9.8.0/24", "192.168.0.0/16")
    keys, total = filter_for([watched]).pick(field, 0, len(field), 4)

    assert (len(keys), total) == (2 if watched == "0.0.0.0/0" else 1, 2)


def test_path_identifiers_are_read_over(wire):
    """RFC 7911: marked ones, and those of collectors that do not mark them."""
    wanted = filter_for(["10.0.7.0/24"])
    field = wire.nlri("10.0.7.0/24", "10.0.8.0/24", path_id=7)

    assert wanted.pick(field, 0, len(field), 4, add_path=True)[1] == 2
    assert wanted.pick(field, 0, len(field), 4) == wanted.pick(field, 0, len(field), 4, add_path=True)


FIELDS_OF = {
    version: st.lists(st.lists(networks(version), max_size=3), min_size=1, max_size=40) for version in PLACES
}
DAMAGE = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(1, 20), st.sampled_from([b"", b"\xff", b"\xff" * 17]))
)


@pytest.mark.parametrize("version", [4, 6])
@settings(derandomize=True, max_examples=100, deadline=None)
@given(data=st.data(), damage=DAMAGE)
def test_fields_looked_at_together_are_those_looked_at_each(wire, version, data, damage):
    """Cut short, with bytes put in that stand between fields, or whole: each field is taken as it is by itself."""
    wanted = filter_for(data.draw(st.lists(networks(version, 12 if version == 4 else 20), max_size=3)))
    fields = [wire.nlri(*prefixes) for prefixes in data.draw(FIELDS_OF[version])]
    for place, size, instead in damage:
        field = fields[place % len(fields)]
        at = max(len(field) - size, 0)
        fields[place % len(fields)] = field[:at] + instead
    each = [wanted.count_unwanted(field, 0, len(field), version) for field in fields]

    left = [place for place, count in enumerate(each) if count is None]

    assert wanted.pass_over(fields, version) == (left, sum(count for count in each if count is not None))


def test_what_stands_between_fields_hides_no_prefix(wire):
    """A field that holds those very bytes, or takes some of them into its last prefix: a closer look for all."""
    wanted = filter_for(["10.0.7.0/24"])
    between = b"\xff" * 17 + b"\xfe"
    plain, watched = wire.nlri("198.51.100.0/24"), wire.nlri("10.0.7.0/24")

    for odd in (between, plain + between, b"\x18\x0a", b"\x18\x0a\x00", b"\xff", plain + b"\xff\xff"):
        assert wanted.pass_over([plain, odd, watched, plain], 4)[0] == [1, 2]
        assert wanted.pass_over([odd, plain], 4) == ([0], 1)
