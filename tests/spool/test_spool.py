"""The spool: numbers that are never given twice, two lanes, two hubs, bounds, and what survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.spool import Spool, SpoolError
from monitor.spool.spool import FRESH_S
from probes import Failure, HttpObservation, NotMeasured, Observation

NOW = 1_700_000_000.0
MUCH = 10**9


def _seen(number: int, target: str = "shop", failure: Failure | None = None) -> HttpObservation:
    return HttpObservation(
        at=NOW + number * 30.0,
        vantage="v",
        target=target,
        address="198.51.100.1",
        failure=failure,
        wait_s=number / 1e4,
    )


def _open(folder: Path, *hubs: str, now: float = NOW, **bounds: float) -> Spool:
    return Spool.open(folder / "spool.db", hubs or ("hub",), now, **bounds)  # type: ignore[arg-type]


def _facts(spool: Spool, hub: str = "hub", monotonic: float = 1e6) -> list[Observation]:
    decoder: msgspec.msgpack.Decoder[Observation] = msgspec.msgpack.Decoder(Observation)
    return [decoder.decode(one.body) for one in spool.backlog(hub, monotonic, 10**6, MUCH)]


def test_what_was_added_is_there_after_a_restart_as_backlog(tmp_path: Path) -> None:
    """In its order, every field as it was."""
    facts = [_seen(1), NotMeasured(at=NOW, vantage="v", target="shop", probe="dns", reason="missed"), _seen(2)]
    with _open(tmp_path) as spool:
        spool.add(facts, 100.0)
    with _open(tmp_path) as spool:
        assert spool.fresh("hub", 100.0, 10, MUCH) == []
        assert _facts(spool) == facts


def test_a_fact_is_fresh_for_a_minute_and_then_backlog(tmp_path: Path) -> None:
    """Each is in exactly one of the lanes at any time."""
    with _open(tmp_path) as spool:
        for second in range(0, 120, 10):
            spool.add([_seen(second)], float(second))
        for at in (0.0, 59.0, 61.0, 119.0, 119.0 + FRESH_S):
            fresh = {one.sequence for one in spool.fresh("hub", at, 100, MUCH)}
            late = {one.sequence for one in spool.backlog("hub", at, 100, MUCH)}

            assert not fresh & late
            assert len(fresh) + len(late) == 12
        assert fresh == set()


def test_a_batch_is_bounded_in_number_and_bytes_but_never_empty(tmp_path: Path) -> None:
    """A fact larger than the bound goes alone."""
    with _open(tmp_path) as spool:
        spool.add([_seen(number) for number in range(10)], 0.0)

        assert len(spool.fresh("hub", 0.0, 3, MUCH)) == 3
        assert len(spool.fresh("hub", 0.0, 10, 1)) == 1


def test_what_a_hub_has_is_gone_and_the_rest_stays(tmp_path: Path) -> None:
    """Acknowledged twice is no matter; `settled_below` says what nobody needs to wait for."""
    with _open(tmp_path) as spool:
        spool.add([_seen(number) for number in range(5)], 0.0)
        first, *_, last = kept = [one.sequence for one in spool.fresh("hub", 0.0, 10, MUCH)]
        assert spool.settled_below("hub") == first
        for _ in range(2):
            spool.acknowledge("hub", kept[:-1])

        assert [one.sequence for one in spool.fresh("hub", 0.0, 10, MUCH)] == [last]
        assert (spool.settled_below("hub"), spool.waiting("hub")) == (last, 1)


def test_two_hubs_each_get_everything(tmp_path: Path) -> None:
    """A fact goes when both have it; one that is away does not hold back the other."""
    with _open(tmp_path, "a", "b") as spool:
        spool.add([_seen(1), _seen(2)], 0.0)
        kept = [one.sequence for one in spool.fresh("a", 0.0, 10, MUCH)]
        spool.acknowledge("a", kept)
        assert (spool.waiting("a"), spool.waiting("b")) == (0, 2)
        spool.acknowledge("b", kept[:1])
        assert [one.sequence for one in spool.fresh("b", 0.0, 10, MUCH)] == kept[1:]


def test_a_hub_that_is_named_no_more_is_owed_nothing(tmp_path: Path) -> None:
    """A new one in its place gets what comes from then on, and the other keeps what it is owed."""
    with _open(tmp_path, "a", "b") as spool:
        spool.add([_seen(1)], 0.0)
    with _open(tmp_path, "b", "c") as spool:
        spool.add([_seen(2)], 0.0)

        assert (spool.waiting("b"), spool.waiting("c")) == (2, 1)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(1, 5), st.integers(-7200, 7200), st.booleans()), min_size=1, max_size=8)
)
def test_a_number_is_never_given_twice(
    steps: list[tuple[int, int, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Over restarts, over a clock that jumps by hours, with everything acknowledged or nothing."""
    folder, given_before = tmp_path_factory.mktemp("spool"), set[int]()
    for count, off_s, all_acknowledged in steps:
        with _open(folder, now=NOW + off_s) as spool:
            old = {one.sequence for one in spool.backlog("hub", 0.0, 1000, MUCH)}
            spool.add([_seen(number) for number in range(count)], 0.0)
            new = {one.sequence for one in spool.fresh("hub", 0.0, 1000, MUCH)} - old
            assert len(new) == count
            assert not new & given_before
            given_before |= new
            if all_acknowledged:
                spool.acknowledge("hub", sorted(old | new))


