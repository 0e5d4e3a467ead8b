"""A server that speaks TLS and asks for a password: who gets in, and what is said to those who do not."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
import trustme
from postgres_server import QUICK, postgres_server

from monitor.doctor.database import look_at_database
from monitor.history import HistoryError, Reader, Store
from monitor.model.history_place import DatabaseUrl
from monitor.station.plugin_state import State
from probes.observation import NotMeasured

PASSWORD = "correct-horse-battery"
LOGIN = "local all all trust\nhostssl all all 127.0.0.0/8 scram-sha-256\n"


@dataclass(frozen=True, slots=True)
class Guarded:
    """Where a history is, reached over TLS by who has the password in `folder`."""

    folder: Path
    place: DatabaseUrl

    def with_words(self, old: str, new: str) -> DatabaseUrl:
        """The place with another word in its URL."""
        assert old in self.place.text
        return replace(self.place, text=self.place.text.replace(old, new))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A server with an authority of its own; its socket lets everybody in, its port those with a password."""
    folder = tmp_path_factory.mktemp("guarded")
    host = f"127.{secrets.randbelow(200) + 10}.{secrets.randbelow(256)}.{secrets.randbelow(254) + 1}"
    (folder / "password").write_text(f"{PASSWORD}\n")
    (folder / "wrong-password").write_text("wrong\n")
    trustme.CA().cert_pem.write_to_path(folder / "another-ca.pem")

    def guards(of_server: Path) -> tuple[str, ...]:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "ca.pem")
        identity = authority.issue_cert(host)
        identity.private_key_pem.write_to_path(of_server / "key.pem")
        (of_server / "key.pem").chmod(0o600)
        identity.cert_chain_pems[0].write_to_path(of_server / "certificate.pem")
        (of_server / "hba.conf").write_text(LOGIN)
        files = {"ssl_key_file": "key.pem", "ssl_cert_file": "certificate.pem", "hba_file": "hba.conf"}
        named = [f"{setting}={of_server / name}" for setting, name in files.items()]
        return (f"listen_addresses={host}", "ssl=on", *named)

    with postgres_server(QUICK, guards) as server:
        if server is None:
            pytest.skip("PostgreSQL is not installed")
        place = server.history()
        with psycopg.connect(place.text, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE whydown LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
        name = place.text.partition("@/")[2].partition("?")[0]
        text = f"postgresql://whydown@{host}/{name}?sslmode=verify-full&sslrootcert={folder / 'ca.pem'}"
        yield Guarded(folder, DatabaseUrl(text, folder / "password"))


def _refusal(place: DatabaseUrl) -> str:
    """What doctor says of it, critically."""
    (found,) = asyncio.run(look_at_database(place))
    assert found.state is State.CRITICAL
    assert PASSWORD not in found.text
    return found.text


def test_who_has_authority_and_password_writes_and_reads(guarded: Guarded) -> None:
    """Over TLS, by the very URL and file of a configuration."""
    with Store.open(guarded.place) as store:
        store.add_observations([NotMeasured(at=1.7e9, vantage="v", target="t", probe="http", reason="missed")])
    with Reader.open(guarded.place) as reader:
        assert len(list(reader.observations(0.0, 1e11))) == 1
    first, *_ = asyncio.run(look_at_database(guarded.place))

    assert first.state is State.OK
    assert PASSWORD not in repr(guarded.place)


def test_the_environment_may_have_the_password_too(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    """As all that speaks to PostgreSQL takes it."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with Reader.open(replace(guarded.place, password_file=None)) as reader:
        assert list(reader.observations(0.0, 1.0)) == []


def test_a_wrong_password_is_said(guarded: Guarded) -> None:
    """By the user's name, not by the password."""
    said = _refusal(replace(guarded.place, password_file=guarded.folder / "wrong-password"))

    assert 'password authentication failed for user "whydown"' in said


def test_a_missing_password_is_said(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no file and nothing in the environment."""
    monkeypatch.delenv("PGPASSWORD", raising=False)

    assert "no password supplied" in _refusal(replace(guarded.place, password_file=None))


def test_a_server_of_another_authority_is_not_believed(guarded: Guarded) -> None:
    """Nor told the password."""
    assert "certificate verify failed" in _refusal(guarded.with_words("ca.pem", "another-ca.pem"))


def test_a_server_that_wants_tls_is_not_spoken_to_in_clear(guarded: Guarded) -> None:
    """The server says so, and its words are shown."""
    assert "no pg_hba.conf entry" in _refusal(guarded.with_words("sslmode=verify-full", "sslmode=disable"))


def test_a_password_file_that_cannot_be_read_is_named(guarded: Guarded) -> None:
    """Before anybody is asked."""
    place = replace(guarded.place, password_file=guarded.folder / "missing")

    with pytest.raises(HistoryError, match=r"password_file .*missing cannot be read: No such file"):
        Reader.open(place)
