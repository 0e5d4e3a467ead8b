"""An observation as the DNS messages that would be observed so: what the server said, not its bytes. Pure."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset

from probes.observation import DnsObservation


def query_of(seen: DnsObservation) -> dns.message.QueryMessage:
    """The question, with id 0 so that the same observation gives the same bytes.

    :raises dns.exception.DNSException: the name or the type is none
    """
    query = dns.message.make_query(seen.name or ".", seen.rrtype, use_edns=0, want_dnssec=True)
    if seen.role == "authoritative":
        query.flags &= ~dns.flags.RD
    query.id = 0
    return query


def reply_of(query: dns.message.QueryMessage, seen: DnsObservation) -> dns.message.Message:
    """A reply to `query` with the observation's code, aliases, records and flags.

    :raises dns.exception.DNSException: a record or the code is none
    """
    reply = dns.message.make_response(query, recursion_available=seen.role == "recursive", our_payload=1232)
    if seen.role == "authoritative":
        reply.flags |= dns.flags.AA
    if seen.dnssec == "secure":
        reply.flags |= dns.flags.AD
    if seen.dnssec == "bogus":
        reply.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS)])
    reply.set_rcode(dns.rcode.from_text(seen.rcode or "NOERROR"))
    if not seen.name:
        reply.question = []
        return reply
    owner, ttl = query.question[0].name, int(seen.ttl_s or 0)
    for alias in seen.cnames:
        reply.answer.append(dns.rrset.from_text(owner, ttl, "IN", "CNAME", alias))
        owner = dns.name.from_text(alias)
    if seen.answers:
        reply.answer.append(dns.rrset.from_text(owner, ttl, "IN", seen.rrtype, *seen.answers))
    return reply
