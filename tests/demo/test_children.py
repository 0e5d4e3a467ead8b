"""Child processes of the demo: ready, read, stopped, and never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from monitor.demo.children import MAX_LINE_BYTES, Child, ChildError, Children


def _python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_a_child_says_that_it_is_ready_and_is_stopped_at_the_end() -> None:
    """After the block the process is gone."""
    code = "import time; print('ready 7', flush=True); time.sleep(600)"

    async def run() -> tuple[bytes, int]:
        async with Children() as children:
            child = await children.start("c", _python(code))
            return await child.ready(20.0), child.pid

    said, pid = asyncio.run(run())

    assert said == b"ready 7"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_child_that_ignores_terminate_is_killed() -> None:
    """Stopping never hangs on a stubborn child."""
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"

    async def run() -> int:
        async with Children() as children:
            child = await children.start("c", _python(code))
            await child.ready(20.0)
            return child.pid

    pid = asyncio.run(run())

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_child_that_ends_before_it_is_ready_is_named_with_its_status() -> None:
    """The message says which child, and what it ended with."""

    async def run() -> None:
        async with Children() as children:
            child = await children.start("service", _python("raise SystemExit(3)"))
            await child.ready(20.0)

    with pytest.raises(ChildError, match="service: ended before it was ready, exit status 3"):
        asyncio.run(run())


def test_an_endless_line_is_an_error_and_not_an_endless_memory() -> None:
    """A child gone wrong is cut off at the limit."""

    async def run() -> None:
        async with Children() as children:
            child = await children.start("c", _python(f"print('x' * {2 * MAX_LINE_BYTES}, flush=True)"))
            async for _ in child.lines():
                pass

    with pytest.raises(ChildError, match=f"more than {MAX_LINE_BYTES} bytes"):
        asyncio.run(run())


def test_children_die_with_a_parent_that_was_killed() -> None:
    """SIGKILL of the demo leaves nothing running: the child's end of a pipe is closed by its death."""
    code = (
        "import asyncio, sys\n"
        "from monitor.demo.children import Child\n"
        "async def main():\n"
        "    child = await Child.start('c', (sys.executable, '-c', 'import time; time.sleep(600)'))\n"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    read_end, write_end = os.pipe()
    with subprocess.Popen(_python(code), stdout=subprocess.PIPE, stderr=write_end) as parent:
        os.close(write_end)
        assert parent.stdout is not None
        assert int(parent.stdout.readline()) > 0
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    # Both hold the pipe as their standard error: it ends when the last of them does.
    with os.fdopen(read_end, "rb") as pipe:
        assert pipe.read() == b""


def test_a_program_that_is_not_there_is_an_os_error() -> None:
    """Starting fails where it is started, not later."""
    with pytest.raises(FileNotFoundError):
        asyncio.run(Child.start("c", ("/nonexistent/program",)))
