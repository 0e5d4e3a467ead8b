"""What to ask a DNS server, checked when it is written down."""

from __future__ import annotations

from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype

from probes.dns.edns import asked_options
from probes.dns.resolver_address import DEFAULT_PATH
from probes.dns.server_address import ServerAddress, parse_server

ROLES = ("recursive", "authoritative")
TRANSPORTS = ("udp", "tcp", "tls", "https")
_PORTS = {"udp": 53, "tcp": 53, "tls": 853, "https": 443}  # the last two: RFC 7858 section 3.1, RFC 8484
_UDP_PAYLOAD = 1232  # bytes; what DNS flag day 2020 agreed on, so that no answer is fragmented


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsQuestion:
    """One question to one server.

    `server`: address, `v4:port` or `[v6]:port`. `role` recursive asks for recursion, authoritative does
    not. `transport`: udp (then TCP if the answer was truncated), tcp, tls (RFC 7858) or https (RFC 8484).
    `timeout_s`: deadline of it all. `nsid` asks for the server's name for itself, `subnet`
    (`203.0.113.0/24`) for the answer that clients there get. `checking_disabled` has a resolver hand out
    what it would refuse as bogus (RFC 4035 section 3.2.2).

    Over tls and https the certificate must be for `server_name`, or for the address where that is None;
    `ca_file` is a PEM file trusted instead of the system's roots, `path` the resource asked over https.

    :raises ValueError: the server, name, type, role, transport, subnet, path or time-out cannot be used
    """

    server: str
    name: str
    rrtype: str = "A"
    role: str = "recursive"
    transport: str = "udp"
    timeout_s: float = 5.0
    nsid: bool = False
    subnet: str | None = None
    checking_disabled: bool = False
    server_name: str | None = None
    ca_file: str | None = None
    path: str = DEFAULT_PATH

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"role must be one of {', '.join(ROLES)}: {self.role!r}")
        if self.transport not in TRANSPORTS:
            raise ValueError(f"transport must be one of {', '.join(TRANSPORTS)}: {self.transport!r}")
        _ = self.address
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s must be above 0: {self.timeout_s}")
        if not self.path.startswith("/") or not self.path.isascii() or not self.path.isprintable():
            raise ValueError(f"path must begin with / and be printable: {self.path[:80]!r}")
        asked_options(nsid=self.nsid, subnet=self.subnet)
        parse_name(self.name)
        parse_type(self.rrtype)
        if self.server_name is not None:
            parse_name(self.server_name)

    @property
    def address(self) -> ServerAddress:
        """Where the server listens, with the transport's own port where `server` has none."""
        return parse_server(self.server, _PORTS[self.transport])

    @property
    def certificate_name(self) -> str:
        """Whom the certificate must be for, over tls and https: a name without its final dot, or the address."""
        if self.server_name is None:
            return self.address.address
        return parse_name(self.server_name).to_text(omit_final_dot=True).lower()

    def message(self) -> dns.message.QueryMessage:
        """The query with a random id (dnspython takes it from the system's randomness) and EDNS.

        DO asks a validating resolver to say whether it validated (RFC 4035 section 3.2.1).
        """
        query = dns.message.make_query(
            parse_name(self.name),
            parse_type(self.rrtype),
            use_edns=0,
            want_dnssec=True,
            payload=_UDP_PAYLOAD,
            options=asked_options(nsid=self.nsid, subnet=self.subnet),
        )
        if self.role == "authoritative":
            query.flags &= ~dns.flags.RD
        if self.checking_disabled:
            query.flags |= dns.flags.CD
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


def parse_type(text: str) -> dns.rdatatype.RdataType:
    """Read the mnemonic of a type that can be asked for.

    :raises ValueError: no such type, or a meta type (ANY, AXFR)
    """
    try:
        rdtype = dns.rdatatype.from_text(text)
    except (dns.exception.DNSException, ValueError) as exc:
        raise ValueError(f"not a DNS record type: {text[:40]!r}") from exc
    if dns.rdatatype.is_metatype(rdtype):
        raise ValueError(f"record type cannot be asked for: {text[:40]!r}")
    return rdtype
