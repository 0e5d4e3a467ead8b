"""The dictionaries: what repeats in facts is stored once and referred to by number.

`WritingGlossary` gives numbers to values and belongs to the writer's connection; `ReadingGlossary` gives
the values back. Neither knows what the values mean.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from hashlib import blake2b

import msgspec

from monitor.history.connection import Connection
from monitor.history.errors import DamagedValueError, UnstorableFactError

Value = str | int | bytes | None
Values = tuple[Value, ...]

# table -> its columns beside id and digest, in the order of the values.
DICTIONARIES: dict[str, tuple[str, ...]] = {
    "target": ("name",),
    "vantage": ("name",),
    "word": ("text",),
    "identity": ("spki_sha256", "certificate_sha256", "issuer", "not_after", "tls_version"),
    "tls_detail": ("not_before", "names", "chain", "alpn"),
    "outcome": (
        "address",
        "family",
        "failure",
        "status",
        "http_version",
        "retransmits",
        "identity",
        "body_bytes",
        "body_sha256",
        "checks_failed",
        "tls_detail",
        "redirects",
    ),
    "question": ("server", "role", "transport", "name", "rrtype"),
    "answer": ("rcode", "answers", "cnames", "dnssec"),
    "dns_detail": ("subnet", "ecs", "nsid", "soa_serial", "dnssec_reason"),
    "aim": ("address", "method", "port", "flow", "mode"),
    "path": ("hops",),
    "way_back": ("ttls",),
    "prefix": ("text", "low", "high"),
    "peer": ("collector", "address", "asn"),
    "as_path": ("text",),
}

# Remembered entries a dictionary; then memory is given back and it starts again. 20,000 paths of 20 hops
# are about 30 MB.
REMEMBERED = 20_000
# Characters of one text. A certificate's issuer or a traceroute's hops are far below it.
MAX_TEXT = 65_536

_ENCODE = msgspec.msgpack.Encoder().encode


class WritingGlossary:
    """Values to numbers; a value that is new is added within the caller's transaction.

    `day`: on which the facts are that are being written, days since 1970. An entry remembers the last of its
    days (`seen`), and may be forgotten when the facts of that day are.
    """

    def __init__(self, connection: Connection) -> None:
        self.day = 0
        self._met: set[Value] = set()
        self._connection = connection
        self._known: dict[str, dict[Values, tuple[int, int]]] = {table: {} for table in DICTIONARIES}
        self._composed: dict[Hashable, tuple[int, int]] = {}

    def number(self, table: str, values: Values) -> int:
        """The number of these values in the dictionary `table`.

        :raises UnstorableFactError: a text is too long or not Unicode, or an integer needs more than 64 bits
        """
        known = self._known[table]
        entry = known.get(values)
        if entry is None or entry[1] < self.day:
            entry = self._find_or_add(table, values)
            if len(known) >= REMEMBERED:
                known.clear()
            known[values] = entry
        return entry[0]

    def composed(self, whole: Hashable, compose: Callable[[], int]) -> int:
        """The number of an entry that refers to others: what `compose` gives, asked once a day for the same whole.

        It is called each day, so that all that the entry refers to remembers that day too.
        """
        entry = self._composed.get(whole)
        if entry is None or entry[1] < self.day:
            entry = compose(), self.day
            if len(self._composed) >= REMEMBERED:
                self._composed.clear()
            self._composed[whole] = entry
        return entry[0]

    def word(self, text: str | None) -> int | None:
        """The number of a word; None stays None."""
        return None if text is None else self.number("word", (text,))

    @staticmethod
    def free_text(text: str | None) -> str | None:
        """A text that is kept in the row itself, because it seldom repeats.

        :raises UnstorableFactError: too long, or not Unicode
        """
        check_value(text)
        return text

    def repeats(self, value: Value) -> bool:
        """Whether the value was asked about before, as far as is remembered: if it is worth an entry."""
        if value in self._met:
            return True
        if len(self._met) >= REMEMBERED:
            self._met.clear()
        self._met.add(value)
        return False

    def forget(self) -> None:
        """Drop what is remembered: after a rollback or a prune the numbers may be gone."""
        for known in self._known.values():
            known.clear()
        self._composed.clear()

    def _find_or_add(self, table: str, values: Values) -> tuple[int, int]:
        """The entry's number and its last day, which is `day` or later now."""
        for value in values:
            check_value(value)
        digest = blake2b(_ENCODE(values), digest_size=16).digest()
        row = self._connection.execute(f"SELECT id, seen FROM {table} WHERE digest = ?", (digest,)).fetchone()  # noqa: S608
        if row is None:
            columns = ("digest", "seen", *DICTIONARIES[table])
            marks = ", ".join("?" * len(columns))
            # Another writer may have added it in between; the day that it put there is as good.
            ((number,),) = self._connection.execute(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608
                " ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest RETURNING id",
                (digest, self.day, *values),
            ).fetchall()
            return int(number), self.day
        number, seen = row
        if seen < self.day:
            self._connection.execute(
                f"UPDATE {table} SET seen = ? WHERE id = ? AND seen < ?",  # noqa: S608
                (self.day, number, self.day),
            )
        return number, max(seen, self.day)


class ReadingGlossary:
    """Numbers to values, within the reader's current snapshot."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, dict[int, Values]] = {table: {} for table in DICTIONARIES}

    def values(self, table: str, number: int) -> Values:
        """The values behind a number. A number that is not there means damage (DamagedValueError)."""
        known = self._known[table]
        values = known.get(number)
        if values is None:
            columns = ", ".join(DICTIONARIES[table])
            row = self._connection.execute(f"SELECT {columns} FROM {table} WHERE id = ?", (number,)).fetchone()  # noqa: S608
            if row is None:
                raise DamagedValueError(f"{table} {number} is referred to and missing")
            values = tuple(row)
            if len(known) >= REMEMBERED:
                known.clear()
            known[number] = values
        return values

    def text(self, table: str, number: int) -> str:
        """The text of an entry of a dictionary with one column."""
        return str(self.values(table, number)[0])

    def word(self, number: int | None) -> str | None:
        """The text of a word; None stays None."""
        return None if number is None else self.text("word", number)


def check_value(value: object) -> None:
    """Refuse what no engine can hold or nobody should send.

    :raises UnstorableFactError: a text that is too long or not Unicode, or an integer of more than 64 bits
    """
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise UnstorableFactError(f"a text of {len(value)} characters exceeds {MAX_TEXT}")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise UnstorableFactError(f"a text is not Unicode: {error.reason} at {error.start}") from error
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise UnstorableFactError("an integer needs more than 64 bits")
