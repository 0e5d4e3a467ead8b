"""Opens a bundle from anywhere: every limit, size and hash is checked before anything in it is believed."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from monitor.bundle.archive import MANIFEST, MOST_MANIFEST_BYTES, BundleError, open_archive
from monitor.bundle.config_excerpt import config_excerpt
from monitor.bundle.manifest import Manifest, decode_manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedBundle:
    """A bundle that is what its manifest says. `folder`: an incident folder with its files.

    `fingerprint`: the SHA-256 of its manifest, to be compared with the one that its maker told.
    """

    manifest: Manifest
    fingerprint: str
    folder: Path

    @property
    def verdict(self) -> bytes:
        """What its maker says that a replay prints."""
        return (self.folder / "verdict.jsonl").read_bytes()


def opened(path: Path, folder: Path) -> OpenedBundle:
    """Unpack the bundle at `path` into `folder`, an empty one.

    :raises BundleError: it is no bundle, was altered, or goes beyond a limit
    :raises OSError: a file cannot be read or written
    """
    with path.open("rb") as file:
        archive = open_archive(file, path)
        encoded = archive.read(MANIFEST, MOST_MANIFEST_BYTES)
        manifest = decode_manifest(encoded)
        if archive.names != {MANIFEST, *manifest.files}:
            raise BundleError(f"{path}: it holds other files than its manifest lists")
        for name, content in manifest.files.items():
            found = archive.extract(name, folder / name, content.bytes)
            if found != content.sha256:
                raise BundleError(f"{path}: {name} was altered: its SHA-256 is {found}, not {content.sha256}")
    _check_config(path, folder / "config.toml")
    return OpenedBundle(manifest=manifest, fingerprint=hashlib.sha256(encoded).hexdigest(), folder=folder)


def _check_config(path: Path, config: Path) -> None:
    """Refuse a configuration that says more than a verdict needs: it could name files of this machine."""
    try:
        document = tomllib.loads(config.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: config.toml is no TOML: {str(error)[:200]}") from error
    targets = document.get("target", [])
    names = frozenset(
        str(target["name"])
        for target in (targets if isinstance(targets, list) else ())
        if isinstance(target, dict) and "name" in target
    )
    if config_excerpt(document, names) != document:
        raise BundleError(f"{path}: config.toml says more than a bundle's may")
