"""The shipped config.toml works as it is and documents every key that exists, and no other."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.config import known_keys, load_config, parse_config
from monitor.model.history_place import DatabaseUrl
from monitor.model.settings import (
    BgpSourceKind,
    BoostSettings,
    DnsSettings,
    HistorySettings,
    MailSettings,
    RpkiSettings,
    TracerouteSettings,
)
from monitor.model.target import Control, Target

# A commented-out table header or assignment; prose comments have neither form.
_COMMENTED_OUT = re.compile(r"^# (?=\[|[a-z_]+ = )", re.MULTILINE)


@pytest.fixture(scope="module")
def everything(repository: Path) -> str:
    """The shipped file with all that is commented out put in."""
    return _COMMENTED_OUT.sub("", (repository / "config.toml").read_text())


def _keys(table: dict[str, object], above: str = "") -> Iterator[str]:
    """The keys of a document, spelled as `known_keys` does."""
    for key, value in table.items():
        path = f"{above}.{'NAME' if above == 'vantages' else key}".removeprefix(".")
        yield path
        if key in ("headers", "body_json"):
            continue  # their keys are the user's own
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield from _keys(item, path)


def test_shipped_file_is_usable_as_it_is(repository: Path) -> None:
    """It watches something, with controls and a live feed, and mails nobody."""
    config = load_config(repository / "config.toml")

    assert [target.name for target in config.targets] == ["ripe", "wikipedia"]
    assert len(config.controls) >= 2
    assert [feed.kind for feed in config.bgp] == [BgpSourceKind.RIS_LIVE]
    assert config.alert.mail is None
    assert config.web is None


def test_every_example_in_the_comments_is_valid(everything: str) -> None:
    """What is commented out can be put in, all at once; the history is at one place."""
    config = parse_config(everything.replace('path = "data/whydown.db"\n', ""))

    assert config.alert.mail is not None
    assert config.alert.mail.to == ("noc@example.com",)
    assert [feed.kind for feed in config.bgp] == [
        BgpSourceKind.RIS_LIVE,
        BgpSourceKind.MRT,
        BgpSourceKind.BMP,
    ]
    assert isinstance(config.history.place, DatabaseUrl)
    assert config.web is not None
    assert config.web.url == "https://whydown.example.com"
    assert config.hub is not None
    assert config.hub.urls == ("https://hub.example.com:8443",)
    assert config.intake is not None
    assert [str(vantage.keys[0])[-16:] for vantage in config.vantages] == ["until 2027-11-22"]


def test_known_keys_and_documented_keys_are_the_same(everything: str) -> None:
    """A key that is read but not described, or described but not read, is a mistake."""
    documented = set(_keys(tomllib.loads(everything)))

    assert documented == known_keys()


def test_values_shown_are_the_defaults(repository: Path) -> None:
    """The file says "Default: …" and shows that value, so leaving the line out changes nothing."""
    config = load_config(repository / "config.toml")
    ripe, cloudflare = config.targets[0], config.controls[0]

    assert ripe == Target(name=ripe.name, url=ripe.url)
    assert cloudflare == Control(name=cloudflare.name, url=cloudflare.url)
    assert config.history == HistorySettings(place=repository / "data" / "whydown.db")
    assert config.dns == DnsSettings(resolvers=("system", "9.9.9.9"))
    assert config.traceroute == TracerouteSettings()
    assert config.rpki == RpkiSettings()
    assert config.boost == BoostSettings()


def test_defaults_of_optional_mail_keys_are_stated(repository: Path) -> None:
    """The mail table is commented out with examples, so its defaults stand in words."""
    text = (repository / "config.toml").read_text()
    defaults = MailSettings(to=("noc@example.com",))

    assert f'# Default: "{defaults.smtp}".' in text
    assert f'Default: "{defaults.sender}".' in text
