"""Where an address is, as far as routes tell addresses apart. Pure; knows no target."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_network

from monitor.diagnose.name_agreement import SAME_PREFIX
from monitor.model.prefix import as_address

KEPT_PLACES = 4096
"""Prefixes of addresses remembered for one target; a large CDN rotates through hundreds."""


@lru_cache(maxsize=KEPT_PLACES)
def place_of(address: str) -> str:
    """The longest prefix around an address that BGP carries everywhere: one operator's, who may use all of it, and
    one way to all of it, as text, which is quick to look up. What is no address is a place of its own.
    """
    parsed = as_address(address)
    if parsed is None:
        return address
    return str(ip_network((parsed, SAME_PREFIX[parsed.version]), strict=False))
