"""Where the kernel would send, asked without sending."""

import subprocess
import sys

import pytest

from probes.endpoint import endpoint, has_route, routable


def test_the_scope_of_a_link_local_address_goes_apart():
    """A name or a number of an interface; without one, and for other addresses, there is nothing to it."""
    assert endpoint("203.0.113.1", 53) == ("203.0.113.1", 53)
    assert endpoint("2001:db8::1", 53) == ("2001:db8::1", 53, 0, 0)
    assert endpoint("fe80::1%lo", 53) == ("fe80::1", 53, 0, 1)
    assert endpoint("fe80::1%7", 53) == ("fe80::1", 53, 0, 7)


def test_an_interface_that_is_not_there_is_an_os_error():
    """It was unplugged since the configuration was written; and there is no route to it."""
    with pytest.raises(OSError, match="interface"):
        endpoint("fe80::1%nosuch0", 53)
    assert not has_route("fe80::1%nosuch0")


def test_where_nothing_is_routed_all_are_left():
    """Then asking one of them says what the machine lacks."""
    assert routable(["fe80::1%nosuch0", "fe80::2%nosuch0"]) == ("fe80::1%nosuch0", "fe80::2%nosuch0")
    assert routable(["fe80::1%nosuch0", "127.0.0.1"]) == ("127.0.0.1",)
    assert routable([]) == ()


@pytest.mark.netns
@pytest.mark.parametrize(
    ("setup", "routed"),
    [
        ("ip route add 203.0.113.0/24 dev lo", "203.0.113.10"),
        ("ip -6 route add 2001:db8::/32 dev lo; ip address add fd00::1/128 dev lo", "2001:db8::10"),
        ("ip route add unreachable 203.0.113.0/24; ip -6 route add 2001:db8::/32 dev lo", "2001:db8::10"),
    ],
    ids=["only IPv4", "only IPv6", "IPv4 refused"],
)
def test_a_machine_of_one_family_knows_it(setup, routed):
    """In a network namespace with routes of one family, that family's address is left of the two."""
    unshare = ["unshare", "-rn", "sh", "-c"]
    try:
        subprocess.run([*unshare, f"ip link set lo up; {setup}"], check=True, capture_output=True, timeout=20)
    except (OSError, subprocess.SubprocessError) as exc:
        pytest.skip(f"no network namespace can be made here: {exc}")
    script = "from probes.endpoint import routable; print(*routable(['203.0.113.10', '2001:db8::10']))"
    command = f'ip link set lo up; {setup}; exec "$0" -c "$1"'
    done = subprocess.run([*unshare, command, sys.executable, script], check=True, capture_output=True, timeout=60)

    assert done.stdout.decode().split() == [routed]
