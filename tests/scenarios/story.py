"""A short story for tests of the engine: half an hour with one kind of trouble in its middle.

`Story` makes the facts of a quiet service seen from five vantages, lets a test replace what is seen from
`BEGIN` to `END`, and runs the real engine over all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
from world import Facts, Place, Service, World, announcement, spread

from monitor.bgp.episodes import Relationships
from monitor.bgp.ip_to_as import PrefixTable
from monitor.bgp.ris_live import decode as decode_route
from monitor.bgp.rpki import VrpTable
from monitor.config import parse_config
from monitor.diagnose import Engine, Fact, Knowledge, in_order, known_at
from monitor.model.incident import Incident
from probes.observation import HttpObservation, TraceObservation

START = 1_700_000_000.0
BEGIN = START + 1200.0
END = BEGIN + 600.0
STOP = END + 600.0

PLACES = (
    Place("berlin", 64601, (64701,), 0.012),
    Place("london", 64602, (64701,), 0.022),
    Place("newyork", 64603, (64702,), 0.085),
    Place("tokyo", 64604, (64703, 64702), 0.230),
    Place("sydney", 64605, (64703, 64702), 0.290),
)
API = Service("api", ("198.51.100.10",), (64500,), think_s=0.080)
DATABASE = Service("database", ("203.0.113.20",), (64510,), think_s=0.040)
CONTROL = Service("control", ("198.19.254.80",), (), think_s=0.010)
PREFIX = "198.51.100.0/24"
COVER = "198.51.100.0/23"
PEERS = tuple((f"198.19.250.{n}", asn, "rrc00") for n, asn in enumerate((64601, 64602, 64701, 64702, 64703), 1))

CONFIG = """
[[target]]
name = "api"
url = "https://api.example/"
interval = "30s"
{target}

[[target]]
name = "database"
url = "https://database.example/"
interval = "30s"

[[control]]
name = "control"
url = "https://control.example/"
interval = "30s"
"""

Answer = Callable[[World, float, Place], HttpObservation | None]
Way = Callable[[World, float, Place], TraceObservation | None]


def in_trouble(at: float) -> bool:
    """Whether the story's trouble lasts at `at`."""
    return BEGIN <= at < END


@dataclass
class Story:
    """What differs from a quiet half hour. `api`, `database`, `control`: what is seen during the trouble.

    `way`: traceroutes to the API during the trouble; `routes`: RIS Live messages besides the usual ones;
    `usual_routes` False: there is no feed at all; `table` False: there is no prefix-to-AS table.
    `target`: more lines of the API's configuration; `relationships`: lines of a relationship file.
    """

    api: Answer | None = None
    database: Answer | None = None
    control: Answer | None = None
    way: Way | None = None
    routes: list[dict[str, object]] = field(default_factory=list)
    usual_routes: bool = True
    usual_prefix: str = PREFIX
    target: str = ""
    places: tuple[Place, ...] = PLACES
    extra: list[Fact] = field(default_factory=list)
    controls: bool = True
    traces: bool = True
    vrps: bytes | None = None
    seed: int = 1
    interval_s: float = 30.0
    table: bool = True
    relationships: tuple[str, ...] = ()

    def facts(self, world: World) -> list[Fact]:
        """All facts in the order in which they were known."""
        made: Facts = []
        for index, place in enumerate(self.places):
            for number, (service, answer) in enumerate(
                ((API, self.api), (DATABASE, self.database), (CONTROL, self.control))
            ):
                if service is CONTROL and not self.controls:
                    continue
                for at in spread(START, STOP, self.interval_s, (index / len(self.places) + number / 7) % 1):
                    seen = answer(world, at, place) if answer and in_trouble(at) else world.ok(at, place, service)
                    if seen is not None:
                        made.append(seen)
            for at in spread(START, STOP, 120, index / 9) if self.traces else ():
                trace = self.way(world, at, place) if self.way and in_trouble(at) else world.trace(at, place, API)
                if trace is not None:
                    made.append(trace)
        routes = [fact for message in self._messages() for fact in decode_route(msgspec.json.encode(message))]
        return in_order([*routes, *made, *self.extra])

    def _messages(self) -> list[dict[str, object]]:
        usual = [
            announcement(START + 1 + index, peer, usual_path(peer[1]), self.usual_prefix)
            for index, peer in enumerate(PEERS)
        ]
        return (usual if self.usual_routes else []) + self.routes

    def incidents(self, chunk: int | None = None) -> list[Incident]:
        """Run the engine; its incidents in opening order."""
        world = World(self.seed)
        facts = self.facts(world)
        table = world.table((self.usual_prefix, 64500), ("203.0.113.0/24", 64510), ("198.19.254.0/24", 64999))
        engine = engine_for(
            CONFIG.format(target=self.target),
            prefixes=table if self.table else "",
            vrps=self.vrps,
            relationships=self.relationships,
        )
        found: dict[str, Incident] = {}
        size = chunk or len(facts)
        for start in range(0, len(facts), size):
            for change in engine.feed(facts[start : start + size]):
                found[change.incident.id] = change.incident
        for change in engine.advance(known_at(facts[-1])):
            found[change.incident.id] = change.incident
        return sorted(found.values(), key=lambda incident: (incident.opened_at, incident.id))


def engine_for(
    text: str, *, prefixes: str = "", vrps: bytes | None = None, relationships: tuple[str, ...] = ()
) -> Engine:
    """An engine for a configuration; `prefixes`: lines of a prefix-to-AS table."""
    knowledge = Knowledge.from_config(
        parse_config(text, None),
        prefix_table=PrefixTable.parse(prefixes.splitlines()) if prefixes else None,
        vrps=VrpTable.from_json(vrps, max_age_s=6 * 3600.0) if vrps is not None else None,
        relationships=Relationships.parse(relationships),
    )
    return Engine(knowledge)


def usual_path(peer_asn: int) -> tuple[int, ...]:
    """The usual AS path from a peer to the API's network."""
    return {
        64601: (64601, 64701, 64500),
        64602: (64602, 64701, 64500),
        64701: (64701, 64500),
        64702: (64702, 64500),
        64703: (64703, 64702, 64500),
    }[peer_asn]


def only(names: tuple[str, ...], answer: Answer, service: Service = API) -> Answer:
    """`answer` for the named vantages, a good exchange for the others."""
    return lambda world, at, place: (
        answer(world, at, place) if place.name in names else world.ok(at, place, service)
    )


def only_way(names: tuple[str, ...], way: Way) -> Way:
    """`way` for the named vantages, the usual path for the others."""
    return lambda world, at, place: way(world, at, place) if place.name in names else world.trace(at, place, API)
