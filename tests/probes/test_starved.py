"""Which observations were timed by a monitor that was held up."""

import pytest

from probes.observation import DnsObservation, HttpObservation
from probes.starved import STARVED_S, starved


@pytest.mark.parametrize(
    ("lag_s", "expected"),
    [(None, False), (0.0, False), (STARVED_S, False), (STARVED_S + 0.000001, True), (3.0, True)],
)
def test_lateness_above_the_limit_is_starvation(lag_s, expected):
    """At the limit it is not yet; what was not measured is not held against the observation."""
    assert starved(HttpObservation(at=1.0, vantage="v", target="t", loop_lag_s=lag_s)) is expected


def test_observations_that_the_kernel_times_are_not_starved():
    """DNS replies carry the kernel's stamp."""
    assert not starved(DnsObservation(at=1.0, vantage="v", target="t", server="9.9.9.9", name="a.example"))
