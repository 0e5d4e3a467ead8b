"""A bundle holds the whole account, nothing secret, and gives the same verdict wherever it is judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from monitor.bundle import BundleError, opened
from monitor.bundle.config_excerpt import config_excerpt, to_toml
from monitor.bundle.made import concerned
from monitor.cli import main
from monitor.config import load_config, parse_config
from monitor.history import Reader
from monitor.model import Cause, Detail, Incident

Whydown = Callable[..., object]


def test_a_bundle_is_judged_to_the_byte_as_its_maker_says(bundle: Path) -> None:
    """By another process in an empty folder, which has neither history nor configuration."""
    found = subprocess.run(
        [sys.executable, "-m", "monitor", "replay", str(bundle), "--json"],
        capture_output=True, check=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=bundle.parent,
    )  # fmt: skip
    with zipfile.ZipFile(bundle) as archive:
        claimed = archive.read("verdict.jsonl")

    assert found.stdout == claimed
    assert b"the verdict is the bundle's, byte by byte" in found.stderr
    assert any(json.loads(line)["cause"] == "route.hijack" for line in claimed.splitlines())


def test_the_verdict_is_the_recorded_one(bundle: Path, monitored: Path, tmp_path: Path) -> None:
    """Not a figure differs, through the store, the archive and the cut tables."""
    found = opened(bundle, tmp_path)
    with Reader.open(monitored / "whydown.db") as reader:
        recorded = reader.incident(found.manifest.incident)

    assert found.manifest.as_recorded, found.manifest.differs
    assert recorded is not None
    assert msgspec.json.encode(recorded) in found.verdict.splitlines()


def test_nothing_secret_leaves_in_a_bundle(bundle: Path) -> None:
    """Header fields and bodies of the configuration are nowhere in it."""
    with zipfile.ZipFile(bundle) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}

    assert not [name for name, data in contents.items() if b"s3cret" in data]
    assert b"Authorization" not in contents["config.toml"]
    assert b"stranger" not in b"".join(contents.values())
    assert parse_config(contents["config.toml"].decode()).targets


def test_tables_are_cut_to_what_the_facts_ask_for(bundle: Path) -> None:
    """The prefixes, VRPs and relations of others stay at home; a verdict by what is left is the same."""
    with zipfile.ZipFile(bundle) as archive:
        prefixes = archive.read("prefix_to_as.txt").decode().splitlines()
        vrps = json.loads(archive.read("vrps.json"))
        relations = archive.read("relationships.txt").decode().split()

    assert "198.51.100.0/23\t64500" in prefixes
    assert not [line for line in prefixes if line.startswith("192.0.2")]
    assert vrps["metadata"] == {"generated": 1699999000}
    assert [roa["prefix"] for roa in vrps["roas"]] == ["198.51.100.0/23"]
    assert relations == ["64701|64500|-1", "64702|64500|-1"]


def test_the_same_contents_make_the_same_archive(bundle: Path) -> None:
    """No time of making is in it but the manifest's."""
    with zipfile.ZipFile(bundle) as archive:
        times = {entry.date_time for entry in archive.infolist()}
        names = archive.namelist()

    assert times == {(1980, 1, 1, 0, 0, 0)}
    assert names == sorted(names)


def test_an_altered_fact_is_found(altered: Callable[..., Path], bundle: Path, whydown: Whydown) -> None:
    """One byte of one measurement."""
    with zipfile.ZipFile(bundle) as archive:
        facts = archive.read("observations.jsonl")
    path = altered({"observations.jsonl": facts.replace(b'"status":200', b'"status":201', 1)})

    assert "observations.jsonl was altered" in whydown("replay", path, code=2).output


def test_a_verdict_that_the_facts_do_not_give_is_told(
    altered: Callable[..., Path], bundle: Path, whydown: Whydown
) -> None:
    """Also when all hashes were made to agree."""
    with zipfile.ZipFile(bundle) as archive:
        claimed = archive.read("verdict.jsonl").replace(b"route.hijack", b"server.down")
    result = whydown("replay", altered({"verdict.jsonl": claimed}, honest=True), code=1)

    assert "the verdict is NOT the bundle's" in result.output


