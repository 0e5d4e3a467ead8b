"""Who answers for a network, from an RDAP answer about an AS number (RFC 9083; jCard, RFC 7095). Pure.

Whoever registered the number wrote it: what is found is bounded and made printable, and anything else is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from monitor.report.safe_text import one_line

MOST_BYTES = 512 * 1024
"""Of an answer; registries' own, with notices and remarks, have some ten thousand."""

MOST_ADDRESSES = 3
_MOST_ENTITIES = 200
_DEEPEST = 3

# Who is awake at night, and who can change a router, before who reads complaints.
_ROLES = ("noc", "technical", "abuse", "administrative", "registrant")


class RdapError(ValueError):
    """It is no answer about an AS number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkContact:
    """A network's name, and how its people are reached: those of the best role first."""

    name: str
    addresses: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}: {', '.join(self.addresses)}" if self.addresses else self.name


def contact_in(answer: bytes) -> NetworkContact:
    """Read an answer to `/autnum/N`.

    :raises RdapError: it is something else
    """
    if len(answer) > MOST_BYTES:
        raise RdapError(f"more than {MOST_BYTES} bytes")
    try:
        found = msgspec.json.decode(answer)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RdapError(f"no JSON: {error}") from error
    if not isinstance(found, dict) or found.get("objectClassName") != "autnum":
        raise RdapError("no answer about an AS number")
    ranked: list[tuple[int, str]] = []
    for entity in list(_entities(found, 0))[:_MOST_ENTITIES]:
        rank = _rank(entity)
        ranked += [(rank, address) for address in _addresses(entity)]
    ordered = dict.fromkeys(address for _, address in sorted(ranked, key=lambda one: one[0]))
    name = found.get("name") or found.get("handle")
    return NetworkContact(
        name=one_line(name, 64) if isinstance(name, str) and name.strip() else "",
        addresses=tuple(ordered)[:MOST_ADDRESSES],
    )


def _entities(found: dict[str, object], depth: int) -> Iterator[dict[str, object]]:
    inner = found.get("entities")
    if depth >= _DEEPEST or not isinstance(inner, list):
        return
    for entity in inner[:_MOST_ENTITIES]:
        if isinstance(entity, dict):
            yield entity
            yield from _entities(entity, depth + 1)


def _rank(entity: dict[str, object]) -> int:
    roles = entity.get("roles")
    known = [_ROLES.index(role) for role in roles if role in _ROLES] if isinstance(roles, list) else []
    return min(known, default=len(_ROLES))


def _addresses(entity: dict[str, object]) -> Iterator[str]:
    """Mail addresses and telephone numbers of a jCard: `["vcard", [[name, parameters, type, value], …]]`."""
    card = entity.get("vcardArray")
    if not (isinstance(card, list) and len(card) == 2 and isinstance(card[1], list)):
        return
    for field in card[1][:_MOST_ENTITIES]:
        if not (isinstance(field, list) and len(field) >= 4 and isinstance(field[3], str)):
            continue
        value = field[3].removeprefix("tel:").strip()
        if field[0] in ("email", "tel") and value:
            yield one_line(value, 64)
