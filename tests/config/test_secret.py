"""Secrets that systemd hands over are taken instead of the files that only root can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.agent.hub_link import load_signer
from monitor.config.document import parse_config
from monitor.config.secret import first_line
from monitor.link.enrolment import make_vantage_key

TEXT = """
[hub]
url = "https://hub.example/"
listen = "127.0.0.1:8443"
certificate_key = "tls/own.pem"
[alert.mail]
to = ["noc@example.com"]
smtp = "smtps://me@mail.example/"
password_file = "smtp-password"
[[target]]
name = "shop"
url = "https://shop.example/"
"""
ETC = Path("/etc/whydown/config.toml")


def _secrets() -> list[Path]:
    config = parse_config(TEXT, ETC)
    assert config.hub is not None
    assert config.intake is not None
    assert config.alert.mail is not None
    assert config.alert.mail.password_file is not None
    return [config.hub.key_file, config.intake.certificate_key, config.alert.mail.password_file]


def test_a_credential_of_the_same_name_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each secret there is one for; the others, and a directory of that name, are left as they are."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    plain = [ETC.with_name("vantage-key.pem"), ETC.parent / "tls/own.pem", ETC.with_name("smtp-password")]
    assert _secrets() == plain

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "vantage-key.pem").write_text("key")
    (tmp_path / "own.pem").write_text("key")
    (tmp_path / "smtp-password").mkdir()
    assert _secrets() == [tmp_path / "vantage-key.pem", tmp_path / "own.pem", plain[2]]


def test_a_handed_key_may_be_readable_by_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemd gives the right by an ACL, whose mask shows there; elsewhere, and for others, it is refused."""
    key = tmp_path / "vantage-key.pem"
    make_vantage_key(key)
    key.chmod(0o440)
    with pytest.raises(ValueError, match="others may read"):
        load_signer(key)

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_signer(key)
    key.chmod(0o444)
    with pytest.raises(ValueError, match="others may read"):
        load_signer(key)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"hunter2\n", "hunter2"),
        (b" with spaces \r\nand a second line\n", " with spaces "),
        (b"", ""),
        (b"x" * 10_000, "x" * 4096),
    ],
)
def test_a_secret_is_the_first_line_of_its_file(tmp_path: Path, written: bytes, read: str) -> None:
    """Without its line end; of a file that has none, no more than a secret can be."""
    path = tmp_path / "secret"
    path.write_bytes(written)

    assert first_line(path) == read


def test_a_file_of_other_bytes_holds_no_secret(tmp_path: Path) -> None:
    """Half of a key in another coding would be refused elsewhere, by somebody who does not say why."""
    path = tmp_path / "secret"
    path.write_bytes(b"\xff\xfe\n")

    with pytest.raises(UnicodeError):
        first_line(path)
