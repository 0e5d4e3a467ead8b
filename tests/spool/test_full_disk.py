"""A spool on a full disk, with a real one: a small file system in memory, in a mount namespace of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAM = """
import asyncio, sys
from pathlib import Path
from structlog.testing import capture_logs
from monitor.agent.spooler import Spooler
from monitor.spool import Spool
from probes import HttpObservation

def facts(number):
    times = [1e9 + number + part / 100 for part in range(50)]
    return [HttpObservation(at=at, vantage="v", target="t", error="x" * 200) for at in times]

async def main(folder):
    with Spool.open(folder / "s.db", ("https://hub",), 1e9) as spool:
        await fill(spool, folder)

async def fill(spool, folder):
    filler, brought = folder / "filler", 0
    filler.write_bytes(bytes(1_500_000))
    spooler = Spooler(spool, lambda: None)
    with capture_logs() as logs:
        running = asyncio.create_task(spooler.run())
        while not any(log["event"] == "facts_wait_in_memory" for log in logs):
            await spooler.take(facts(brought))
            brought += 50
            await asyncio.sleep(0.02)
        print("before", spool.waiting("https://hub") < brought)
        filler.unlink()
        spooler.finish()
        await running
    print("after", spool.waiting("https://hub") == brought)
    print([log["error"] for log in logs if log["event"] == "facts_wait_in_memory"][0])

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.netns
@pytest.mark.slow
def test_facts_wait_in_memory_while_the_disk_is_full_and_none_is_lost(
    tmp_path: Path, on_small_disk: Callable[[str], str]
) -> None:
    """It is said which file cannot be written; with room again all that was taken is in the spool, once."""
    told = on_small_disk(PROGRAM)
    before, after, error = told.splitlines()

    assert (before, after) == ("before True", "after True")
    assert str(tmp_path / "s.db") in error
    assert "full" in error
