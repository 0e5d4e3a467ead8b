"""`whydown check-config`: what a monitor would do, told before it does it."""

from __future__ import annotations

from pathlib import Path

import msgspec
from click.testing import CliRunner

from monitor.cli import main

CONFIG = """
[vantage]
name = "seoul-1"
[[target]]
name = "qr"
url = "https://qr.example/"
interval = "10s"
depends_on = ["coov"]
[[target]]
name = "coov"
url = "https://203.0.113.7/"
interval = "60s"
[[control]]
url = "https://control.example/"
interval = "20s"
[[bgp]]
source = "ris-live"
[alert.mail]
to = ["noc@example.com"]
"""


def _check(file: Path, *options: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["check-config", *options, str(file)])
    return result.exit_code, result.stdout, result.stderr


def test_summary_says_who_what_how_often_and_whom(tmp_path: Path) -> None:
    """Targets, intervals, rounds a minute, feeds and recipients."""
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)

    code, out, err = _check(file)

    assert (code, err) == (0, "")
    assert f"{file}: no mistakes" in out
    assert "seoul-1" in out
    assert "qr: https://qr.example/ every 10s, depends on coov" in out
    assert "10 http, 1 dns, 0.4 trace a minute" in out
    assert "ris-live: wss://ris-live.ripe.net/v1/ws/, all collectors" in out
    assert "noc@example.com by smtp://localhost:25" in out


def test_json_holds_the_same(tmp_path: Path) -> None:
    """Rounds: HTTP 6 + 1 + 3 a minute; DNS only for the one target with a name; two traceroutes in 5 min."""
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)

    code, out, _ = _check(file, "--json")
    found = msgspec.json.decode(out)

    assert code == 0
    assert found["ok"] is True
    assert [target["name"] for target in found["targets"]] == ["qr", "coov"]
    assert found["rounds_per_minute"] == {"http": 10.0, "dns": 1.0, "trace": 0.4}
    assert found["mail_to"] == ["noc@example.com"]
    assert found["warnings"] == []


def test_warnings_tell_what_will_not_work_as_hoped(tmp_path: Path) -> None:
    """Absent files, no controls, no routes; usable all the same."""
    file = tmp_path / "config.toml"
    file.write_text(
        '[[target]]\nname = "a"\nurl = "https://a.example/"\nca_file = "absent.pem"\n'
        '[[bgp]]\nsource = "mrt"\npath = "*.gz"\n[web]\nlisten = "127.0.0.1:8080"\nlogin_file = "login"\n'
    )

    code, _, err = _check(file)

    assert code == 0
    assert err.splitlines() == [
        "warning: no [[control]]: a sick vantage cannot be told from a sick target",
        f"warning: ca_file of a: there is no file {tmp_path / 'absent.pem'}",
        f"warning: web.login_file: there is no file {tmp_path / 'login'}",
        f"warning: bgp mrt: nothing matches {tmp_path / '*.gz'}",
    ]


def test_file_that_is_there_is_no_warning(tmp_path: Path) -> None:
    """The near-miss: the same configuration with its files present."""
    file = tmp_path / "config.toml"
    file.write_text(CONFIG + '[prefix_to_as]\npath = "*.txt"\n[[bgp]]\nsource = "mrt"\npath = "*.gz"\n')
    (tmp_path / "table.txt").write_text("203.0.113.0/24\t64500\n")
    (tmp_path / "updates.gz").write_bytes(b"")

    assert _check(file)[2] == ""
