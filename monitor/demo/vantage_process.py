"""One vantage of the demo as a process of its own, inside its network namespace: probes, and prints what it saw.

    python -m monitor.demo.vantage_process --vantage seoul-1 --target-url URL --target-address A ...

Every second one HTTPS request to the target and one to the control, every three seconds a traceroute to the
target, with the same probes that the agent uses. One JSON observation a line on standard output; a round that
could not start in time is `not_measured`. It knows nothing of what the observations mean.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from monitor.demo import setting
from probes import clock
from probes.http import HttpProber, HttpRequest
from probes.observation import HttpObservation, NotMeasured, Observation, TraceObservation, encode
from probes.traceroute import Tracer, TraceRequest

_TRACE_TIMEOUT_S = 2.5
_MAX_HOPS = 12
# A constant flow identifier, so that load balancing could not make a path change by itself.
_FLOW = 1


class Vantage:
    """The probes of one vantage; `emit` gets each observation."""

    def __init__(self, name: str, ca_file: str, emit: Callable[[Observation], None]) -> None:
        self._name = name
        self._ca_file = ca_file
        self._emit = emit
        self._prober = HttpProber()
        self._tracer = Tracer()

    async def fetch(self, site: setting.Endpoint, target: str) -> HttpObservation:
        """One request to `site`."""
        request = HttpRequest(
            url=site.url,
            address=site.address,
            expect=setting.EXPECT,
            timeout_s=setting.TIMEOUT_S,
            ca_file=self._ca_file,
        )
        return await self._prober.probe(request, vantage=self._name, target=target)

    async def trace(self, site: setting.Endpoint) -> TraceObservation:
        """One traceroute to the target by TCP to its own port."""
        request = TraceRequest(
            address=site.address,
            method="tcp",
            port=site.port,
            max_hops=_MAX_HOPS,
            timeout_s=_TRACE_TIMEOUT_S,
            flow=_FLOW,
        )
        return await self._tracer.trace(request, vantage=self._name, target=setting.TARGET)

    async def every(
        self,
        interval_s: float,
        offset_s: float,
        measure: Callable[[], Awaitable[Observation]],
        probe: str,
        target: str,
    ) -> None:
        """Measure at fixed times, never twice at once; rounds that were overrun are said to be not measured."""
        due = clock.monotonic() + offset_s
        while True:
            await asyncio.sleep(max(due - clock.monotonic(), 0.0))
            self._emit(await measure())
            due += interval_s
            while due < clock.monotonic() - interval_s / 2:
                late_s = clock.monotonic() - due
                self._emit(
                    NotMeasured(
                        at=round(clock.wall() - late_s, 3), vantage=self._name, target=target, probe=probe,
                        reason="overlapping",
                    )
                )  # fmt: skip
                due += interval_s

    async def watch(
        self, target: setting.Endpoint, control: setting.Endpoint, *, trace: bool, offset_s: float
    ) -> None:
        """Probe until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(
                self.every(
                    setting.INTERVAL_S,
                    offset_s,
                    lambda: self.fetch(target, setting.TARGET),
                    "http",
                    setting.TARGET,
                )
            )
            group.create_task(
                self.every(
                    setting.INTERVAL_S, offset_s + setting.INTERVAL_S / 2,
                    lambda: self.fetch(control, setting.CONTROL), "http", setting.CONTROL,
                )
            )  # fmt: skip
            if trace:
                group.create_task(
                    self.every(
                        setting.TRACE_INTERVAL_S,
                        offset_s + 0.3,
                        lambda: self.trace(target),
                        "trace",
                        setting.TARGET,
                    )
                )


def command_arguments(
    vantage: str,
    target: setting.Endpoint,
    control: setting.Endpoint,
    *,
    ca_file: str,
    trace: bool,
    offset_s: float,
) -> tuple[str, ...]:
    """The arguments that `main` understands, from values."""
    return (
        "--vantage", vantage,
        "--target-url", target.url, "--target-address", target.address,
        "--control-url", control.url, "--control-address", control.address,
        "--ca", ca_file, "--offset", f"{offset_s:g}",
        *(("--trace",) if trace else ()),
    )  # fmt: skip


def _endpoint(url: str, address: str) -> setting.Endpoint:
    return setting.Endpoint(url, address, urlsplit(url).port or 443)


def _print(observation: Observation) -> None:
    print(encode(observation).decode(), flush=True)


def main() -> None:
    """Probe until killed."""
    parser = argparse.ArgumentParser(prog="monitor.demo.vantage_process")
    for word in ("--vantage", "--target-url", "--target-address", "--control-url", "--control-address", "--ca"):
        parser.add_argument(word, required=True)
    parser.add_argument("--offset", type=float, default=0.0)
    parser.add_argument("--trace", action="store_true")
    given = parser.parse_args()

    async def run() -> None:
        await Vantage(given.vantage, given.ca, _print).watch(
            _endpoint(given.target_url, given.target_address),
            _endpoint(given.control_url, given.control_address),
            trace=given.trace,
            offset_s=given.offset,
        )

    asyncio.run(run())


if __name__ == "__main__":
    main()
