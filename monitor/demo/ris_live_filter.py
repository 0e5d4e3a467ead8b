"""What a client of the RIS Live server asks for, and which messages are that (https://ris-live.ripe.net/manual/).

The filters of one subscription must all be passed: `prefix` (one or several, with `moreSpecific` and
`lessSpecific`), `host`, `type`, `require`, `peer` and `path`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.model import Prefix, covers, parse_prefix

MAX_PREFIXES = 20_000
_TEXTS = ("host", "type", "peer", "require", "path")
FILTERS = frozenset({*_TEXTS, "prefix", "moreSpecific", "lessSpecific"})

Message = Mapping[str, Any]


class RequestError(ValueError):
    """A client's request that the server answers with `ris_error`."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """The filters of one `ris_subscribe`; None: any. Use `parse_subscription`.

    `path`: AS numbers that stand side by side in the path, from its start or to its end where that was asked.
    """

    prefixes: frozenset[Prefix] | None = None
    more_specific: bool = True
    less_specific: bool = False
    host: str | None = None
    type: str | None = None
    peer: str | None = None
    require: str | None = None
    path: tuple[str, ...] | None = None
    from_start: bool = False
    to_end: bool = False

    def matches(self, message: Message, prefixes: tuple[Prefix, ...]) -> bool:
        """Whether a message, which names `prefixes`, is to be sent."""
        return (
            (self.host is None or str(message.get("host", "")).removesuffix(".ripe.net") == self.host)
            and (self.type is None or message.get("type") == self.type)
            and (self.peer is None or message.get("peer") == self.peer)
            and (self.require is None or bool(message.get(self.require)))
            and (self.path is None or self._is_on(message.get("path") or []))
            and (self.prefixes is None or any(self._concerns(prefix) for prefix in prefixes))
        )

    def _concerns(self, prefix: Prefix) -> bool:
        wished = self.prefixes or frozenset()
        if prefix in wished:
            return True
        return any(
            (self.more_specific and covers(wish, prefix)) or (self.less_specific and covers(prefix, wish))
            for wish in wished
        )

    def _is_on(self, path: list[Any]) -> bool:
        wish = self.path or ()
        size, last = len(wish), len(path) - len(wish)
        starts = [0] if self.from_start else range(last + 1)
        return any(
            0 <= start <= last
            and (not self.to_end or start == last)
            and all(_is_or_holds(part, asn) for part, asn in zip(path[start : start + size], wish, strict=True))
            for start in starts
        )


def parse_subscription(filters: Mapping[str, Any]) -> Subscription:
    """Read the `data` of a `ris_subscribe`, or the header of a stream; what is no filter is passed over.

    :raises RequestError: a filter is not of its form
    """
    for key in _TEXTS:
        if not isinstance(filters.get(key), str | int | None):
            raise RequestError(f"{key} is not text")
    path = None if filters.get("path") is None else str(filters["path"])
    return Subscription(
        prefixes=_prefixes(filters.get("prefix")),
        # The manual's defaults.
        more_specific=filters.get("moreSpecific", True) is True,
        less_specific=filters.get("lessSpecific", False) is True,
        host=filters.get("host"),
        type=filters.get("type"),
        peer=filters.get("peer"),
        require=filters.get("require"),
        path=None if path is None else tuple(part.strip() for part in path.strip("^$").split(",")),
        from_start=path is not None and path.startswith("^"),
        to_end=path is not None and path.endswith("$"),
    )


def prefixes_of(message: Message) -> tuple[Prefix, ...]:
    """All prefixes that a message names."""
    announced = [text for group in message.get("announcements") or () for text in group["prefixes"]]
    withdrawn = message.get("withdrawals") or ()
    return tuple(parse_prefix(text) for text in (*announced, *withdrawn) if text != "eor")


def _prefixes(wish: object) -> frozenset[Prefix] | None:
    if wish is None:
        return None
    texts = wish if isinstance(wish, list) else [wish]
    if len(texts) > MAX_PREFIXES:
        raise RequestError(f"more than {MAX_PREFIXES} prefixes")
    try:
        return frozenset(parse_prefix(text) for text in texts)
    except (ValueError, TypeError) as error:
        raise RequestError(f"prefix: {error}") from error


def _is_or_holds(part: object, asn: str) -> bool:
    """Whether an element of a path is that AS, or a set with it."""
    return asn in map(str, part) if isinstance(part, list) else str(part) == asn
