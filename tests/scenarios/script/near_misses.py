"""What must not be called a hijack, or trouble at all: a network's ordinary life, in any strength.

Each near-miss is a function of how many vantages watch (3 to 12), how often they look, and a seed: the property
that nothing is called that is not there must hold for all of them. `NEAR_MISSES` are the scripts of a middle
strength.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from world import Place, Service, World, announcement, digest

from probes.observation import HttpObservation
from script.conduct import behind_transit, farther, mixed, queueing, unanswered
from script.words import Message, Peer, Script, Spell, Truth, Turn, Watched, peers

START = 1_700_000_400.0
LEAD, LASTS, TAIL = 50, 20, 20
"""Rounds before, during and after what happens."""

_NETWORKS = (3320, 2856, 701, 7018, 2497, 7473, 4766, 28573, 3215, 5617, 1221, 3352)
_CITIES = (
    "frankfurt", "london", "ashburn", "chicago", "tokyo", "singapore", "seoul", "saopaulo", "paris", "warsaw",
    "sydney", "madrid",
)  # fmt: skip
_UPSTREAMS = (1299, 3356, 2914)
_API = Service("api", ("198.51.100.10", "198.51.100.11"), (64500,), think_s=0.08)
_PREFIX = "198.51.100.0/24"
_SCRUBBER = 19905


@dataclass(frozen=True, kw_only=True)
class Strength:
    """How strongly a near-miss is played. `vantages`: 3 to 12; `interval_s`: 10 to 300."""

    vantages: int = 6
    interval_s: float = 60.0
    seed: int = 1

    @property
    def begin(self) -> float:
        """When it happens."""
        return START + LEAD * self.interval_s

    @property
    def over(self) -> float:
        """When it is over."""
        return self.begin + LASTS * self.interval_s

    @property
    def places(self) -> tuple[Place, ...]:
        """The vantages, each in its own network, behind three upstreams by turns."""
        rng = random.Random(self.seed)
        return tuple(
            Place(f"{city}-1", asn, (_UPSTREAMS[number % 3],), round(rng.uniform(0.004, 0.25), 4))
            for number, (city, asn) in enumerate(zip(_CITIES, _NETWORKS, strict=True))
        )[: self.vantages]

    @property
    def peers(self) -> tuple[Peer, ...]:
        """The networks of all vantages, and the upstreams, send to the collectors."""
        behind = tuple((asn, _UPSTREAMS[number % 3]) for number, asn in enumerate(_NETWORKS))
        return peers(*behind, *((asn,) for asn in _UPSTREAMS))

    @property
    def everybody(self) -> tuple[str, ...]:
        """The names of the vantages."""
        return tuple(sorted(place.name for place in self.places))

    def behind(self, upstream: int) -> tuple[str, ...]:
        """The vantages behind one upstream."""
        return tuple(sorted(place.name for place in self.places if upstream in place.transit))


Play = Callable[[Strength], Script]


def _script(strength: Strength, name: str, title: str, **changed: object) -> Script:
    fields: dict[str, object] = {
        "name": f"{name}-{strength.vantages}-{strength.interval_s:.0f}-{strength.seed}",
        "title": title,
        "facts": "none; a near-miss that every network meets.",
        "assumptions": "all of it.",
        "start": START,
        "end": strength.over + TAIL * strength.interval_s,
        "places": strength.places,
        "peers": strength.peers,
        "targets": (watched(strength),),
        "control_interval_s": strength.interval_s,
        "trace_interval_s": max(3 * strength.interval_s, 60.0),
    }
    return Script(**{**fields, **changed})  # type: ignore[arg-type]


def watched(strength: Strength, *declares: str, service: Service = _API) -> Watched:
    """The target, with further lines of its configuration."""
    return Watched(
        service=service, prefixes={_PREFIX: (64500,)}, interval_s=strength.interval_s, declares=declares
    )


def reroute(strength: Strength) -> Script:
    """One upstream is under maintenance: who is behind it goes another way, a little longer, at no cost."""
    turned = strength.behind(1299)
    return _script(
        strength, "maintenance-reroute", "A maintenance re-route: another upstream for a while, the same origin.",
        spells=(
            Spell(
                target="api", start=strength.begin, end=strength.over, places=turned, answer=farther(0.002),
                way=lambda world, at, place, service: world.trace(at, place, service, networks=(3356, 64500)),
            ),
        ),
        turns=(
            Turn(
                prefix=_PREFIX, start=strength.begin, end=strength.over, tail=(3356, 64500), direct=True,
                peers=tuple(peer.asn for peer in strength.peers if peer.transit == (1299,)),
            ),
        ),
    )  # fmt: skip


def scrubbing(strength: Strength) -> Script:
    """A declared scrubbing provider announces the prefix and hands the traffic on, from far away."""
    return _script(
        strength, "scrubbing-on", "Scrubbing turned on: a declared provider announces the prefix.",
        targets=(watched(strength, "origins = [64500]", f"allowed_origins = [{_SCRUBBER}]"),),
        spells=(
            Spell(
                target="api", start=strength.begin, end=strength.over, places=strength.everybody,
                answer=farther(0.006), way=behind_transit(_SCRUBBER, 64500),
            ),
        ),
        turns=(Turn(prefix=_PREFIX, start=strength.begin, end=strength.over, tail=(_SCRUBBER,)),),
        truths=(
            Truth(
                target="api", cause="route.moved", start=strength.begin, end=strength.over,
                affected=strength.everybody, also=("none",),
            ),
        ),
    )  # fmt: skip


def anycast(strength: Strength) -> Script:
    """An anycast service opens a site: some vantages are answered from nearer, with the same key and origin."""
    nearer = strength.behind(2914)
    return _script(
        strength, "anycast-shift", "An anycast shift: a new site answers some, from nearer.",
        spells=(
            Spell(
                target="api", start=strength.begin, end=strength.over + 1e6, places=nearer,
                answer=lambda world, at, place, service: world.ok(at, place, service, rtt_s=place.rtt_s * 0.5),
            ),
        ),
        turns=(
            Turn(
                prefix=_PREFIX, start=strength.begin, end=None, tail=(64500,), direct=True,
                peers=tuple(peer.asn for peer in strength.peers if peer.transit == (2914,)),
            ),
        ),
    )  # fmt: skip


def rotation(strength: Strength) -> Script:
    """A CDN rotates its certificate, server by server: new and old keys side by side for some rounds."""

    def answer(world: World, at: float, place: Place, service: Service) -> HttpObservation:
        done = (at - strength.begin) / (strength.over - strength.begin)
        if world.random.random() > done:
            return world.ok(at, place, service)
        return world.ok(at, place, service, spki_sha256=digest("renewed"), certificate_sha256=digest("renewed", 1))

    spell = Spell(
        target="api", start=strength.begin, end=strength.over + 1e6, places=strength.everybody, answer=answer
    )
    return _script(strength, "certificate-rotation", "A CDN's certificate rotation.", spells=(spell,))


def siblings(strength: Strength) -> Script:
    """A sibling of the origin, declared as such, announces the prefix beside it."""
    return _script(
        strength, "moas-of-siblings", "Two origins of one organisation.",
        targets=(watched(strength, "origins = [64500]", "siblings = [64501]"),),
        turns=(
            Turn(
                prefix=_PREFIX, start=strength.begin, end=strength.over, tail=(64501,),
                peers=tuple(peer.asn for peer in strength.peers[::2]),
            ),
        ),
        truths=(
            Truth(
                target="api", cause="route.moved", start=strength.begin, end=strength.over, affected=(),
                also=("none",),
            ),
        ),
    )  # fmt: skip


def flash_crowd(strength: Strength) -> Script:
    """A crowd overloads the server while the routes of somebody else's prefix churn: an overload, no more."""
    rng = random.Random(strength.seed)
    churn: list[Message] = []
    at = strength.begin - 300.0
    while at < strength.over:
        peer = rng.choice(strength.peers)
        tail = rng.choice(((64777,), (64778,), (1299, 64777)))
        churn.append(announcement(at, peer.key, peer.path(tail), "203.0.113.0/24"))
        at += strength.interval_s / 4
    return _script(
        strength, "flash-crowd-and-churn", "A flash crowd, and churn in the routing of an unrelated prefix.",
        spells=(
            Spell(
                target="api", start=strength.begin, end=strength.over, places=strength.everybody,
                answer=mixed((0.6, queueing(1.5, 8.0)), (0.3, unanswered)),
            ),
        ),
        messages=tuple(churn),
        truths=(
            Truth(
                target="api", cause="server.overload", start=strength.begin, end=strength.over,
                affected=strength.everybody,
            ),
        ),
    )  # fmt: skip


