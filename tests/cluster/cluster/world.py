"""What is measured in the test's world: vantages, targets and troubles, all by one seed. Pure.

Every fact follows from the seed, so that what a cluster was fed can be made again for a single engine, without
having kept it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from zlib import crc32

from monitor.config import parse_config
from monitor.model.settings import Config
from probes import Failure, HttpObservation

CONTROLS = ("control-a", "control-b")


class Kind(Enum):
    """What is wrong: the server refuses, it is overloaded, or one vantage has lost its network."""

    DOWN = "down"
    OVERLOAD = "overload"
    VANTAGE = "vantage"


@dataclass(frozen=True, slots=True)
class Trouble:
    """From `since` to `until`, seconds from the start; `subject`: a target, or a vantage."""

    kind: Kind
    subject: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class World:
    """Everything is measured every `interval_s`, by each vantage with a phase of its own; `lasts_s` in all."""

    seed: int
    vantages: int
    targets: int
    interval_s: float
    lasts_s: float

    @property
    def vantage_names(self) -> tuple[str, ...]:
        """All vantages."""
        return tuple(f"vantage-{number:02}" for number in range(self.vantages))

    @property
    def target_names(self) -> tuple[str, ...]:
        """All targets."""
        return tuple(f"target-{number:03}" for number in range(self.targets))

    @property
    def rate(self) -> float:
        """Facts a second."""
        return self.vantages * (self.targets + len(CONTROLS)) / self.interval_s

    def config(self, more: str = "") -> Config:
        """As targets and controls stand in a configuration."""
        return parse_config(self.text() + more)

    def text(self) -> str:
        """The tables of targets and controls."""
        interval = f'interval = "{self.interval_s:g}s"'
        lines = [
            f'[[target]]\nname = "{name}"\nurl = "https://{name}.example/"\n{interval}'
            for name in self.target_names
        ]
        lines += [
            f'[[control]]\nname = "{name}"\nurl = "https://{name}.example/"\n{interval}' for name in CONTROLS
        ]
        return "\n".join(lines) + "\n"

    def troubles(self) -> tuple[Trouble, ...]:
        """What goes wrong: begins after a while of quiet, each trouble with a target or vantage of its own."""
        dice = random.Random(self.seed)
        targets, vantages = list(self.target_names), list(self.vantage_names)
        dice.shuffle(targets)
        dice.shuffle(vantages)
        found, at = [], 0.3 * self.lasts_s
        gap = max(6.0 * self.interval_s, 0.05 * self.lasts_s)
        while at + 2 * gap < 0.8 * self.lasts_s and targets:
            kind = dice.choice((Kind.DOWN, Kind.DOWN, Kind.OVERLOAD, Kind.VANTAGE))
            if kind is Kind.VANTAGE and len(vantages) < self.vantages - 1:
                kind = Kind.DOWN
            subject = vantages.pop() if kind is Kind.VANTAGE else targets.pop()
            found.append(Trouble(kind, subject, at, at + 1.5 * gap))
            at += gap * dice.uniform(0.5, 1.0)
        return tuple(found)

    def facts(self, vantage: int, start: float, since_s: float = 0.0) -> Iterator[HttpObservation]:
        """What one vantage measures, in order of time; `start`: Unix seconds. `since_s`: from this round on."""
        name = self.vantage_names[vantage]
        of_target = {trouble.subject: trouble for trouble in self.troubles() if trouble.kind is not Kind.VANTAGE}
        sick = next((one for one in self.troubles() if one.subject == name), None)
        names = (*self.target_names, *CONTROLS)
        step = self.interval_s / len(names)
        for round_number in range(int(since_s / self.interval_s), int(self.lasts_s / self.interval_s)):
            dice = random.Random(f"{self.seed} {vantage} {round_number}")
            for place, target in enumerate(names):
                after = round_number * self.interval_s + (place + vantage / self.vantages) * step
                trouble = sick if sick is not None and sick.since <= after < sick.until else of_target.get(target)
                is_bad = trouble is not None and trouble.since <= after < trouble.until
                kind = trouble.kind if trouble is not None and is_bad else None
                yield _observation(name, target, round(start + after, 3), kind, dice)


@cache
def _own(target: str) -> tuple[str, str]:
    """An address and a key for each: what shares one is linked in one engine, but not across partitions."""
    own = crc32(target.encode())
    return f"198.18.{own >> 8 & 255}.{own & 255}", f"{own:08x}" * 8


def _observation(vantage: str, target: str, at: float, kind: Kind | None, dice: random.Random) -> HttpObservation:
    address, key = _own(target)
    rtt = round(0.02 + dice.random() / 500, 6)
    if kind is Kind.DOWN:
        return HttpObservation(
            at=at, vantage=vantage, target=target, address=address, family=4, dns_s=0.002, total_s=rtt,
            failure=Failure.CONNECTION_REFUSED,
        )  # fmt: skip
    if kind is Kind.VANTAGE:
        return HttpObservation(
            at=at, vantage=vantage, target=target, address=address, family=4, dns_s=0.002, total_s=0.01,
            failure=Failure.NETWORK_UNREACHABLE,
        )  # fmt: skip
    wait = 0.9 + dice.random() / 10 if kind is Kind.OVERLOAD else 0.03 + dice.random() / 500
    return HttpObservation(
        at=at, vantage=vantage, target=target, address=address, family=4, status=200,
        http_version="HTTP/1.1", dns_s=0.002, connect_s=rtt, tls_s=0.03, wait_s=round(rtt + wait, 6),
        receive_s=0.001, total_s=round(2 * rtt + wait + 0.033, 6), kernel_rtt_s=rtt, spki_sha256=key,
        certificate_sha256=key, issuer="CN=Example CA", body_bytes=512, body_sha256="ef" * 32,
    )  # fmt: skip
