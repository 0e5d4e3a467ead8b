"""A small internet as a value: routers, hosts and who forwards to whom. Pure; `internet` plays it.

A topology crosses into the playing process as JSON. Nodes have a `number`, which gives them an address of each
family, so that a test writes `Router("a", 1)` and expects `address_of(4, 1)`.
"""

from __future__ import annotations

import ipaddress
from typing import Literal

import msgspec

__all__ = ["CLIENT", "TARGET", "Host", "Label", "Nat", "Node", "Router", "Topology", "address_of", "line"]

CLIENT = {4: "198.19.0.1", 6: "2001:db8:19::1"}
TARGET = {4: "203.0.113.10", 6: "2001:db8:113::10"}
"""The destinations that `line` and most tests use."""


def address_of(family: int, number: int) -> str:
    """The address that node `number` answers from unless it says otherwise."""
    return f"198.19.{number}.1" if family == 4 else f"2001:db8:19:{number:x}::1"


class Label(msgspec.Struct, frozen=True):
    """An MPLS label stack entry (RFC 3032); the bottom bit is set by its place in the stack."""

    label: int
    tc: int = 0
    ttl: int = 1


class Nat(msgspec.Struct, frozen=True, kw_only=True):
    """What a translator writes into packets that pass it; None leaves a field alone.

    `restores`: what it undoes inside the quotation of ICMP errors from behind it. RFC 5508 §4.2 wants `all`;
    `addresses` is one that forgets the quoted transport checksum, `nothing` one that forgets the quotation.
    Answers of the host itself are always restored, or no connection could pass.
    """

    source4: str | None = None
    source6: str | None = None
    source_port: int | None = None
    destination4: str | None = None
    destination6: str | None = None
    destination_port: int | None = None
    restores: Literal["all", "addresses", "nothing"] = "all"


class Router(msgspec.Struct, frozen=True, tag="router"):
    """Forwards, and answers what expires at it.

    `next`: neighbours to forward to; several are balanced by `balance`, none is a black hole.
    `answers_from`: addresses to answer from in turn, instead of the one of `number`.
    `silent`: forwards, but answers nothing. `rate_per_s`: answers a second, after a first `burst`.
    `quote`: octets of the transport layer that it quotes, 8 by RFC 792; None quotes all that fits.
    `labels`: the MPLS stack that packets arrive with, told by RFC 4950; `says_length`: with the length octet of
    RFC 4884, without it as older routers do. `refuses`: (type, code) of the ICMP error that it sends in place of
    forwarding; for IPv6 `refuses6`.
    `decrements` false: a tunnel or bridge that leaves the TTL alone. `forwards_expired`: hands on a packet
    that arrives with TTL 1, as TTL 0 (Augustin et al. 2006, "zero-TTL forwarding").
    `delay_s`: one way on the link towards it. `answer_delay_s`: until its slow path has made an ICMP error;
    `jitter_s`: at most so much more, by seed. `loss`: share of its answers that are lost, by seed.
    `copies`: how often each answer arrives. `back_hops`: routers more on the way back than on the way there.
    """

    name: str
    number: int
    next: tuple[str, ...] = ()
    balance: Literal["flow", "packet"] = "flow"
    answers_from: tuple[str, ...] = ()
    silent: bool = False
    rate_per_s: float | None = None
    burst: int = 1
    quote: int | None = None
    labels: tuple[Label, ...] = ()
    says_length: bool = True
    breaks_extension: bool = False
    refuses: tuple[int, int] | None = None
    refuses6: tuple[int, int] | None = None
    nat: Nat | None = None
    decrements: bool = True
    forwards_expired: bool = False
    delay_s: float = 0.0
    answer_delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    copies: int = 1
    back_hops: int = 0


class Host(msgspec.Struct, frozen=True, tag="host"):
    """A destination.

    `tcp`: `accept` answers a SYN with SYN-ACK and nothing else; `reset` also answers data with RST; `refuse`
    answers with RST. `udp`: `refuse` is a port unreachable. `echo`: answers pings.
    `answers_from`: another address than the one that was asked.
    """

    name: str
    tcp: Literal["accept", "reset", "refuse", "silent"] = "accept"
    udp: Literal["refuse", "silent"] = "refuse"
    echo: bool = True
    answers_from: tuple[str, ...] = ()
    quote: int | None = None
    delay_s: float = 0.0
    answer_delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    copies: int = 1
    back_hops: int = 0


Node = Router | Host


class Topology(msgspec.Struct, frozen=True, kw_only=True):
    """`entries`: for each destination address, the node that the client's packets meet first."""

    nodes: tuple[Node, ...]
    entries: dict[str, str]
    seed: int = 0

    def __post_init__(self) -> None:
        names = [node.name for node in self.nodes]
        if len(set(names)) != len(names):
            raise ValueError(f"nodes {names}: every name once")
        wanted = {name for node in self.nodes if isinstance(node, Router) for name in node.next}
        if unknown := (wanted | set(self.entries.values())) - set(names):
            raise ValueError(f"no node is named {', '.join(sorted(unknown))}")
        for address in self.entries:
            ipaddress.ip_address(address)


def line(*nodes: Node, seed: int = 0) -> Topology:
    """Nodes one behind the other in front of `TARGET`; a router that names its neighbours itself keeps them."""
    following = [*(node.name for node in nodes[1:]), None]
    linked = tuple(
        msgspec.structs.replace(node, next=(after,))
        if isinstance(node, Router) and not node.next and after is not None
        else node
        for node, after in zip(nodes, following, strict=True)
    )
    return Topology(nodes=linked, entries=dict.fromkeys(TARGET.values(), nodes[0].name), seed=seed)
