"""Everything that a run needs on this machine: brokers, history, mail server, and the roles as processes."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cluster.broker_network import BrokerNetwork
from cluster.brokers import Brokers, free_ports
from cluster.hub_roles import RoleProcess
from cluster.world import World
from monitor.link.enrolment import make_hub_certificate
from monitor.link.signature import Signer
from monitor.model.history_place import HistoryPlace

INTAKES = ("intake-1", "intake-2")

ON_A_SERVER: Mapping[str, tuple[str, ...]] = {
    "store-1": ("store",), "store-2": ("store",),
    "diagnose-1": ("diagnose",), "diagnose-2": ("diagnose",), "diagnose-3": ("diagnose",),
    "feeds-1": ("feeds",), "alert-1": ("alert",),
}  # fmt: skip
"""The processes besides the intakes, where the history is on a server that many may write."""

ON_A_FILE: Mapping[str, tuple[str, ...]] = {"keeper": ("store", "diagnose", "alert"), "feeds-1": ("feeds",)}
"""The same where it is a file, which one process writes."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs. `roles`: the processes by name; `urls`: the doors."""

    world: World
    folder: Path
    place: HistoryPlace
    brokers: Brokers
    roles: Mapping[str, RoleProcess]
    urls: tuple[str, ...]
    signers: tuple[Signer, ...]

    @property
    def certificate(self) -> Path:
        """The doors'."""
        return self.folder / "hub-certificate.pem"


@contextmanager
def stage(
    world: World,
    folder: Path,
    place: HistoryPlace,
    smtp_port: int,
    *,
    partitions: int = 6,
    network: BrokerNetwork | None = None,
    doors: Sequence[str] = INTAKES,
    others: Mapping[str, tuple[str, ...]] | None = None,
) -> Iterator[Stage]:
    """Start everything, and wait until it works. `doors`, `others`: the processes; None: all that are needed."""
    make_hub_certificate(folder / "hub-certificate.pem", folder / "hub-key.pem", ["127.0.0.1"], datetime.now(UTC))
    signers = tuple(Signer(Ed25519PrivateKey.generate()) for _ in world.vantage_names)
    ports = free_ports(len(doors) + 1)
    others = others or (ON_A_FILE if isinstance(place, Path) else ON_A_SERVER)
    with ExitStack() as stack:
        brokers = stack.enter_context(Brokers(folder, network=network))
        text = _configuration(world, place, brokers, signers, smtp_port, ports[-1], partitions)
        roles = {name: RoleProcess(name, kinds, text, folder) for name, kinds in others.items()}
        for name, port in zip(doors, ports, strict=False):
            listen = f'[hub]\nlisten = "127.0.0.1:{port}"\n'
            roles[name] = RoleProcess(name, ("intake",), listen + text, folder)
        for role in roles.values():
            stack.enter_context(role)
        for role in roles.values():
            role.until_said(b"event=listening" if role.name in doors else b"event=roles")
        _until_partitions_are_owned(roles)
        yield Stage(
            world,
            folder,
            place,
            brokers,
            roles,
            tuple(f"https://127.0.0.1:{port}" for port in ports[:-1]),
            signers,
        )


def _until_partitions_are_owned(roles: Mapping[str, RoleProcess]) -> None:
    """At least one of those who may has taken one; the rest follow within a look."""
    judges = [role for role in roles.values() if role.name.startswith(("diagnose", "keeper"))]
    if judges:
        judges[0].until_said(b"event=partition_taken")


def _configuration(
    world: World,
    place: HistoryPlace,
    brokers: Brokers,
    signers: tuple[Signer, ...],
    smtp: int,
    bmp: int,
    count: int,
) -> str:
    history = f'path = "{place}"' if isinstance(place, Path) else f'url = "{place.text}"'
    keys = "\n".join(
        f'{name}.keys = ["{signer.key}"]' for name, signer in zip(world.vantage_names, signers, strict=True)
    )
    text = f"""
[history]
{history}
[bus]
url = "{brokers.url}"
partitions = {count}
[alert.mail]
to = ["noc@example.com"]
smtp = "smtp://127.0.0.1:{smtp}"
[[bgp]]
source = "bmp"
listen = "127.0.0.1:{bmp}"
[vantages]
{keys}
{world.text()}"""
    tomllib.loads(text)
    return text
