"""What a server's reply means to somebody who looks for the zone that a name is in (RFC 1034 section 4.3.2).

The question was for the name's SOA record, without recursion. The reply refers to servers nearer to the
name, or names the zone, or says that the name is an alias, or is of no use. Pure; any message gives a step.

What is believed: a server speaks for the zone that it was asked for, and for nothing outside it. So a
referral must lead below that zone and towards the name, and addresses of name servers (glue) count only
for names inside that zone; else any server could send us anywhere.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

MAX_SERVERS = 13
"""Name servers kept of one zone: the root has 13, and no resolver needs more."""

MAX_ADDRESSES = 8
"""Addresses kept of one name server; one of each family is usual."""

# One hour, though registries hand out days: a delegation that was changed, rightly or not, is news.
_MAX_KEPT_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """`zone` was handed to these servers, by name; those without glue have no addresses. Good for `ttl_s`."""

    zone: dns.name.Name
    servers: Mapping[dns.name.Name, tuple[str, ...]]
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Apex:
    """The name is in the zone that begins at `zone`, whether or not it exists."""

    zone: dns.name.Name


@dataclass(frozen=True, slots=True)
class Alias:
    """The name is an alias, and therefore in the same zone as its parent: no zone begins at an alias."""


@dataclass(frozen=True, slots=True)
class Lame:
    """The server was named for the zone and does not speak for it; `reason` in a few words."""

    reason: str


Step = Referral | Apex | Alias | Lame


def read_step(reply: dns.message.Message, name: dns.name.Name, zone: dns.name.Name) -> Step:
    """What a server of `zone` says to the question for the SOA record of `name`."""
    if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Lame(f"says {dns.rcode.to_text(reply.rcode())}")
    soa = next((rrset for rrset in (*reply.answer, *reply.authority) if rrset.rdtype == dns.rdatatype.SOA), None)
    if not reply.answer and soa is None:
        return _referral(reply, name, zone)
    if not reply.flags & dns.flags.AA:
        return Lame("answers without authority")
    if any(rrset.rdtype in (dns.rdatatype.CNAME, dns.rdatatype.DNAME) for rrset in reply.answer):
        # The one name that cannot be an alias is the root; a server that says so is not to be believed.
        return Alias() if name != dns.name.root else Lame("calls the root an alias")
    if soa is None or not (name.is_subdomain(soa.name) and soa.name.is_subdomain(zone)):
        return Lame("speaks of another zone")
    return Apex(soa.name)


def read_servers(
    reply: dns.message.Message, zone: dns.name.Name, section: list[dns.rrset.RRset]
) -> Mapping[dns.name.Name, tuple[str, ...]]:
    """The name servers in `section`, with their addresses where a server of `zone` may state these."""
    named = [rdata.target for rrset in section if rrset.rdtype == dns.rdatatype.NS for rdata in rrset]
    return {
        server: _glue(reply, server) if server.is_subdomain(zone) else () for server in sorted(named)[:MAX_SERVERS]
    }


def addresses_in(records: Iterable[dns.rrset.RRset]) -> tuple[str, ...]:
    """The usable addresses in A and AAAA records of the Internet class, at most `MAX_ADDRESSES`."""
    found = [rdata.address for rrset in records for rdata in rrset if isinstance(rdata, A | AAAA)]
    return tuple(address for address in found if usable_address(address))[:MAX_ADDRESSES]


def usable_address(text: str) -> bool:
    """Whether a question can be sent there at all: one machine, and not "this" one of 0.0.0.0."""
    address = ipaddress.ip_address(text)
    return not (address.is_multicast or address.is_unspecified or text == "255.255.255.255")


def _referral(reply: dns.message.Message, name: dns.name.Name, zone: dns.name.Name) -> Step:
    cut = next((rrset for rrset in reply.authority if rrset.rdtype == dns.rdatatype.NS), None)
    if cut is None:
        return Lame("neither answers nor refers")
    if not name.is_subdomain(cut.name) or cut.name == zone or not cut.name.is_subdomain(zone):
        return Lame(f"refers to {_short(cut.name)}, which is not below {_short(zone)}")
    servers = read_servers(reply, zone, [cut])
    return Referral(zone=cut.name, servers=servers, ttl_s=min(float(cut.ttl), _MAX_KEPT_S))


def _glue(reply: dns.message.Message, server: dns.name.Name) -> tuple[str, ...]:
    return addresses_in(rrset for rrset in reply.additional if rrset.name == server)


def _short(name: dns.name.Name) -> str:
    return ascii(name.to_text())[1:-1][:80]
