"""The DNS probe: one question to one named server, how to find the servers worth asking, and whom to believe."""

from probes.dns.ask import ask
from probes.dns.delegation import Delegations, Zone
from probes.dns.question import DnsQuestion
from probes.dns.resolver_address import Resolver, parse_resolver
from probes.dns.stub import StubResolver
from probes.dns.system import system_resolvers
from probes.dns.validation import Validator

__all__ = [
    "Delegations",
    "DnsQuestion",
    "Resolver",
    "StubResolver",
    "Validator",
    "Zone",
    "ask",
    "parse_resolver",
    "system_resolvers",
]
