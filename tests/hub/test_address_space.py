"""Which targets a route touches, against the plain question asked of each."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.hub.address_space import AddressSpace
from monitor.model.prefix import Address, Prefix, contains, covers

# Few bits, so that spaces meet often; the ends of the address space are among them.
_HIGH = st.integers(0, 15).map(lambda high: high << 28)
_PREFIXES = st.builds(
    lambda high, low, length: ip_network(((high | low) >> (32 - length) << (32 - length), length)),
    _HIGH, st.integers(0, 3), st.sampled_from([0, 1, 2, 3, 4, 30, 31, 32]),
)  # fmt: skip
_ADDRESSES = st.builds(lambda high, low: ip_address(high | low), _HIGH, st.integers(0, 3))
_SIX = st.sampled_from([ip_network("2001:db8::/32"), ip_network("2001:db8::/48"), ip_address("2001:db8::1")])
_SPACES: st.SearchStrategy[Prefix | Address] = _PREFIXES | _ADDRESSES | _SIX


def _meets(prefix: Prefix, space: Prefix | Address) -> bool:
    if isinstance(space, Prefix):
        return covers(prefix, space) or covers(space, prefix)
    return contains(prefix, space)


_ONE = ip_network("203.0.113.9/32")


@example([(_ONE, "a", False), (_ONE.network_address, "a", True)], _ONE)
@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.lists(st.tuples(_SPACES, st.sampled_from("abc"), st.booleans()), max_size=12), _PREFIXES)
def test_the_index_answers_as_asking_each_would(
    changes: list[tuple[Prefix | Address, str, bool]], asked: Prefix
) -> None:
    """After any additions and removals, for any prefix: the owners of what covers it or lies inside."""
    space, kept = AddressSpace(), set[tuple[Prefix | Address, str]]()
    for where, owner, _ in changes:
        space.add(where, owner)
        kept.add((where, owner))
    for where, owner in {(where, owner) for where, owner, goes in changes if goes}:
        space.remove(where, owner)
        kept.remove((where, owner))

    for prefix in (asked, ip_network("2001:db8::/40")):
        assert space.touched(prefix) == {owner for where, owner in kept if _meets(prefix, where)}
