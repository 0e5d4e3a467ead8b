"""Who may look: names with passwords, kept as scrypt hashes (RFC 7914), asked for by HTTP Basic (RFC 7617).

A line of the login file is `NAME:scrypt$N$r$p$SALT$HASH`, base64 without padding. N, r and p are OWASP's for
32 MiB ("Password Storage Cheat Sheet"). A password that was right is remembered as a keyed digest as
long as the process lives, because hashing takes a tenth of a second and a browser sends it with every request.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from monitor.web.allowance import Allowance

COST, BLOCK, LANES = 2**15, 8, 3
_MOST_COST, _MOST_BLOCK, _MOST_LANES = 2**20, 32, 16
_SALT_BYTES, _HASH_BYTES = 16, 32
MOST_PASSWORD = 1_024
"""Bytes. scrypt takes any number; a header has some thousand."""

MOST_LINES = 1_000
TRIES_PER_S, BURST_S = 2.0, 10.0
"""How many passwords are hashed, of all who try together: guessing stays slow, and the machine free."""

_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")


class LoginFileError(ValueError):
    """A login file cannot be used; says which line, and why."""


class TooManyTriesError(Exception):
    """Passwords are being tried too fast; `wait_s`: come again after so long."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many wrong passwords; wait {wait_s:.0f} s")
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A scrypt hash with what it was made with."""

    cost: int
    block: int
    lanes: int
    salt: bytes
    digest: bytes

    @classmethod
    def of(cls, password: str) -> PasswordHash:
        """The hash of a password, with new salt."""
        salt = secrets.token_bytes(_SALT_BYTES)
        kdf = Scrypt(salt=salt, length=_HASH_BYTES, n=COST, r=BLOCK, p=LANES)
        return cls(COST, BLOCK, LANES, salt, kdf.derive(password.encode()))

    @classmethod
    def parse(cls, text: str) -> PasswordHash:
        """What `str` wrote.

        :raises ValueError: it did not write this
        """
        word, *numbers, salt, digest = text.split("$") if text.count("$") == 5 else ("", "", "")
        if word != "scrypt" or not all(number.isascii() and number.isdigit() for number in numbers):
            raise ValueError("no hash of the form scrypt$N$r$p$SALT$HASH")
        cost, block, lanes = (int(number[:9]) for number in numbers)
        if not (1 < cost <= _MOST_COST and not cost & (cost - 1) and 0 < block <= _MOST_BLOCK):
            raise ValueError(f"N={cost} must be a power of two up to {_MOST_COST}, r={block} 1 to {_MOST_BLOCK}")
        if not 0 < lanes <= _MOST_LANES:
            raise ValueError(f"p={lanes} must be 1 to {_MOST_LANES}")
        found = cls(cost, block, lanes, _unpacked(salt), _unpacked(digest))
        if len(found.salt) < _SALT_BYTES or len(found.digest) != _HASH_BYTES:
            raise ValueError(f"SALT must be {_SALT_BYTES} bytes or more, HASH {_HASH_BYTES}")
        return found

    def __str__(self) -> str:
        return f"scrypt${self.cost}${self.block}${self.lanes}${_packed(self.salt)}${_packed(self.digest)}"

    def fits(self, password: str) -> bool:
        """Whether it is of this password; takes a tenth of a second."""
        kdf = Scrypt(salt=self.salt, length=_HASH_BYTES, n=self.cost, r=self.block, p=self.lanes)
        try:
            kdf.verify(password.encode(), self.digest)
        except InvalidKey:
            return False
        return True


def login_line(name: str, password: str) -> str:
    """The line of a login file for a name.

    :raises ValueError: no name to log in by, or no password
    """
    if not _NAME.fullmatch(name):
        raise ValueError("a name has 1 to 64 letters, digits and any of _ . @ -")
    if not 1 <= len(password.encode()) <= MOST_PASSWORD:
        raise ValueError(f"a password has 1 to {MOST_PASSWORD} bytes")
    return f"{name}:{PasswordHash.of(password)}"


def parse_logins(text: str) -> dict[str, PasswordHash]:
    """The lines of a login file; `#` begins a comment, empty lines are nothing.

    :raises LoginFileError: a line is none, a name comes twice, or nobody is named
    """
    found: dict[str, PasswordHash] = {}
    for number, line in enumerate(text.splitlines()[: MOST_LINES + 1], 1):
        name, _, rest = line.strip().partition(":")
        if not name or name.startswith("#"):
            continue
        if not _NAME.fullmatch(name) or name in found:
            raise LoginFileError(f"line {number}: no name, or one that stands there already")
        try:
            found[name] = PasswordHash.parse(rest)
        except ValueError as error:
            raise LoginFileError(f"line {number}: {error}") from error
    if not 0 < len(found) <= MOST_LINES:
        raise LoginFileError(f"it names {len(found)} people; 1 to {MOST_LINES} can be")
    return found


class Logins:
    """Those who may look. Safe to share between threads; `check` blocks while it hashes."""

    def __init__(self, logins: Mapping[str, PasswordHash], monotonic: Callable[[], float]) -> None:
        self._logins = dict(logins)
        self._monotonic = monotonic
        self._key = secrets.token_bytes(32)
        self._right: set[bytes] = set()
        self._turn = threading.Lock()
        self._tries = Allowance((TRIES_PER_S,), BURST_S, monotonic())
        # Who is not known costs as much time as who is.
        self._nobody = PasswordHash(COST, BLOCK, LANES, bytes(_SALT_BYTES), bytes(_HASH_BYTES))

    def knows(self, authorization: str) -> bool:
        """Whether this Authorization header was found right before; takes no time."""
        return self._digest(authorization) in self._right

    def check(self, authorization: str) -> bool:
        """Whether an Authorization header names somebody with their password.

        :raises TooManyTriesError: too many were tried just before
        """
        named = credentials(authorization)
        if named is None:
            return False
        with self._turn:
            wait_s = self._tries.spend((1,), self._monotonic())
        if wait_s > 0:
            raise TooManyTriesError(wait_s)
        name, password = named
        is_right = self._logins.get(name, self._nobody).fits(password)
        if is_right:
            self._right.add(self._digest(authorization))
        return is_right

    def _digest(self, authorization: str) -> bytes:
        return hmac.digest(self._key, authorization.encode("utf-8", "surrogateescape"), hashlib.sha256)


def credentials(authorization: str) -> tuple[str, str] | None:
    """Name and password of a Basic Authorization header; None: it is none."""
    scheme, _, packed = authorization.partition(" ")
    if scheme.lower() != "basic" or len(packed) > 2 * MOST_PASSWORD:
        return None
    try:
        name, found, password = base64.b64decode(packed.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (name, password) if found and 0 < len(password.encode()) <= MOST_PASSWORD else None


def _packed(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


def _unpacked(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
