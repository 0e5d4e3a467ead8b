"""The words of validation: what is known, what is still wanted, what came out. Pure values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset


class Status(StrEnum):
    """RFC 4035 section 4.3, without "indeterminate": what could not be asked has no verdict."""

    SECURE = "secure"
    INSECURE = "insecure"
    BOGUS = "bogus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`reason` says what decided it. `expires_at`: the earliest end of a signature that it rests on, Unix
    seconds; of a bogus one whose signature has ended, that end. None where no signature was met.
    """

    status: Status
    reason: str
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Records that validation needs next: the DNSKEY of a zone, the DS of a name from its parent's side, or
    those of an alias's target, asked for alone."""

    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType


@dataclass(frozen=True, slots=True)
class Response:
    """What a server said: records in answer and authority, and whether the name exists at all."""

    answer: tuple[dns.rrset.RRset, ...]
    authority: tuple[dns.rrset.RRset, ...]
    exists: bool

    @classmethod
    def of(cls, message: dns.message.Message) -> Response:
        """The parts of a reply that validation looks at: records of the Internet class."""
        answer, authority = (
            tuple(rrset for rrset in section if rrset.rdclass == dns.rdataclass.IN)
            for section in (message.answer, message.authority)
        )
        return cls(answer, authority, message.rcode() != dns.rcode.NXDOMAIN)

    def find(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
        """The answer's records of that owner and type."""
        return next((rrset for rrset in self.answer if rrset.name == name and rrset.rdtype == rdtype), None)


def signatures(section: tuple[dns.rrset.RRset, ...], rrset: dns.rrset.RRset) -> dns.rrset.RRset | None:
    """The RRSIG records of a section that cover `rrset`."""
    return next((one for one in section if one.name == rrset.name and one.covers == rrset.rdtype), None)


def upwards(name: dns.name.Name, end: dns.name.Name = dns.name.root) -> Iterator[dns.name.Name]:
    """`name`, its parent, and so on to `end`, which `name` is at or below."""
    while True:
        yield name
        if name in (end, dns.name.root):
            return
        name = name.parent()


class InsecureError(Exception):
    """The chain ends, rightly, before the records: nothing can be said of their truth."""


class BogusError(Exception):
    """A record that should be proven is not. `expires_at`: the end of the signature that has ended."""

    def __init__(self, reason: str, expires_at: float | None = None) -> None:
        super().__init__(reason)
        self.expires_at = expires_at
