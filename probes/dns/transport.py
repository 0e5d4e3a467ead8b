"""A question to the transport that it asks for. What the four of them share is the reply."""

from __future__ import annotations

from probes.dns.encrypted import over_https, over_tls
from probes.dns.exchange import Reply, exchange
from probes.dns.question import DnsQuestion

_WAYS = {"udp": exchange, "tcp": exchange, "tls": over_tls, "https": over_https}


async def converse(question: DnsQuestion) -> Reply:
    """Ask once, by the question's transport.

    :raises Failed: no reply that matches came before the deadline, or none that can be read
    """
    return await _WAYS[question.transport](question)
