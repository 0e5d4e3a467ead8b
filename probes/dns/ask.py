"""The DNS probe: one question, one observation, whatever comes of it."""

from __future__ import annotations

import dataclasses

import dns.message
import dns.rcode
import msgspec

from probes import clock
from probes.dns.answer import read_answer
from probes.dns.edns import answered_subnet, instance
from probes.dns.question import DnsQuestion
from probes.dns.transport import converse
from probes.dns.validation import Validator
from probes.failure import Failed, printable
from probes.observation import DnsObservation


async def ask(
    question: DnsQuestion, *, vantage: str, target: str, validator: Validator | None = None
) -> DnsObservation:
    """Ask once and say what happened, within the question's deadline; never raises for the server's faults.

    `transport` is the one that the answer came by: tcp after a truncated UDP reply. `answers` are sorted,
    so that a server's rotation is no change. A `validator` replaces the server's word about DNSSEC by our
    own, and may take as long again.
    """
    at, start = clock.wall(), clock.monotonic()
    observed = DnsObservation(
        at=at,
        vantage=vantage,
        target=target,
        server=question.server,
        role=question.role,
        transport=question.transport,
        name=question.name,
        rrtype=question.rrtype,
        subnet=question.subnet,
    )
    try:
        reply = await converse(question)
    except Failed as failed:
        return msgspec.structs.replace(
            observed, elapsed_s=clock.elapsed(start), failure=failed.word, error=failed.text
        )
    answer = read_answer(reply.message, question.role)
    observed = msgspec.structs.replace(
        observed,
        transport=reply.transport,
        elapsed_s=reply.elapsed_s,
        rcode=answer.rcode,
        answers=tuple(sorted(answer.records)),
        cnames=answer.cnames,
        ttl_s=answer.ttl_s,
        dnssec=answer.dnssec,
        soa_serial=answer.soa_serial,
        ecs=answered_subnet(reply.message),
        nsid=instance(reply.message),
        failure=answer.failed.word if answer.failed else None,
        error=answer.failed.text if answer.failed else None,
    )
    return observed if validator is None else await _judged(observed, question, reply.message, validator)


async def _judged(
    observed: DnsObservation, question: DnsQuestion, message: dns.message.Message, validator: Validator
) -> DnsObservation:
    try:
        if message.rcode() == dns.rcode.SERVFAIL and question.role == "recursive":
            # What a validating resolver refuses it hands out when told to; then we can say what is wrong.
            message = (await converse(dataclasses.replace(question, checking_disabled=True))).message
        if message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return observed
        verdict = await validator.judge(question, message)
    except Failed as failed:
        return msgspec.structs.replace(observed, dnssec=None, dnssec_reason=f"not validated: {failed.text}")
    return msgspec.structs.replace(
        observed,
        dnssec=verdict.status.value,
        dnssec_reason=printable(verdict.reason),
        signatures_expire_at=verdict.expires_at,
    )
