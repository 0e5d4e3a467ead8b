"""The units for systemd: judged by systemd's own tools, and by what each configuration really needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli import main
from monitor.config.document import parse_config
from monitor.model.settings import Config
from monitor.station.unit import Role, UnfitForServiceError, unit_name, unit_text

ETC = Path("/etc/whydown/config.toml")
WHYDOWN = Path("/opt/whydown/.venv/bin/whydown")

BASE = """
[history]
path = "/var/lib/whydown/whydown.db"
[spool]
path = "/var/lib/whydown/spool.db"
[[target]]
name = "shop"
url = "https://shop.example/"
"""
HUB = '[hub]\nlisten = "0.0.0.0:8443"\n'
AGENT = '[hub]\nurl = "https://hub.example.com/"\n'

MOST_EXPOSED = 20
"""Of 100, by `systemd-analyze security`: below 2.0 of 10. A unit without any hardening has 96."""

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")


def _config(more: str = "") -> Config:
    return parse_config(BASE + more, ETC)


def _lines(role: Role, more: str = "") -> list[str]:
    return unit_text(role, WHYDOWN, _config(more)).splitlines()


def _analyse(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)


@needs_systemd
@pytest.mark.parametrize("role", list(Role))
def test_systemd_takes_the_unit_and_finds_it_closed(role: Role, tmp_path: Path) -> None:
    """`verify` says nothing at all, `security` stays below the threshold; with the capabilities that most need."""
    unit = tmp_path / unit_name(role)
    # `verify` wants a program that is there.
    text = unit_text(
        role, Path("/usr/bin/true"), _config(HUB.replace("8443", "443") + AGENT.removeprefix("[hub]\n"))
    )
    unit.write_text(text)

    verified = _analyse("verify", str(unit))
    judged = _analyse("security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit))

    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")
    assert judged.returncode == 0, judged.stdout[-300:]


@needs_systemd
def test_the_two_judges_would_see_a_bad_unit(tmp_path: Path) -> None:
    """A misspelt line is named, and a unit without its hardening is above the threshold."""
    unit = tmp_path / unit_name(Role.RUN)
    text = unit_text(Role.RUN, Path("/usr/bin/true"), _config())
    unit.write_text(text.replace("ProtectHome=", "ProtectHouse="))
    assert "ProtectHouse" in _analyse("verify", str(unit)).stderr

    unit.write_text("\n".join(line for line in text.splitlines() if not line.startswith(("Protect", "System"))))
    assert _analyse("security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit)).returncode != 0


@pytest.mark.parametrize(
    ("role", "more", "capabilities"),
    [
        (Role.RUN, "", "CAP_NET_RAW"),
        (Role.RUN, "[traceroute]\nenabled = false\n", ""),
        (Role.AGENT, AGENT + "[traceroute]\nenabled = false\n", "CAP_NET_RAW"),
        (Role.HUB, HUB, ""),
        (Role.HUB, HUB.replace("8443", "443"), "CAP_NET_BIND_SERVICE"),
        (Role.RUN, '[[bgp]]\nsource = "bmp"\n', "CAP_NET_RAW"),
        (
            Role.RUN,
            '[[bgp]]\nsource = "bmp"\nlisten = "127.0.0.1:1019"\n',
            "CAP_NET_RAW CAP_NET_BIND_SERVICE",
        ),
    ],
)
def test_capabilities_are_those_that_are_needed(role: Role, more: str, capabilities: str) -> None:
    """Ambient and bounding alike; with none at all the service gets a user namespace too."""
    lines = _lines(role, more)

    assert f"AmbientCapabilities={capabilities}" in lines
    assert f"CapabilityBoundingSet={capabilities}" in lines
    assert ("PrivateUsers=yes" in lines) == (not capabilities)


def test_secrets_are_handed_over_as_credentials() -> None:
    """Each role's own, and no other's."""
    mail = (
        '[alert.mail]\nto = ["noc@example.com"]\n'
        'smtp = "smtps://me@mail.example/"\npassword_file = "smtp-password"\n'
    )

    def handed(role: Role, more: str) -> list[str]:
        return [line for line in _lines(role, more) if line.startswith("LoadCredential=")]

    password = "LoadCredential=smtp-password:/etc/whydown/smtp-password"
    assert handed(Role.RUN, mail) == [password]
    assert handed(Role.AGENT, AGENT + mail) == [
        "LoadCredential=vantage-key.pem:/etc/whydown/vantage-key.pem", password,
    ]  # fmt: skip
    assert handed(Role.HUB, HUB + mail) == ["LoadCredential=hub-key.pem:/etc/whydown/hub-key.pem", password]


def test_a_hub_is_handed_the_passwords_of_its_servers() -> None:
    """The service's user could not read them; an agent has nothing to do with either."""
    database = 'url = "postgresql://w@db/w"\npassword_file = "db-word"'
    bus = '[bus]\nurl = "tls://broker.example"\nuser = "w"\npassword_file = "bus-word"\n'
    servers = BASE.replace('path = "/var/lib/whydown/whydown.db"', database) + HUB + bus
    handed = [
        line
        for line in unit_text(Role.HUB, WHYDOWN, parse_config(servers, ETC), ["store"]).splitlines()
        if line.startswith("LoadCredential=")
    ]

    assert handed[1:] == [
        "LoadCredential=db-word:/etc/whydown/db-word",
        "LoadCredential=bus-word:/etc/whydown/bus-word",
    ]


