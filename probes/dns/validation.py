"""Fetches what `probes.dnssec` wants to know, so that an answer's chain of trust can be checked here.

The chain comes from the zones' own servers where `Delegations` are given, else from the server that gave the
answer: a resolver, asked with "checking disabled", so that it hands out what it would refuse as bogus. What
was fetched is kept as long as its TTL allows, since all names share the chain's upper part.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence

import dns.message
import dns.rcode
import dns.rdatatype
from dns.rdtypes.ANY.DS import DS

from probes import clock
from probes.dns.delegation import Delegations
from probes.dns.exchange import Reply
from probes.dns.question import DnsQuestion, parse_name, parse_type
from probes.dns.transport import converse
from probes.dnssec import ROOT_ANCHORS, Response, Verdict, Wanted, validate
from probes.endpoint import routable
from probes.failure import Failed
from probes.failure_word import Failure

_MAX_WANTED = 60  # records fetched for one verdict; three zones take six, 127 labels are possible
_MAX_KEPT = 5_000  # responses remembered, of some kilobytes each
_MAX_KEPT_S = 3600.0
_MAX_TRIES = 3  # servers of one zone asked for one record


class Validator:
    """Checks answers against `anchors`. `wall` tells the time (Unix seconds). For one event loop."""

    def __init__(
        self,
        delegations: Delegations | None = None,
        anchors: Sequence[DS] = ROOT_ANCHORS,
        *,
        wall: Callable[[], float] = clock.wall,
        now: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._delegations = delegations
        self._anchors = tuple(anchors)
        self._wall = wall
        self._now = now
        self._kept: dict[tuple[str, Wanted], tuple[float, Response]] = {}

    async def judge(self, question: DnsQuestion, message: dns.message.Message) -> Verdict:
        """The verdict on the reply to `question`, within the question's time-out again.

        :raises Failed: a record of the chain could not be fetched, so there is no verdict
        """
        checking = validate(
            parse_name(question.name),
            parse_type(question.rrtype),
            Response.of(message),
            now=self._wall(),
            anchors=self._anchors,
            whole=question.role == "recursive",
        )
        try:
            async with asyncio.timeout(question.timeout_s):
                wanted = next(checking)
                for _ in range(_MAX_WANTED):
                    wanted = checking.send(await self._response(wanted, question))
        except StopIteration as done:
            verdict: Verdict = done.value
            return verdict
        except TimeoutError as exc:
            raise Failed(Failure.DNS_TIMEOUT, "the chain of trust did not come in time") from exc
        raise Failed(Failure.DNS_ERROR, f"the chain of trust needs more than {_MAX_WANTED} records")

    async def _response(self, wanted: Wanted, question: DnsQuestion) -> Response:
        key = (question.server if self._delegations is None else "", wanted)
        until, response = self._kept.get(key, (0.0, None))
        if response is not None and self._now() < until:
            return response
        reply = await self._fetch(wanted, question)
        response = Response.of(reply.message)
        if len(self._kept) >= _MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (self._now() + _lifetime(reply.message), response)
        return response

    async def _fetch(self, wanted: Wanted, question: DnsQuestion) -> Reply:
        rrtype = dns.rdatatype.to_text(wanted.rdtype)
        asked = dataclasses.replace(
            question, name=wanted.name.to_text(), rrtype=rrtype, nsid=False, subnet=None, checking_disabled=True
        )
        if self._delegations is None:
            return await _useful(asked)
        # DS records are the parent's (RFC 4035 section 3.1.4.1); no DS of the root is ever wanted.
        holder = wanted.name if wanted.rdtype != dns.rdatatype.DS else wanted.name.parent()
        zone = await self._delegations.zone_of(holder.to_text(), question.timeout_s)
        failed = Failed(Failure.DNS_SERVFAIL, f"{zone.apex} has no server with an address")
        for address in routable(zone.addresses)[:_MAX_TRIES]:
            asked = DnsQuestion(
                server=self._delegations.written(address),
                name=asked.name,
                rrtype=rrtype,
                role="authoritative",
                timeout_s=question.timeout_s / _MAX_TRIES,
            )
            try:
                return await _useful(asked)
            except Failed as exc:
                failed = exc
        raise failed


async def _useful(question: DnsQuestion) -> Reply:
    """A reply that says whether there are such records.

    :raises Failed: none came, or one that says that the server failed
    """
    reply = await converse(question)
    rcode = reply.message.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        text = f"{question.server} says {dns.rcode.to_text(rcode)} to {question.name} {question.rrtype}"
        raise Failed(Failure.DNS_SERVFAIL, text)
    return reply


def _lifetime(message: dns.message.Message) -> float:
    ttls = [rrset.ttl for rrset in (*message.answer, *message.authority)]
    return min([float(ttl) for ttl in ttls] + [_MAX_KEPT_S]) if ttls else 0.0
