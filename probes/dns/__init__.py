"""The DNS probe: one question to one named server, and how to find the servers worth asking."""

from probes.dns.ask import ask
from probes.dns.question import DnsQuestion
from probes.dns.stub import StubResolver
from probes.dns.system import system_resolvers
from probes.dns.zone import authoritative_servers

__all__ = ["DnsQuestion", "StubResolver", "ask", "authoritative_servers", "system_resolvers"]
