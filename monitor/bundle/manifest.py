"""What a bundle says of itself: its incident, its window, and the size and hash of each of its files.

The manifest's own SHA-256 is the bundle's fingerprint: it stands for every byte of the contents, is short
enough to be read out over the telephone, and is what to keep elsewhere, or to have stamped by a time-stamping
authority, if it must later be shown that nothing was altered.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from monitor.bundle.archive import MANIFEST, MOST_BYTES, NAMES, BundleError

FORMAT = "whydown-bundle/1"

# What a verdict cannot do without.
_NEEDED = frozenset({"config.toml", "verdict.jsonl"})

_Size = Annotated[int, msgspec.Meta(ge=0, le=MOST_BYTES)]
_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the bundle."""

    bytes: _Size
    sha256: _Sha256


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`since` to `until`: the facts' window. `made_by`: program and version, `rules`: of the rules that judged.

    `as_recorded`: whether the verdict that the bundle's facts give is the one that the monitor recorded; if not,
    `differs` says in what. `left_out`: facts that no file has a form for, by kind. `seals` and `head`: where the
    history's chain of seals stood (`monitor.history.seal`), in hex.
    """

    format: str
    made_by: str
    made_at: float
    rules: str
    incident: str
    since: float
    until: float
    as_recorded: bool
    differs: str = ""
    left_out: dict[str, int] = {}
    seals: int = 0
    head: str = ""
    files: dict[str, Content]


def encode_manifest(manifest: Manifest) -> bytes:
    """As readable JSON, the same for the same values."""
    return msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=2) + b"\n"


def decode_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    :raises BundleError: it is none, of another format, or promises what no bundle holds
    """
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise BundleError(f"{MANIFEST}: {error}") from error
    if manifest.format != FORMAT:
        raise BundleError(f"{MANIFEST}: the format is {manifest.format[:40]!r}; this program reads {FORMAT}")
    if MANIFEST in manifest.files or not _NEEDED <= manifest.files.keys() <= NAMES:
        raise BundleError(f"{MANIFEST}: its list of files is not one that a bundle has")
    total = sum(content.bytes for content in manifest.files.values())
    if total > MOST_BYTES:
        raise BundleError(f"{MANIFEST}: {total} bytes in all, more than {MOST_BYTES}")
    return manifest
