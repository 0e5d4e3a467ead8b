"""A history as a hub would have it after an incident folder: its facts, and the incidents the engine made of them.

`python tests/web/recorded_history.py FOLDER FILE` writes one to look at: `whydown web --database FILE --at …`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from monitor.diagnose import Engine, Fact, known_at
from monitor.history import Keep, Store
from monitor.model import RouteFact
from monitor.replay import Folder, read_folder
from probes.observation import Observation

_DAY_S = 86_400.0
KEEP = Keep(facts_s=3650 * _DAY_S, minutes_s=3650 * _DAY_S, five_minutes_s=3650 * _DAY_S)


def write_history(folder: Path, path: Path, *, rolled_up: bool = True) -> Folder:
    """Write the history of an incident folder to `path`."""
    recorded = read_folder(folder, _refuse)
    engine = Engine(recorded.knowledge)
    engine.warm_up(recorded.table)
    facts: list[Fact] = [*recorded.table, *recorded.facts]
    end = known_at(recorded.facts[-1])
    with Store.open(path) as store:
        store.add_routes([fact for fact in facts if isinstance(fact, RouteFact)])
        store.add_observations([fact for fact in facts if isinstance(fact, Observation)])
        store.save_changes([*engine.feed(recorded.facts), *engine.advance(end)], [])
        while rolled_up and store.tend(end, KEEP).more:
            pass
    return recorded


def _refuse(path: Path, line: int, reason: str) -> None:
    raise AssertionError(f"{path}:{line}: {reason}")


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2])]
    write_history(Path(sys.argv[1]), Path(sys.argv[2]))
