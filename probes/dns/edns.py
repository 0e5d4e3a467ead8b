"""The EDNS options that a question may carry and what a reply says in them: server instance and client subnet.

NSID is RFC 5001, client subnet RFC 7871. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import dns.edns
import dns.message

MAX_NSID = 128
"""Octets kept of a server's name for itself: BIND's longest is its host name, RFC 5001 sets no limit."""


def asked_options(*, nsid: bool, subnet: str | None) -> list[dns.edns.Option]:
    """The options of a query.

    :raises ValueError: `subnet` is not a prefix in `203.0.113.0/24` form, or has host bits set
    """
    options: list[dns.edns.Option] = []
    if nsid:
        options.append(dns.edns.NSIDOption(b""))
    if subnet is not None:
        network = ipaddress.ip_network(subnet)
        options.append(dns.edns.ECSOption(str(network.network_address), network.prefixlen, 0))
    return options


def instance(message: dns.message.Message) -> str | None:
    """Which of the machines behind the address answered: text where it is printable, else `0x` and hex digits."""
    for option in message.options:
        if isinstance(option, dns.edns.NSIDOption) and option.nsid:
            name = option.nsid[:MAX_NSID]
            return name.decode() if all(0x20 <= octet <= 0x7E for octet in name) else f"0x{name.hex()}"
    return None


def client_subnet(options: Sequence[dns.edns.Option]) -> dns.edns.ECSOption | None:
    """The client subnet among these options."""
    return next((option for option in options if isinstance(option, dns.edns.ECSOption)), None)


def answered_subnet(message: dns.message.Message) -> str | None:
    """The reply's client subnet as `address/source/scope`: the answer holds for the first `scope` bits."""
    subnet = client_subnet(message.options)
    return None if subnet is None else f"{subnet.address}/{subnet.srclen}/{subnet.scopelen}"


def foreign_subnet(reply: dns.message.Message, query: dns.message.Message) -> bool:
    """Whether the reply is for another client subnet than the query's; RFC 7871 section 7.3 has it dropped."""
    asked, got = client_subnet(query.options), client_subnet(reply.options)
    if asked is None or got is None:
        return False
    return (asked.family, asked.srclen, asked.addrdata) != (got.family, got.srclen, got.addrdata)
