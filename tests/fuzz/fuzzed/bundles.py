"""Bundles, which come from anybody: the archive with its names, and the manifest that everything is checked by."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import msgspec
from fuzzed.target import Target

from monitor.bundle import BundleError, Manifest
from monitor.bundle.archive import MANIFEST, MOST_BYTES, MOST_MANIFEST_BYTES, NAMES, open_archive
from monitor.bundle.manifest import FORMAT, Content, decode_manifest, encode_manifest


def _archive(data: bytes) -> None:
    archive = open_archive(io.BytesIO(data), Path("fuzzed.zip"))
    assert archive.names <= NAMES
    assert len(archive.read(MANIFEST, MOST_MANIFEST_BYTES)) <= MOST_MANIFEST_BYTES


def _manifest(data: bytes) -> None:
    manifest = decode_manifest(data)
    assert manifest.files.keys() <= NAMES - {MANIFEST}
    assert sum(content.bytes for content in manifest.files.values()) <= MOST_BYTES
    assert decode_manifest(encode_manifest(manifest)) == manifest


_CONTENT = Content(bytes=3, sha256="0" * 64)
_MANIFEST = Manifest(
    format=FORMAT, made_by="whydown", made_at=0.0, rules="1", incident="shop-1", since=0.0, until=1.0,
    as_recorded=True, files={"config.toml": _CONTENT, "verdict.jsonl": _CONTENT},
)  # fmt: skip


def _packed(method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr(MANIFEST, encode_manifest(_MANIFEST))
        archive.writestr("config.toml", b"a=1")
    return file.getvalue()


TARGETS = (
    Target("bundle", _archive, (BundleError,), (_packed(zipfile.ZIP_DEFLATED), _packed(zipfile.ZIP_STORED))),
    Target("manifest", _manifest, (BundleError,), (encode_manifest(_MANIFEST), msgspec.json.encode(_MANIFEST))),
)
