"""Each kind of delay shows in one phase, over a wire with a delay of its own, for HTTP/1.1 and HTTP/2."""

import subprocess
import sys
from pathlib import Path

import pytest
import trustme

from probes.observation import decode

PEER = "198.51.100.2"  # as in measure.py
ROUND_TRIP_S = 0.06
THINK_S = 0.1
SLOW_BODY_S = 0.1
SYN_RETRY_S = 1.0  # TCP_TIMEOUT_INIT of Linux (RFC 6298 section 2)

# What a phase may be longer than the wire explains: the turn of the wire and of the server on a busy machine. On
# an idle one it is 0.5 ms in connect, 2 to 3 ms in tls (the cryptography of both sides) and 1 to 2 ms in wait.
SLACK_S = 0.02
# What is read after a write may be read late: 1 ms was seen on a machine with five runnable tasks a processor.
LATE_STAMP_S = 0.005
# The kernel's timer wheel rounds a second up, with 100 ticks a second by as much as this.
RETRY_SLACK_S = 0.13

pytestmark = pytest.mark.netns


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """The quickest observation of each scenario: what else runs on this machine can only add to it."""
    folder = tmp_path_factory.mktemp("wire")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    ca.issue_cert(PEER).private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    inside = ["unshare", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"]
    needs = "ip link && test -w /dev/net/tun && ip tuntap add mode tun name wd-try"
    try:
        subprocess.run([*inside, "sh", "-c", needs], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as exc:
        pytest.skip(f"no TUN device in a network namespace can be made here: {exc}")
    script = Path(__file__).with_name("measure.py")
    done = subprocess.run(
        [*inside, sys.executable, script, folder / "server.pem", folder / "ca.pem"],
        check=False, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    observations = [decode(line) for line in done.stdout.splitlines()]
    return {one.target: one for one in sorted(observations, key=lambda one: -one.total_s)}


@pytest.mark.parametrize("version", ["h1", "h2"])
@pytest.mark.parametrize(
    ("scenario", "added"),
    [
        ("plain", {}),
        ("think", {"wait_s": THINK_S}),
        ("slow", {"receive_s": SLOW_BODY_S}),
        ("lost", {"connect_s": SYN_RETRY_S}),
    ],
)
def test_delay_shows_in_its_own_phase_and_in_no_other(seen, scenario, added, version):
    """Connecting, the handshake and the wait are one round trip each, and what was added is where it belongs."""
    one = seen[f"{scenario} {version}"]
    expected = {"connect_s": ROUND_TRIP_S, "tls_s": ROUND_TRIP_S, "wait_s": ROUND_TRIP_S, "receive_s": 0.0}
    for phase, seconds in added.items():
        expected[phase] += seconds
    late = {phase: getattr(one, phase) - seconds for phase, seconds in expected.items()}
    slack = dict.fromkeys(expected, SLACK_S + one.loop_lag_s)
    if scenario == "lost":
        slack["connect_s"] += RETRY_SLACK_S

    assert (one.failure, one.http_version) == (None, "HTTP/2" if version == "h2" else "HTTP/1.1")
    assert all(seconds <= slack[phase] for phase, seconds in late.items()), late
    # Nothing is quicker than the wire; but a stamp that comes late makes what follows it shorter.
    assert all(
        seconds >= (-SLACK_S if phase == "receive_s" else -LATE_STAMP_S) for phase, seconds in late.items()
    ), late
    assert one.dns_s is None


@pytest.mark.parametrize("version", ["h1", "h2"])
def test_kernels_round_trip_is_the_wires_whatever_the_server_does(seen, version):
    """The referee: think time and a slow body leave the kernel's figure alone; a lost SYN is a retransmit."""
    for scenario in ("plain", "think", "slow", "lost"):
        one = seen[f"{scenario} {version}"]

        assert ROUND_TRIP_S - 0.001 <= one.kernel_min_rtt_s <= ROUND_TRIP_S + SLACK_S
        assert one.retransmits == (1 if scenario == "lost" else 0)


@pytest.mark.parametrize("version", ["h1", "h2"])
def test_phases_leave_nothing_unexplained(seen, version):
    """What the phases do not hold is our own code between them."""
    for scenario in ("plain", "think", "slow", "lost"):
        one = seen[f"{scenario} {version}"]
        passed = one.connect_s + one.tls_s + one.wait_s + one.receive_s

        assert 0 <= one.total_s - passed <= SLACK_S + one.loop_lag_s
