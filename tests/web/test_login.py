"""Passwords of the dashboard: their hashes, the file that holds them, and how fast they can be guessed."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.web.dashboard.login import (
    BLOCK,
    BURST_S,
    COST,
    LANES,
    TRIES_PER_S,
    LoginFileError,
    Logins,
    PasswordHash,
    TooManyTriesError,
    credentials,
    login_line,
    parse_logins,
)

SALT = bytes(range(16))
HASH = PasswordHash(COST, BLOCK, LANES, SALT, bytes(32))


def cheap(password: str) -> PasswordHash:
    """A hash that takes no time."""
    digest = Scrypt(salt=SALT, length=32, n=2, r=1, p=1).derive(password.encode())
    return PasswordHash(2, 1, 1, SALT, digest)


def basic(name: str, password: str) -> str:
    """An Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def test_a_line_holds_who_it_was_made_for_and_nobody_else() -> None:
    """Its hash costs what OWASP says, and is salted anew each time."""
    line = login_line("alice", "pässword")
    found = parse_logins(f"# the night shift\n\n{line}\n")["alice"]

    assert (found.cost, found.block, found.lanes) == (2**15, 8, 3)
    assert found.fits("pässword")
    assert not found.fits("password")
    assert line != login_line("alice", "pässword")
    assert "pässword" not in line


@pytest.mark.parametrize(
    ("name", "password"), [("", "x"), ("a:b", "x"), ("a b", "x"), ("a", ""), ("a", "x" * 1025)]
)
def test_names_and_passwords_that_no_header_could_carry_are_refused(name: str, password: str) -> None:
    """A colon ends the name (RFC 7617 section 2)."""
    with pytest.raises(ValueError, match="has 1 to"):
        login_line(name, password)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it names 0 people"),
        ("# nobody", "it names 0 people"),
        ("alice", "line 1: no hash"),
        ("alice:secret", "line 1: no hash"),
        (f"alice:{HASH}\nalice:{HASH}", "line 2: no name, or one that stands there already"),
        (f"a b:{HASH}", "line 1: no name"),
        (f"alice:{HASH}".replace("$32768$", "$3$"), "line 1: N=3 must be a power of two"),
        (f"alice:{HASH}".replace("$32768$", "$1073741824$"), "line 1: N="),
        (f"alice:{HASH}".replace("$8$3$", "$8$99$"), "line 1: p=99"),
        (f"alice:{HASH}"[:-4], "line 1: SALT must be"),
        (f"alice:{HASH}$", "line 1: no hash"),
    ],
)
def test_a_bad_line_is_named(text: str, says: str) -> None:
    """With its number; costs that would take the machine's memory are refused."""
    with pytest.raises(LoginFileError, match=says):
        parse_logins(text)


@settings(derandomize=True, max_examples=60)
@given(
    st.text()
    | st.builds(lambda tail: "alice:scrypt$" + tail, st.text(alphabet="0123456789$abcAB+/=", max_size=90))
)
def test_any_text_is_logins_or_our_error(text: str) -> None:
    """Nothing else gets out of the parser."""
    try:
        found = parse_logins(text)
    except LoginFileError:
        return
    assert found
    assert {name: PasswordHash.parse(str(hashed)) for name, hashed in found.items()} == found


@settings(derandomize=True, max_examples=60)
@given(st.text() | st.builds(lambda data: "Basic " + base64.b64encode(data).decode(), st.binary(max_size=60)))
def test_any_header_is_credentials_or_none(header: str) -> None:
    """What is found can be put together again."""
    found = credentials(header)

    assert found is None or credentials(basic(*found)) == found


def test_a_password_with_colons_is_whole() -> None:
    """The first colon ends the name."""
    assert credentials(basic("alice", "a:b:c")) == ("alice", "a:b:c")


def test_guessing_is_slow_and_who_is_known_need_not_wait() -> None:
    """After a burst everybody else waits; no time passes here, for it is told."""
    now = [100.0]
    logins = Logins({"alice": cheap("right")}, lambda: now[0])
    right = basic("alice", "right")

    assert logins.check(right)
    tries = int(TRIES_PER_S * BURST_S) - 1
    assert [logins.check(basic("alice", f"guess {number}")) for number in range(tries)] == [False] * tries
    with pytest.raises(TooManyTriesError, match="too many wrong passwords"):
        logins.check(basic("alice", "one more"))
    assert logins.knows(right)
    assert not logins.knows(basic("alice", "guess 1"))
    now[0] += 1.0
    assert not logins.check(basic("alice", "one more"))
