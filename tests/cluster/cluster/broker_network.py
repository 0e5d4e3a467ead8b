"""A network for brokers: each is alone in a namespace behind a link of its own, which can swallow everything.

            this process, roles, agents
               |         |         |
            broker 0  broker 1  broker 2        198.18.254.10 .11 .12, forwarded between

It is built inside a private network namespace (`monitor.demo.namespaces`), so that nothing of it is seen outside
and all is gone when the run ends. A broker that is cut off loses every packet in both directions, to its clients
and to the other brokers, while its connections stay open at both ends: nobody is told anything, as when a cable is
pulled between two switches.
"""

from __future__ import annotations

import shutil

from monitor.demo.namespaces import NetworkError, batch, become_router, connect, enter, run
from monitor.model.prefix import Address, as_address

_HERE = "198.18.254.1"
_CUT = (
    "add table inet wd-cut",
    "add chain inet wd-cut in { type filter hook input priority 0 ; policy drop ; }",
    "add chain inet wd-cut out { type filter hook output priority 0 ; policy drop ; }",
)


class BrokerNetwork:
    """Links and namespaces for so many brokers; make it inside a private network namespace.

    :raises NetworkError: a command failed
    """

    def __init__(self, nodes: int) -> None:
        if shutil.which("nft") is None:
            raise NetworkError("the program `nft` is not installed")
        run("mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up")
        run("echo 1 > /proc/sys/net/ipv4/ip_forward")
        here = _address(_HERE)
        for node in range(nodes):
            space, device = _space(node), f"wd-to-{node}"
            batch([f"netns add {space}", f"link add {device} type veth peer name wd-up netns {space}"])
            run(f"ip addr add {here} peer {self.address(node)}/32 dev {device} && ip link set {device} up")
            become_router(space)
            connect(space, "wd-up", _address(self.address(node)), here)
            batch([f"route add default via {here}"], inside=space)

    def address(self, node: int) -> str:
        """Where a broker is reached."""
        return f"198.18.254.{10 + node}"

    def inside(self, node: int) -> tuple[str, ...]:
        """The words before a command that run it where that broker is."""
        return enter(_space(node))

    def cut(self, node: int) -> None:
        """Swallow every packet to and from it."""
        run("nft -f - <<'END'\n" + "\n".join(_CUT) + "\nEND", inside=_space(node))

    def mend(self, node: int) -> None:
        """Let them pass again."""
        run("nft delete table inet wd-cut", inside=_space(node))


def _space(node: int) -> str:
    return f"wd-broker-{node}"


def _address(text: str) -> Address:
    found = as_address(text)
    assert found is not None
    return found