@pytest.mark.parametrize(
    "more",
    ['as_relationships = "/dev/zero"', '[rpki]\nvrps = "/etc/passwd"', '[prefix_to_as]\npath = "/dev/zero"',
     '[alert.mail]\nto = ["a@example.com"]\npassword_file = "/etc/shadow"', "[unknown]", "not toml ="],
)  # fmt: skip
def test_a_configuration_names_no_file_of_the_reader(
    more: str, altered: Callable[..., Path], bundle: Path, tmp_path: Path
) -> None:
    """A bundle could else have any file of the reader's machine read."""
    with zipfile.ZipFile(bundle) as archive:
        config = archive.read("config.toml").decode()
    path = altered({"config.toml": f"{more}\n{config}".encode()}, honest=True)
    (tmp_path / "into").mkdir()

    with pytest.raises(BundleError, match=r"config\.toml"):
        opened(path, tmp_path / "into")


def test_what_depends_on_it_goes_along() -> None:
    """And what it depends on, through others; strangers do not. A sick vantage's incident concerns all."""
    config = parse_config("".join(
        f'[[target]]\nname = "{name}"\nurl = "https://{name}.example/"\ndepends_on = {json.dumps(needs)}\n'
        for name, needs in {"shop": ["api"], "api": ["db"], "db": [], "front": ["shop"], "other": []}.items()
    ))  # fmt: skip

    def incident(target: str | None) -> Incident:
        return Incident(
            id="i", target=target, cause=Cause.SERVER_DOWN, detail=Detail(), confidence=0.9, suspected=False,
            opened_at=0.0, named_at=0.0, closed_at=None, affected=(), vantages=1, evidence=(), runner_up=None,
            missing=None, updated_at=0.0,
        )  # fmt: skip

    assert concerned(config.targets, incident("shop")) == {"shop", "api", "db", "front"}
    assert concerned(config.targets, incident("other")) == {"other"}
    assert concerned(config.targets, incident(None)) == {"shop", "api", "db", "front", "other"}


def test_the_shipped_configuration_has_an_excerpt(tmp_path: Path) -> None:
    """Whatever it says, its excerpt is a configuration, and its own excerpt."""
    path = Path(__file__).resolve().parents[2] / "config.toml"
    document = tomllib.loads(path.read_text())
    names = frozenset(target.name for target in load_config(path).targets)
    found = config_excerpt(document, names)

    assert tomllib.loads(to_toml(found)) == found == config_excerpt(found, names)
    assert {target.name for target in parse_config(to_toml(found)).targets} == names


def test_a_bundle_goes_through_a_pipe(monitored: Path, whydown: Whydown, tmp_path: Path) -> None:
    """Where nobody can go back to write a size."""
    piped = tmp_path / "piped.zip"
    with piped.open("wb") as file:
        writer = subprocess.Popen(
            [sys.executable, "-m", "monitor", "report", "last", "--bundle", "--config",
             str(monitored / "config.toml")],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        assert writer.stdout is not None
        file.write(writer.stdout.read())
        writer.stdout.close()
        assert writer.wait(60) == 0
    (tmp_path / "into").mkdir()

    assert opened(piped, tmp_path / "into").manifest.as_recorded


def test_a_target_that_is_configured_no_more_is_said(monitored: Path, tmp_path: Path) -> None:
    """What it was asked for cannot be known any more."""
    config = tmp_path / "config.toml"
    config.write_text('[[target]]\nname = "other"\nurl = "https://other.example/"\n')
    result = CliRunner().invoke(
        main,
        ["report", "last", "--bundle", "--output", str(tmp_path / "a.zip"), "--config", str(config), "--database",
         str(monitored / "whydown.db")],
    )  # fmt: skip

    assert result.exit_code == 1
    assert "the configuration has no target 'api'" in result.output
    assert not (tmp_path / "a.zip").exists()
