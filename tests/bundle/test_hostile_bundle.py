"""What a stranger sends as a bundle ends in one line and exit 2: no path leads out, nothing grows unbounded."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.bundle import BundleError, opened
from monitor.bundle.archive import MOST_BYTES

Altered = Callable[..., Path]


def _refused(path: Path, tmp_path: Path, why: str) -> None:
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(BundleError, match=why):
        opened(path, into)
    assert not [one for one in tmp_path.rglob("*") if one.name in ("evil", "passwd")]


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "a/../../evil", "evil", "sub/config.toml", "CONFIG.TOML"]
)
def test_no_name_leads_anywhere(name: str, altered: Altered, tmp_path: Path) -> None:
    """Only the names that a bundle has are names at all."""
    _refused(altered({name: b"x"}), tmp_path, "which no bundle has")


def test_a_name_comes_once(bundle: Path, tmp_path: Path) -> None:
    """One program might read the first, another the second."""
    path = tmp_path / "twice.zip"
    path.write_bytes(bundle.read_bytes())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("config.toml", b"")

    _refused(path, tmp_path, "twice")


def test_a_link_is_no_file(bundle: Path, tmp_path: Path) -> None:
    """A member whose content is a path elsewhere."""
    path = tmp_path / "link.zip"
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo("vrps.json")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")

    _refused(path, tmp_path, "a link")


def test_another_method_of_packing_is_refused(tmp_path: Path) -> None:
    """Deflate is bounded by what we read of it; of the others we would have to know."""
    path = tmp_path / "lzma.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("manifest.json", b"{}")

    _refused(path, tmp_path, "packed in an unknown way")


def test_a_bomb_stops_at_its_first_surplus_byte(altered: Altered, tmp_path: Path) -> None:
    """Its manifest says 10 bytes; 32 MB of zeros follows."""
    path = altered({"vrps.json": b"0" * 10}, honest=True)
    files = {}
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, b"0" * 2**25 if name == "vrps.json" else data)

    _refused(path, tmp_path, "vrps.json has more than the 10 bytes")
    assert (tmp_path / "into" / "vrps.json").stat().st_size <= 11


def test_a_manifest_that_promises_too_much_is_refused(altered: Altered, tmp_path: Path) -> None:
    """Before anything is unpacked."""
    with zipfile.ZipFile(altered({})) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    for content in manifest["files"].values():
        content["bytes"] = MOST_BYTES

    _refused(altered({"manifest.json": json.dumps(manifest).encode()}), tmp_path, "bytes in all, more than")


@pytest.mark.parametrize(
    ("manifest", "why"),
    [(b"", "manifest"), (b"[]", "manifest"), (b'{"format":"zip"}', "manifest"), (b"\xff", "manifest"),
     (b"[" * 100_000, "manifest"), (b"0" * (2**20 + 1), "longer than")],
)  # fmt: skip
def test_a_manifest_that_is_none_is_refused(manifest: bytes, why: str, altered: Altered, tmp_path: Path) -> None:
    """With what is wrong about it."""
    _refused(altered({"manifest.json": manifest}), tmp_path, why)


def test_a_file_that_the_manifest_does_not_list_is_refused(altered: Altered, bundle: Path, tmp_path: Path) -> None:
    """Nobody vouches for it."""
    with zipfile.ZipFile(bundle) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    del manifest["files"]["vrps.json"]

    _refused(
        altered({"manifest.json": json.dumps(manifest).encode()}), tmp_path, "other files than its manifest lists"
    )


@settings(derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_a_refusal_or_changes_nothing(data: st.DataObject, small: bytes, tmp_path_factory) -> None:
    """Bytes of the archive overwritten or cut off: our own error, or the very same contents."""
    damaged = bytearray(small)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / "bundle.zip"
    path.write_bytes(damaged[:cut] if data.draw(st.booleans()) else damaged)
    (folder / "into").mkdir()
    try:
        found = opened(path, folder / "into")
    except BundleError:
        return

    assert found.manifest.incident == "i"
    assert found.verdict == b"{}\n"


@pytest.fixture(scope="module")
def small() -> bytes:
    """The smallest bundle."""
    config = b'target = []\ncontrol = []\n[vantage]\nname = "replay"\n'
    files = {"config.toml": config, "verdict.jsonl": b"{}\n"}
    listed = ",".join(
        f'"{name}":{{"bytes":{len(data)},"sha256":"{hashlib.sha256(data).hexdigest()}"}}'
        for name, data in files.items()
    )
    manifest = (
        '{"format":"whydown-bundle/1","made_by":"x","made_at":0,"rules":"9","incident":"i","since":0,"until":1,'
        f'"as_recorded":true,"files":{{{listed}}}}}'
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**files, "manifest.json": manifest.encode()}.items():
            archive.writestr(name, data)
    return made.getvalue()