def test_a_spool_that_was_lost_and_made_anew_gives_higher_numbers(tmp_path: Path) -> None:
    """Or the hub would take its facts for ones that it has."""
    with _open(tmp_path) as spool:
        spool.add([_seen(1)] * 50, 0.0)
        highest = spool.fresh("hub", 0.0, 100, MUCH)[-1].sequence
    for file in tmp_path.glob("spool.db*"):
        file.unlink()
    with _open(tmp_path, now=NOW + 1.0) as spool:
        spool.add([_seen(2)], 0.0)

        assert spool.fresh("hub", 0.0, 1, MUCH)[0].sequence > highest


def test_a_full_spool_is_thinned_first_and_keeps_what_was_seen_once(tmp_path: Path) -> None:
    """Of those that say the same in ten minutes the middle one stays; a single failure stays; all is counted."""
    with _open(tmp_path, most_bytes=400_000) as spool:
        facts = [_seen(number) for number in range(2000)]
        facts[777] = _seen(777, failure=Failure.READ_TIMEOUT)
        spool.add(facts, 0.0)
        given = []
        while (step := spool.shrink(NOW)) is not None:
            given.append(step)
        kept = _facts(spool)
        told = spool.losses("hub", 10)

    assert all(step.thinned for step in given)
    assert 2000 // 20 <= len(kept) < 250
    assert facts[777] in kept
    assert sum(loss.count for _, loss in told) == 2000 - len(kept)
    assert {one.at for one in kept} <= {one.at for one in facts}


def test_when_all_is_thinned_the_oldest_go(tmp_path: Path) -> None:
    """The newest are there in the end; hubs are told once of what went."""
    with _open(tmp_path, "a", "b", most_bytes=500_000) as spool:
        facts = [_seen(number, target=f"t{number}") for number in range(2000)]
        spool.add(facts, 0.0)
        while spool.shrink(NOW) is not None:
            pass
        kept = _facts(spool, "a")
        (key, loss), *_ = spool.losses("a", 10)
        spool.told([key])

        assert kept == facts[-len(kept) :]
        assert 0 < len(kept) < 2000
        assert loss.count == 2000 - len(kept)
        assert (len(spool.losses("a", 10)), len(spool.losses("b", 10))) == (0, 1)


def test_facts_beyond_the_age_go(tmp_path: Path) -> None:
    """And no others."""
    with _open(tmp_path, most_age_s=3600.0) as spool:
        spool.add([_seen(0), _seen(60), _seen(120)], 0.0)  # half an hour apart
        while spool.shrink(NOW + 2 * 3600.0 - 60.0) is not None:
            pass

        assert _facts(spool) == [_seen(120)]


def test_a_second_agent_on_the_same_spool_is_refused(tmp_path: Path) -> None:
    """Two would give the same numbers."""
    with _open(tmp_path), pytest.raises(SpoolError, match="locked"):
        _open(tmp_path)


def test_a_file_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    """Named in the error, and unchanged."""
    file = tmp_path / "spool.db"
    file.write_bytes(b"precious" * 1000)
    with pytest.raises(SpoolError, match=r"spool\.db"):
        _open(tmp_path)

    assert file.read_bytes() == b"precious" * 1000


def test_an_agent_killed_while_it_writes_loses_nothing_that_was_written(tmp_path: Path) -> None:
    """SIGKILL in the middle of adding: every group that was reported durable is there, whole and in order."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom monitor.spool import Spool\nfrom probes import NotMeasured\n"
        f"spool = Spool.open(Path({str(tmp_path / 'spool.db')!r}), ['hub'], {NOW})\n"
        "n = 0\nwhile True:\n"
        "    one = NotMeasured(at=float(n), vantage='v', target='t', probe='http', reason='missed')\n"
        "    spool.add([one] * 20, 0.0)\n"
        "    n += 1\n    print(n, flush=True)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment) as child:
        assert child.stdout is not None
        for _ in range(25):
            reported = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()
    reported = int(rest[-1]) if rest else reported
    with _open(tmp_path) as spool:
        groups = [one.at for one in _facts(spool)]

    assert reported * 20 <= len(groups) <= (reported + 1) * 20
    assert groups == [float(number) for number in range(len(groups) // 20) for _ in range(20)]