@pytest.mark.parametrize(
    ("text", "program", "said"),
    [
        (
            BASE.replace("/var/lib/whydown/whydown.db", "data/whydown.db"),
            WHYDOWN,
            "history.path is /etc/whydown/data",
        ),
        (BASE.replace("whydown/whydown.db", "whydown/../x.db"), WHYDOWN, "history.path"),
        (BASE, Path("/home/me/whydown/.venv/bin/whydown"), "hidden from the service"),
        (BASE, Path("/opt/my tools/whydown"), "without spaces"),
        (BASE, Path("/opt/50%/whydown"), "without spaces"),
    ],
)
def test_what_a_hardened_service_cannot_do_is_refused(text: str, program: Path, said: str) -> None:
    """With the key or path and what to do instead, not by a service that fails at night."""
    with pytest.raises(UnfitForServiceError, match=said):
        unit_text(Role.RUN, program, parse_config(text, ETC))


def test_only_the_role_s_own_file_must_be_in_the_state_directory() -> None:
    """An agent has no history, a hub no spool."""
    elsewhere = BASE.replace("/var/lib/whydown/whydown.db", "data/whydown.db")

    assert unit_text(Role.AGENT, WHYDOWN, parse_config(elsewhere + AGENT, ETC))


@pytest.fixture
def visible() -> Iterator[Path]:
    """A folder that services see, as they do not see /tmp."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("/dev/shm cannot be written")
    with tempfile.TemporaryDirectory(prefix="whydown-", dir="/dev/shm") as folder:
        yield Path(folder)


def _install(config: Path, to: Path, *more: str) -> Result:
    return CliRunner().invoke(
        main,
        ["install-unit", "run", "--config", str(config), "--to", str(to), "--program", "/usr/bin/true", *more],
    )


def test_the_verb_writes_or_prints_the_unit(visible: Path) -> None:
    """The same text, and what to do next."""
    config = visible / "config.toml"
    config.write_text(BASE)
    printed = _install(config, visible, "--print")
    assert list(visible.glob("*.service")) == []
    written = _install(config, visible)

    assert (printed.exit_code, written.exit_code) == (0, 0), printed.output + written.output
    assert (visible / "whydown-run.service").read_text() == printed.output
    assert f"ExecStart=/usr/bin/true run --config {config}\n" in printed.output
    assert "systemctl enable --now whydown-run.service" in written.output


def test_the_verb_refuses_what_does_not_fit(visible: Path, tmp_path: Path) -> None:
    """Exit 2 for the configuration, 1 for the folder; nothing is written."""
    config = visible / "config.toml"
    config.write_text(BASE.replace("/var/lib/whydown/whydown.db", "w.db"))
    unfit = _install(config, tmp_path)
    config.write_text(BASE)
    no_folder = _install(config, tmp_path / "none")

    assert (unfit.exit_code, no_folder.exit_code) == (2, 1)
    assert "history.path is" in unfit.output
    assert "No such file" in no_folder.output
    assert list(tmp_path.rglob("*.service")) == []
