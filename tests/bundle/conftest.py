"""A history that holds a hijack as a monitor would, and the bundle made of it."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from story import API, BEGIN, CONFIG, COVER, END, PEERS, PREFIX, Story, only, only_way
from world import Place, World, announcement, digest

from monitor.bgp.episodes import Relationships
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.rpki import VrpTable
from monitor.bundle.manifest import Content, Manifest, encode_manifest
from monitor.cli import main
from monitor.config import load_config
from monitor.diagnose import Engine, Fact, Knowledge, known_at
from monitor.history import Store
from monitor.model import RouteFact
from probes.observation import HttpObservation, TraceObservation

FAR = ("sydney", "tokyo")
PREFIXES = f"{COVER}\t64500\n203.0.113.0/24\t64510\n198.19.254.0/24\t64999\n192.0.2.0/24\t64998\n"
VRPS = (
    b'{"metadata":{"generated":1699999000},"roas":[{"prefix":"%s","asn":64500,"maxLength":23,"ta":"ripe"},'
    b'{"prefix":"192.0.2.0/24","asn":64998,"maxLength":24,"ta":"ripe"}]}' % COVER.encode()
)
RELATIONSHIPS = "64701|64500|-1\n64702|64500|-1\n64801|64802|-1\n"
# What a stranger must not see, what only this machine has, and a target that has nothing to do with it.
SECRETS = """headers = { Authorization = "Bearer s3cret" }
body = "s3cret"
expect = { status = [200], body_contains = "s3cret" }
"""
TABLES = """
[[target]]
name = "stranger"
url = "https://stranger.example/?token=s3cret"
[history]
path = "whydown.db"
[prefix_to_as]
path = "prefix_to_as.txt"
[rpki]
vrps = "vrps.json"
[as_relationships]
path = "relationships.txt"
"""

Whydown = Callable[..., Result]


def _impostor(world: World, at: float, place: Place) -> HttpObservation:
    """Another server with another key."""
    return world.status(at, place, API, 500, spki_sha256=digest("impostor"), issuer="CN=Quick <b>DV</b>")


def _elsewhere(world: World, at: float, place: Place) -> TraceObservation:
    """A traceroute that ends in the hijacker's network."""
    return world.trace(at, place, API, networks=(*place.transit, 64666))


def _facts() -> list[Fact]:
    story = Story(
        api=only(FAR, _impostor),
        way=only_way(FAR, _elsewhere),
        routes=[announcement(BEGIN, peer, (peer[1], 64666), PREFIX) for peer in PEERS]
        + [
            {**announcement(END, peer, (), PREFIX), "announcements": [], "withdrawals": [PREFIX]} for peer in PEERS
        ],
        usual_prefix=COVER,
    )
    return story.facts(World(1))


@pytest.fixture(scope="session")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with config.toml, its tables, and the history of a hijack that was judged as it went on."""
    folder = tmp_path_factory.mktemp("monitored")
    config = CONFIG.format(target=SECRETS) + TABLES
    for name, text in {
        "config.toml": config, "prefix_to_as.txt": PREFIXES, "vrps.json": VRPS.decode(),
        "relationships.txt": RELATIONSHIPS,
    }.items():  # fmt: skip
        (folder / name).write_text(text)
    engine = Engine(
        Knowledge.from_config(
            load_config(folder / "config.toml"),
            prefix_table=PrefixTable.parse(PREFIXES.splitlines()),
            vrps=VrpTable.from_json(VRPS, max_age_s=21_600.0),
            relationships=Relationships.parse(RELATIONSHIPS.splitlines()),
        )
    )
    facts = _facts()
    with Store.open(folder / "whydown.db") as store:
        store.add_routes([fact for fact in facts if isinstance(fact, RouteFact)])
        store.add_observations([fact for fact in facts if not isinstance(fact, RouteFact)])
        store.save_changes([*engine.feed(facts), *engine.advance(known_at(facts[-1]))], [])
    return folder


@pytest.fixture(scope="session")
def whydown(monitored: Path) -> Whydown:
    """Call a verb with that configuration."""

    def call(*arguments: str | Path, code: int = 0) -> Result:
        words = [str(argument) for argument in arguments]
        if words[0] != "replay":
            words += ["--config", str(monitored / "config.toml")]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == code, result.output
        return result

    return call


@pytest.fixture(scope="session")
def bundle(whydown: Whydown, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the hijack."""
    path = tmp_path_factory.mktemp("bundle") / "incident.zip"
    whydown("report", "last", "--bundle", "--output", path)
    return path


@pytest.fixture
def altered(bundle: Path, tmp_path: Path) -> Callable[..., Path]:
    """The bundle with other contents: under its old manifest, or (`honest`) under one that agrees with them."""

    def alter(contents: dict[str, bytes], *, honest: bool = False) -> Path:
        with zipfile.ZipFile(bundle) as archive:
            files = {name: archive.read(name) for name in archive.namelist()} | contents
        if honest:
            manifest = msgspec.json.decode(files["manifest.json"], type=Manifest)
            listed = {name: _content(data) for name, data in files.items() if name != "manifest.json"}
            files["manifest.json"] = encode_manifest(msgspec.structs.replace(manifest, files=listed))
        path = tmp_path / "altered.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path

    return alter


def _content(data: bytes) -> Content:
    return Content(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
