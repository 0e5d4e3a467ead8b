"""Which hosts a hub may have probed from here: the agent's own list, which no hub can change. Pure.

A hub that was broken into must not turn its agents against others. A pattern is a name, `*.` and a domain (all
names below it, not itself), an address, or a prefix, which covers addresses in URLs. It holds for where redirects
lead as well. A name's addresses are not
looked up, for who answers for the name may change them at will.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from monitor.model.settings import Config
from monitor.model.target import Control, Target, mail_target


class Permit:
    """Of these patterns; none at all permits everything."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._domains: list[str] = []
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for pattern in patterns:
            try:
                self._networks.append(ipaddress.ip_network(pattern))
            except ValueError:
                if pattern.startswith("*."):
                    self._domains.append(pattern[1:].lower())
                else:
                    self._names.add(pattern.lower())

    @property
    def restrains(self) -> bool:
        """Whether there is a list at all."""
        return bool(self._names or self._domains or self._networks)

    def permits(self, url: str) -> bool:
        """Whether the host of this URL may be probed."""
        if not self.restrains:
            return True
        host = (urlsplit(url).hostname or "").removesuffix(".")
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host in self._names or any(host.endswith(domain) for domain in self._domains)
        return any(address in network for network in self._networks)


def permitted(config: Config) -> tuple[Config, tuple[str, ...]]:
    """The configuration with the targets and controls that its own list permits, and the names of the others.

    A target whose mail's domain is not permitted is probed without that.
    """
    permit = Permit(config.hub.allowed if config.hub is not None else ())
    everything: tuple[Target | Control, ...] = (*config.targets, *config.controls)
    refused = tuple(one.name for one in everything if not permit.permits(one.url))
    targets = [one for one in config.targets if one.name not in refused]
    unmailed = {one.name for one in targets if one.mail is not None and not permit.permits(f"//{one.mail}")}
    return (
        replace(
            config,
            targets=tuple(replace(one, mail=None) if one.name in unmailed else one for one in targets),
            controls=tuple(one for one in config.controls if one.name not in refused),
        ),
        (*refused, *map(mail_target, sorted(unmailed))),
    )
