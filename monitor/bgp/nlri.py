"""Network layer reachability information: prefixes as a BGP message carries them (RFC 4271 section 4.3).

Each is a length in bits and as many bytes as that needs; with ADD-PATH (RFC 7911 section 3) a path
identifier of four bytes stands before it. Knows nothing of messages, files or who asks. Pure.
"""

from __future__ import annotations

from monitor.bgp.prefix_key import BITS, PrefixKey


class NlriError(ValueError):
    """The bytes are not prefixes of that family; says at which byte."""


def read_prefix(data: bytes, start: int, end: int, version: int) -> tuple[PrefixKey, int]:
    """One prefix from `data[start:end]`; gives its key and the offset behind it.

    Bits behind the prefix's length are ignored, as RFC 4271 section 4.3 demands.

    :raises NlriError: it is longer than its family's addresses, or than the data
    """
    if start >= end:
        raise NlriError(f"prefix missing at byte {start}")
    length = data[start]
    bits = BITS[version]
    if length > bits:
        raise NlriError(f"prefix length {length} above {bits} at byte {start}")
    size = (length + 7) >> 3
    stop = start + 1 + size
    if stop > end:
        raise NlriError(f"prefix of {size} bytes at byte {start} ends behind its field")
    value = int.from_bytes(data[start + 1 : stop], "big")
    return 1 << length | value >> (size << 3) - length, stop


def read_prefixes(data: bytes, start: int, end: int, version: int, add_path: bool) -> list[PrefixKey]:
    """All prefixes of `data[start:end]`; path identifiers are read over.

    A field that begins with two zero bytes would, without path identifiers, be the default route twice.
    No speaker sends that, but collectors do record ADD-PATH sessions without marking them so (Route
    Views at Equinix in 2022, BIRD): such a field is read with path identifiers if it can be. Identifiers
    above 65535 do not show this way.

    :raises NlriError: as `read_prefix`
    """
    if not add_path and end - start > 4 and data.startswith(b"\0\0", start):
        try:
            return _read_all(data, start, end, version, 4)
        except NlriError:
            pass
    return _read_all(data, start, end, version, 4 if add_path else 0)


def _read_all(data: bytes, start: int, end: int, version: int, skip: int) -> list[PrefixKey]:
    keys: list[PrefixKey] = []
    while start < end:
        key, start = read_prefix(data, start + skip, end, version)
        keys.append(key)
    return keys