def deploy(strength: Strength) -> Script:
    """A deploy changes the key and the body at once, everywhere, and stays."""

    def answer(world: World, at: float, place: Place, service: Service) -> HttpObservation:
        return world.ok(
            at, place, service,
            spki_sha256=digest("deployed"), certificate_sha256=digest("deployed", 1),
            issuer="CN=Another CA,O=Another,C=US", body_bytes=4711, body_sha256=digest("deployed", "body"),
        )  # fmt: skip

    spell = Spell(
        target="api", start=strength.begin, end=strength.over + 1e6, places=strength.everybody, answer=answer
    )
    return _script(
        strength, "deploy-of-key-and-body", "A deploy that changes key and body at once.", spells=(spell,)
    )


def clocks(strength: Strength) -> Script:
    """One vantage's clock is an hour off for a while, as after a mistaken change to summer time."""
    first = strength.everybody[0]

    def answer(world: World, at: float, place: Place, service: Service) -> HttpObservation:
        return world.ok(at + 3600.0, place, service)

    return _script(
        strength, "clock-leaps", "Summer time: a vantage's clock leaps an hour ahead, and back.",
        spells=(Spell(target="api", start=strength.begin, end=strength.over, places=(first,), answer=answer),),
    )  # fmt: skip


def collector_reset(strength: Strength) -> Script:
    """Every session of the collectors is reset; the table comes anew, some paths over other ways at first."""
    down = [
        {"type": "RIS_PEER_STATE", "timestamp": strength.begin + number / 10, "peer": peer.address,
         "peer_asn": str(peer.asn), "host": peer.collector, "state": "down"}
        for number, peer in enumerate(strength.peers)
    ]  # fmt: skip
    again: list[Message] = []
    for number, peer in enumerate(strength.peers):
        other = (_UPSTREAMS[(number + 1) % 3], 64500)
        again.append(announcement(strength.begin + 60 + number, peer.key, peer.path(other, direct=True), _PREFIX))
        again.append(announcement(strength.begin + 75 + number, peer.key, peer.path((64500,)), _PREFIX))
    return _script(
        strength, "collector-reset", "The collectors' sessions are reset.", messages=(*down, *again)
    )  # fmt: skip


PLAYS: dict[str, Play] = {
    "maintenance-reroute": reroute,
    "scrubbing-on": scrubbing,
    "anycast-shift": anycast,
    "certificate-rotation": rotation,
    "moas-of-siblings": siblings,
    "flash-crowd-and-churn": flash_crowd,
    "deploy-of-key-and-body": deploy,
    "clock-leaps": clocks,
    "collector-reset": collector_reset,
}
NEAR_MISSES: dict[str, Script] = {script.name: script for play in PLAYS.values() for script in (play(Strength()),)}
