"""The demo's child processes: started so that none outlives the demo, read line by line, stopped for sure.

A child is killed by the kernel when the process that started it dies (`prctl(PR_SET_PDEATHSIG)`), so that
even SIGKILL leaves nothing behind. It knows nothing of what the children do.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from types import TracebackType

from monitor.station.child import bound_to_parent

_STOP_WAIT_S = 2.0
# A line longer than this is a child gone wrong: a traceroute of 30 hops takes 4 kB.
MAX_LINE_BYTES = 256 * 1024


class ChildError(RuntimeError):
    """A child process ended, or said nothing, when it should have been ready."""


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """The command line that runs `module` with this interpreter."""
    return (sys.executable, "-m", module, *arguments)


class Child:
    """One running child; its standard output is ours to read, its standard error goes to our own."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process

    @classmethod
    async def start(cls, name: str, command: Sequence[str], *, told: bool = False) -> Child:
        """Start `command`; one that is `told` things hears them on its standard input.

        :raises OSError: the program cannot be run
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE if told else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_LINE_BYTES,
            preexec_fn=bound_to_parent(signal.SIGKILL),
        )
        return cls(name, process)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def tell(self, line: str) -> None:
        """Give a line to a child that is told things; one that has ended hears nothing."""
        writer = self._process.stdin
        if writer is None:
            raise ChildError(f"{self.name}: is told nothing")
        if not writer.is_closing():
            writer.write(line.encode() + b"\n")

    async def lines(self) -> AsyncIterator[bytes]:
        """Its output line by line until it ends.

        :raises ChildError: a line is longer than `MAX_LINE_BYTES`
        """
        reader = self._process.stdout
        if reader is None:
            raise ChildError(f"{self.name}: has no output to read")
        while True:
            try:
                line = await reader.readline()
            except ValueError as error:
                raise ChildError(f"{self.name}: a line of more than {MAX_LINE_BYTES} bytes") from error
            if not line:
                return
            yield line.rstrip(b"\n")

    async def ready(self, timeout: float) -> bytes:
        """Wait for its first line, by which it says that it serves.

        :raises ChildError: it ended first, or said nothing for `timeout` seconds
        """
        try:
            async with asyncio.timeout(timeout):
                async for line in self.lines():
                    return line
        except TimeoutError as error:
            raise ChildError(f"{self.name}: not ready after {timeout:g} s") from error
        raise ChildError(f"{self.name}: ended before it was ready, exit status {await self._process.wait()}")

    async def stop(self) -> None:
        """Ask it to end (SIGTERM), kill it after two seconds; returns when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_WAIT_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


class Children:
    """A set of children that end together: `async with Children() as children`."""

    def __init__(self) -> None:
        self._running: list[Child] = []

    async def __aenter__(self) -> Children:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.gather(*(child.stop() for child in self._running))

    async def start(self, name: str, command: Sequence[str], *, told: bool = False) -> Child:
        """Start one more child, to be stopped with the others; `told` as in `Child.start`.

        :raises OSError: the program cannot be run
        """
        child = await Child.start(name, command, told=told)
        self._running.append(child)
        return child
