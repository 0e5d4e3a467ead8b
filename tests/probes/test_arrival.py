"""When a datagram came, whatever kept its reader busy."""

import asyncio
import socket
import time

import pytest

from probes import clock
from probes.dns.arrival import Arrivals, Moment


def test_arrival_is_when_it_came_and_not_when_it_was_read():
    """The loop is held up for 100 ms after the datagram was sent; its stamp is not."""

    async def main():
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        ):
            near.bind(("127.0.0.1", 0))
            near.setblocking(False)
            arrivals = Arrivals(near)
            sent = Moment.now()
            far.sendto(b"late", near.getsockname())
            end = time.perf_counter() + 0.1
            while time.perf_counter() < end:
                pass  # what a busy monitor does
            data, arrived_ns = await arrivals.next()
            return data, sent.seconds_until(arrived_ns), clock.elapsed(sent.monotonic_s)

    data, elapsed_s, read_s = asyncio.run(main())

    assert data == b"late"
    assert elapsed_s < 0.05 < 0.1 <= read_s


@pytest.mark.parametrize("step_ns", [-3600 * 10**9, 3600 * 10**9])
def test_clock_that_was_set_does_not_make_an_hour_of_it(step_ns):
    """A stamp before the sending, or after now, is not believed."""
    sent = Moment.now()

    assert 0 <= sent.seconds_until(sent.wall_ns + step_ns) < 60
