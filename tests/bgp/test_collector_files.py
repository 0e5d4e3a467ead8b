"""Real collector files through the filter, and one that is torn; `test_beside_bgpdump` has every element."""

from __future__ import annotations

from monitor.bgp.mrt import MrtStats, read_mrt
from monitor.bgp.prefix_filter import PrefixFilter
from monitor.bgp.watch import Watch
from monitor.model import PeerState, parse_prefix


def test_table_cut_on_purpose_gives_all_before_the_cut(shared_data):
    """The first MiB of a Route Views table; the record in which it ends is told."""
    stats = MrtStats()
    path = shared_data / "mrt" / "pyasn.routeviews.rib.20140523.0600.first-MB.bz2"
    nothing = PrefixFilter(lambda version, key: False, [])
    for _ in read_mrt(path, wanted=nothing, stats=stats):
        raise AssertionError("nothing is wanted")

    assert (stats.elements, stats.unwanted) == (270_005, 270_005)
    assert (stats.bad, stats.damage) == (1, "bzip2 data ends in the middle")


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
