"""What to ask a DNS server, checked when it is written down."""

from __future__ import annotations

from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype

from probes.dns.server_address import parse_server

ROLES = ("recursive", "authoritative")
TRANSPORTS = ("udp", "tcp")
_UDP_PAYLOAD = 1232  # bytes; what DNS flag day 2020 agreed on, so that no answer is fragmented


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsQuestion:
    """One question to one server.

    `server`: address, `v4:port` or `[v6]:port`. `role` recursive asks for recursion, authoritative does
    not. `transport`: udp (then TCP if the answer was truncated) or tcp. `timeout_s`: deadline of it all.

    :raises ValueError: the server, name, type, role, transport or time-out cannot be used
    """

    server: str
    name: str
    rrtype: str = "A"
    role: str = "recursive"
    transport: str = "udp"
    timeout_s: float = 5.0

    def __post_init__(self) -> None:
        parse_server(self.server)
        if self.role not in ROLES:
            raise ValueError(f"role must be one of {', '.join(ROLES)}: {self.role!r}")
        if self.transport not in TRANSPORTS:
            raise ValueError(f"transport must be one of {', '.join(TRANSPORTS)}: {self.transport!r}")
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s must be above 0: {self.timeout_s}")
        parse_name(self.name)
        _parse_type(self.rrtype)

    def message(self) -> dns.message.QueryMessage:
        """The query with a random id (dnspython takes it from the system's randomness) and EDNS.

        DO asks a validating resolver to say whether it validated (RFC 4035 section 3.2.1).
        """
        query = dns.message.make_query(
            parse_name(self.name), _parse_type(self.rrtype), use_edns=0, want_dnssec=True, payload=_UDP_PAYLOAD
        )
        if self.role == "authoritative":
            query.flags &= ~dns.flags.RD
        return query


def parse_name(text: str) -> dns.name.Name:
    """Read a name as absolute; non-ASCII labels become punycode.

    :raises ValueError: not a DNS name (RFC 1035 section 3.1)
    """
    if len(text) > 1024:  # 255 octets on the wire, at most four characters each in presentation form
        raise ValueError(f"name is longer than 1024 characters: {text[:40]!r}...")
    try:
        return dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError) as exc:
        raise ValueError(f"not a DNS name: {text[:80]!r} ({exc})") from exc


def _parse_type(text: str) -> dns.rdatatype.RdataType:
    try:
        rdtype = dns.rdatatype.from_text(text)
    except (dns.exception.DNSException, ValueError) as exc:
        raise ValueError(f"not a DNS record type: {text[:40]!r}") from exc
    if dns.rdatatype.is_metatype(rdtype):
        raise ValueError(f"record type cannot be asked for: {text[:40]!r}")
    return rdtype
