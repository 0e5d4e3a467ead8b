"""A hop in words: its networks, and what is unusual about its answers. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from monitor.model import Asn
from monitor.report.safe_text import listed
from probes.observation import Hop, HopReply

MOST_ROUTERS: Final = 4
"""Routers, networks or label stacks named of one hop."""

Origins = Callable[[str], frozenset[Asn] | None]
"""The networks that originate an address, None where the table has none."""


def networks(routers: list[str], origins: Origins) -> str:
    """The networks that the routers are in."""
    found = dict.fromkeys(asn for router in routers for asn in sorted(origins(router) or ()))
    return listed((f"AS{asn}" for asn in found), MOST_ROUTERS) if found else "–"


def remarks(answered: list[Hop]) -> str:
    """What is not the ordinary "time exceeded", what was rewritten on the way, and label stacks."""
    replies = dict.fromkeys(hop.reply for hop in answered if hop.reply not in (None, HopReply.TIME_EXCEEDED))
    stacks = dict.fromkeys("/".join(str(entry.label) for entry in hop.mpls) for hop in answered if hop.mpls)
    said = [str(reply).replace("_", " ") for reply in replies]
    rewritten = dict.fromkeys(field for hop in answered for field in hop.rewritten or ())
    said += [f"{field.replace('_', ' ')} rewritten" for field in rewritten]
    return ", ".join([*said, *(f"MPLS {listed((stack,), 1, limit=60)}" for stack in list(stacks)[:MOST_ROUTERS])])
