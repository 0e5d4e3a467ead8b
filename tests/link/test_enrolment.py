"""Keys: readable for their owner alone, never overwritten, never shown."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.agent.hub_link import load_signer
from monitor.cli import main
from monitor.config import parse_config
from monitor.link.enrolment import make_hub_certificate, make_vantage_key
from monitor.model.vantage_key import VantageKey, parse_vantage_key


def test_a_key_is_readable_for_its_owner_alone_and_in_no_text(tmp_path: Path) -> None:
    """Its public half is what the signer signs with."""
    file = tmp_path / "key.pem"
    key = make_vantage_key(file)
    signer = load_signer(file)
    secret = "".join(file.read_text().splitlines()[1:-1])

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert signer.key == key
    assert secret[-20:] not in f"{signer!r} {vars(signer)} {key!r} {key}"


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """With what to do about it."""
    file = tmp_path / "key.pem"
    make_vantage_key(file)
    file.chmod(0o640)
    with pytest.raises(ValueError, match="chmod 600"):
        load_signer(file)


def test_enrolling_prints_one_line_that_the_hub_takes(tmp_path: Path) -> None:
    """And a second time into the same file it makes nothing."""
    file = str(tmp_path / "key.pem")
    arguments = ["enroll", "vantage", "--name", "Köln 1", "--key-file", file, "--days", "30"]
    first, second = (CliRunner().invoke(main, arguments) for _ in range(2))
    config = parse_config(f'[[target]]\nname = "a"\nurl = "https://a.example/"\n[vantages]\n{first.stdout}')
    (vantage,) = config.vantages

    assert (first.exit_code, second.exit_code) == (0, 1)
    assert "exists" in second.stderr
    assert first.stdout.count("\n") == 1
    assert vantage.name == "Köln 1"
    assert vantage.keys[0].until is not None
    assert vantage.keys[0].public == load_signer(Path(file)).key.public


def test_the_list_says_until_when_each_key_opens(tmp_path: Path) -> None:
    """With an id that logs use, and never the key itself."""
    key = VantageKey(bytes(range(32)), 1_700_006_400.0)
    file = tmp_path / "config.toml"
    file.write_text(f'[[target]]\nname = "a"\nurl = "https://a.example/"\n[vantages]\nv.keys = ["{key}"]\n')
    result = CliRunner().invoke(main, ["enroll", "list", "--config", str(file)])

    assert result.output == f"v  {key.id}  expired 2023-11-14\n"


def test_one_file_may_hold_the_certificates_of_two_hubs_of_one_name(tmp_path: Path) -> None:
    """A vantage believes both, in either order; OpenSSL finds an issuer by its subject."""
    for hub in ("first", "second"):
        make_hub_certificate(tmp_path / f"{hub}.pem", tmp_path / f"{hub}.key", ["hub.example"], datetime.now(UTC))
    both = "".join((tmp_path / f"{hub}.pem").read_text() for hub in ("first", "second"))

    for hub in ("first", "second"):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(tmp_path / f"{hub}.pem", tmp_path / f"{hub}.key")
        _shake_hands(ssl.create_default_context(cadata=both), server)


def _shake_hands(client_context: ssl.SSLContext, server_context: ssl.SSLContext) -> None:
    """A handshake in memory.

    :raises ssl.SSLError: one does not believe the other
    """
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client_context.wrap_bio(down, up, server_hostname="hub.example"),
        server_context.wrap_bio(up, down, server_side=True),
    ]
    for _ in range(3):
        for end in tuple(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)
    assert ends == []


@settings(derandomize=True, max_examples=50)
@given(public=st.binary(min_size=32, max_size=32), days=st.none() | st.integers(1, 50_000))
def test_a_key_is_written_as_it_is_read(public: bytes, days: int | None) -> None:
    """With its last day or without."""
    key = VantageKey(public, None if days is None else days * 86400.0)

    assert parse_vantage_key(str(key)) == key


@settings(derandomize=True, max_examples=100)
@given(text=st.text(max_size=80) | st.text(max_size=60).map("ed25519:{}".format))
def test_any_text_is_a_key_or_a_value_error(text: str) -> None:
    """Nothing else comes out of it."""
    try:
        key = parse_vantage_key(text)
    except ValueError:
        return
    assert len(key.public) == 32
