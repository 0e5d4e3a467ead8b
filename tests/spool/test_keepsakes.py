"""What a hub took can be asked for again, for a while."""

from __future__ import annotations

from pathlib import Path

from monitor.spool import Spool
from probes import NotMeasured

NOW = 1_700_000_000.0
MUCH = 10**9


def _open(folder: Path, *hubs: str, keep_s: float = 600.0) -> Spool:
    return Spool.open(folder / "spool.db", hubs or ("hub",), NOW, keep_acknowledged_s=keep_s)


def _add(spool: Spool, count: int) -> list[int]:
    facts = [NotMeasured(at=NOW + n, vantage="v", target="t", probe="http", reason="missed") for n in range(count)]
    spool.add(facts, 0.0)
    return _owed(spool)[-count:]


def _owed(spool: Spool, hub: str = "hub") -> list[int]:
    return [one.sequence for one in spool.backlog(hub, 1e6, 1000, MUCH)]


def test_what_a_hub_took_is_owed_again_with_its_number(tmp_path: Path) -> None:
    """Also after a restart of the agent, which may lose power with the brokers."""
    with _open(tmp_path) as spool:
        numbers = _add(spool, 3)
        spool.acknowledge("hub", numbers[:2], NOW)
        assert _owed(spool) == numbers[2:]
    with _open(tmp_path) as spool:
        assert spool.owe_again("hub", 0.0) == 2
        assert _owed(spool) == numbers
        assert spool.owe_again("hub", 0.0) == 0


def test_what_is_asked_for_again_goes_behind_what_is_new(tmp_path: Path) -> None:
    """The hub has most of it, and none of the other; the other hub, which lost nothing, sees no difference."""
    with _open(tmp_path, "a", "b") as spool:
        facts = [NotMeasured(at=NOW + n, vantage="v", target="t", probe="http", reason="missed") for n in range(4)]
        spool.add(facts, 0.0)
        numbers = [one.sequence for one in spool.fresh("a", 1.0, 9, MUCH)]
        for hub in ("a", "b"):
            spool.acknowledge(hub, numbers[:2], NOW)
        spool.owe_again("a", 1.0)

        assert [one.sequence for one in spool.fresh("a", 1.0, 9, MUCH)] == numbers[2:]
        assert [one.sequence for one in spool.backlog("a", 1.0, 9, MUCH)] == numbers[:2]
        assert [one.sequence for one in spool.fresh("b", 1.0, 9, MUCH)] == numbers[2:]
        spool.acknowledge("a", numbers, NOW)
        spool.owe_again("a", 2.0)
        spool.add(facts[:1], 2.0)
        assert [one.sequence for one in spool.fresh("a", 2.0, 9, MUCH)] == [numbers[-1] + 1]
        assert [one.sequence for one in spool.backlog("a", 2.0, 9, MUCH)] == numbers


def test_nothing_is_settled_that_may_be_asked_for_again(tmp_path: Path) -> None:
    """A hub that heard otherwise would refuse it as a repetition."""
    with _open(tmp_path) as spool:
        numbers = _add(spool, 3)
        spool.acknowledge("hub", numbers, NOW)
        assert spool.settled_below("hub") == numbers[0]
        spool.shrink(NOW + 601.0)
        assert spool.settled_below("hub") == numbers[-1] + 1
        assert spool.owe_again("hub", 0.0) == 0


def test_a_hub_that_does_not_ask_costs_nothing(tmp_path: Path) -> None:
    """One in one process has what it acknowledged on its disk."""
    with _open(tmp_path) as spool:
        numbers = _add(spool, 3)
        spool.acknowledge("hub", numbers)
        assert spool.settled_below("hub") == numbers[-1] + 1
        assert spool.owe_again("hub", 0.0) == 0


def test_one_hub_asks_for_its_own_and_the_other_is_owed_nothing_twice(tmp_path: Path) -> None:
    """A fact that the other one has not taken yet stays one fact."""
    with _open(tmp_path, "a", "b") as spool:
        facts = [NotMeasured(at=NOW, vantage="v", target="t", probe="http", reason=f"n{n}") for n in range(2)]
        spool.add(facts, 0.0)
        first, second = _owed(spool, "a")
        spool.acknowledge("a", [first, second], NOW)
        spool.acknowledge("b", [second], NOW)
        spool.owe_again("a", 0.0)

        assert _owed(spool, "a") == [first, second]
        assert _owed(spool, "b") == [first]


def test_a_full_spool_gives_up_copies_before_facts(tmp_path: Path) -> None:
    """What nobody has yet is worth more than what somebody perhaps lost."""
    with Spool.open(tmp_path / "s.db", ("hub",), NOW, most_bytes=1, keep_acknowledged_s=600.0) as spool:
        numbers = _add(spool, 3)
        spool.acknowledge("hub", numbers[:2], NOW - 1)
        spool.shrink(NOW)

        assert spool.owe_again("hub", 0.0) == 0
