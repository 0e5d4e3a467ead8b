"""Real collector files: as many elements as bgpdump counts in each, except where bgpdump is wrong.

Three files were recorded from ADD-PATH sessions without being marked so. bgpdump takes the path
identifiers for prefixes and prints default routes that nobody announced; their real counts stand here.
"""

from __future__ import annotations

from collections import Counter

import pytest

from monitor.bgp.mrt import MrtStats, read_mrt
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.watch import Watch
from monitor.model import PeerState, RouteKind, parse_prefix

# File -> (announcements, withdrawals, table entries, session states).
COUNTS = {
    "bgp-rs.updates.20190101.0000.gz": (159948, 2626, 0, 43),
    "bgpkit.local.updates.2024-09.bz2": (159, 109, 0, 0),
    "bgpkit.rrc03.updates.20100227.1600.first-796.gz": (1226, 133, 0, 4),
    "bgpkit.rrc15.updates.20100227.1600.gz": (52468, 1318, 0, 20),
    "bgpkit.rrc15.updates.20100227.1610.gz": (5920, 1549, 0, 16),
    "caida.route-views.jinx.updates.20150401.0000.bz2": (8160, 451, 0, 0),
    "caida.rrc06.updates.20150401.0000.gz": (1435, 122, 0, 4),
    "mrtparse.bird-mrtdump_rib.mrt": (0, 0, 18, 0),
    "mrtparse.openbgpd_bgp.mrt": (93, 0, 0, 16),
    "mrtparse.openbgpd_rib_table-v2.mrt": (0, 0, 31, 0),
    "mrtparse.quagga_bgp.mrt": (18, 0, 0, 20),
    "mrtparse.quagga_rib.mrt": (0, 0, 9, 0),
    "ripe-bgpdump.bview.ipv4_unicast_add_path.gz": (0, 0, 62, 0),
    "ripe-bgpdump.bview.ipv6_unicast_add_path.gz": (0, 0, 62, 0),
    "ripe-bgpdump.updates.20020722.2238.gz": (825, 2419, 0, 93),
    "ripe-bgpdump.updates.20071015.1505.gz": (10111, 385, 0, 0),
    "ripe-bgpdump.updates.20160811.1600.gz": (39256, 1956, 0, 22),
    "ripe-bgpdump.updates.et-header.2015.gz": (577737, 3, 0, 4),
    # bgpdump: 752 A, 64 W; 24 A; 32 A.
    "bgpipe.routeviews-sample.20220119.mrt": (680, 64, 0, 0),
    "mrtparse.bird_bgp.mrt": (14, 0, 0, 12),
    "mrtparse.bird6_bgp.mrt": (14, 0, 0, 12),
}
KINDS = (RouteKind.ANNOUNCEMENT, RouteKind.WITHDRAWAL, RouteKind.RIB)


@pytest.mark.parametrize("name", COUNTS)
def test_elements_of_a_collector_file(shared_data, name):
    """Nothing is bad in any of them."""
    stats = MrtStats()
    found = Counter(
        "state" if isinstance(fact, PeerState) else fact.kind
        for fact in read_mrt(shared_data / "mrt" / name, stats=stats)
    )

    assert tuple(found[kind] for kind in (*KINDS, "state")) == COUNTS[name]
    assert (stats.elements, stats.bad, stats.damage) == (sum(COUNTS[name]), 0, None)


def test_table_cut_on_purpose_gives_all_before_the_cut(shared_data):
    """The first MiB of a Route Views table; the record in which it ends is told."""
    stats = MrtStats()
    path = shared_data / "mrt" / "pyasn.routeviews.rib.20140523.0600.first-MB.bz2"
    entries = sum(1 for _ in read_mrt(path, stats=stats))

    assert entries == 270_005
    assert (stats.bad, stats.damage) == (1, "bzip2 data ends in the middle")


def test_unmarked_add_path_yields_no_default_routes(shared_data):
    """Equinix peers of 2022 that bgpdump makes announce 0.0.0.0/0, twice a message."""
    facts = list(read_mrt(shared_data / "mrt" / "bgpipe.routeviews-sample.20220119.mrt"))

    assert not [fact for fact in facts if fact.prefix.prefixlen < 8]


def test_watch_finds_kakao_in_a_full_table(shared_data):
    """Of 577,740 routes only those that cover or are inside the watched prefixes are decoded."""
    watch = Watch([parse_prefix("211.249.216.0/21"), parse_prefix("121.53.104.0/24")])
    path = shared_data / "mrt" / "ripe-bgpdump.updates.et-header.2015.gz"
    stats = MrtStats()
    found = [
        fact
        for fact in read_mrt(path, wanted=PrefixFilter(watch.wants, watch.prefixes()), stats=stats)
        if not isinstance(fact, PeerState)
    ]

    assert {(str(fact.prefix), str(fact.path)) for fact in found} == {
        ("0.0.0.0/0", "61417 51336"),
        ("211.249.128.0/17", "3786 9457"),
        ("211.249.0.0/16", "3786 9457"),
        ("121.53.0.0/17", "3786 9457"),
        ("121.53.0.0/16", "3786 9457"),
    }
    assert stats.unwanted == 577_740 - len(found)


def test_filter_before_decoding_equals_one_behind(shared_data):
    """Both ways on 41,234 real elements, in both families."""
    watch = Watch([parse_prefix("2.0.0.0/8"), parse_prefix("2a00::/16"), parse_prefix("198.51.100.0/24")])
    path = shared_data / "mrt" / "ripe-bgpdump.updates.20160811.1600.gz"
    before = list(read_mrt(path, wanted=PrefixFilter(watch.wants, watch.prefixes())))
    behind = [fact for fact in read_mrt(path) if isinstance(fact, PeerState) or watch.covers_event(fact.prefix)]

    assert before == behind
    assert {fact.prefix.version for fact in before if not isinstance(fact, PeerState)} == {4, 6}
