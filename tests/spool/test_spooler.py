"""The spooler: what comes while the disk writes is neither lost nor written twice, whatever the queue's bound."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec
from structlog.testing import capture_logs

from monitor.agent.spooler import Spooler
from monitor.spool import Spool, SpoolError
from probes import NotMeasured, Observation

NOW = 1_700_000_000.0
MUCH = 10**9


class _SlowSpool(Spool):
    """A real spool whose first write begins, and waits until it may go on; so many fail as on a full disk."""

    def hold(self, *, failures: int = 0) -> None:
        """Hold the next write; `failures` writes raise."""
        self.failures = failures
        self.begun, self.go_on = threading.Event(), threading.Event()

    def add(self, facts: Sequence[Observation], monotonic: float) -> None:
        """Keep facts, or fail."""
        self.begun.set()
        assert self.go_on.wait(10)
        if self.failures:
            self.failures -= 1
            raise SpoolError("the disk is full")
        super().add(facts, monotonic)


def _facts(*numbers: int) -> list[Observation]:
    return [
        NotMeasured(at=NOW + number, vantage="v", target="t", probe="http", reason="missed") for number in numbers
    ]


def _kept(spool: Spool) -> list[int]:
    decoder: msgspec.msgpack.Decoder[Observation] = msgspec.msgpack.Decoder(Observation)
    return [round(decoder.decode(one.body).at - NOW) for one in spool.fresh("hub", 0.0, 10**6, MUCH)]


def _take_while_writing(
    path: Path, before: list[Observation], meanwhile: list[Observation], *, failures: int = 0
) -> list[int]:
    """What is in the spool when `meanwhile` came while `before` was being written; three facts wait at most."""

    async def scenario() -> list[int]:
        with _SlowSpool.open(path / "s.db", ("hub",), NOW) as spool:
            assert isinstance(spool, _SlowSpool)
            spool.hold(failures=failures)
            spooler = Spooler(spool, lambda: None, most_waiting=3, retry_s=0.0)
            running = asyncio.create_task(spooler.run())
            await spooler.take(before)
            await asyncio.to_thread(spool.begun.wait, 10)
            await spooler.take(meanwhile)
            spool.go_on.set()
            spooler.finish()
            await running
            return _kept(spool)

    return asyncio.run(scenario())


def test_nothing_unwritten_goes_when_the_queue_fills_during_a_write(tmp_path: Path) -> None:
    """All three that came meanwhile wait, though with those being written there are six."""
    kept = _take_while_writing(tmp_path, _facts(1, 2, 3), _facts(4, 5, 6))

    assert kept == [1, 2, 3, 4, 5, 6]


def test_of_more_than_may_wait_the_oldest_unwritten_go(tmp_path: Path) -> None:
    """One is too many: it is the oldest of those that wait, not one more for each that was written meanwhile."""
    kept = _take_while_writing(tmp_path, _facts(1, 2, 3), _facts(4, 5, 6, 7))

    assert kept == [1, 2, 3, 5, 6, 7]


def test_a_write_that_fails_puts_its_facts_back_in_front(tmp_path: Path) -> None:
    """In their order, the oldest gone where they are too many with those that came meanwhile; the loss is said."""
    with capture_logs() as logs:
        kept = _take_while_writing(tmp_path, _facts(1, 2, 3), _facts(4), failures=1)

    assert kept == [2, 3, 4]
    assert [(log["facts"], log["lost"]) for log in logs if log["event"] == "facts_wait_in_memory"] == [(3, 1)]
