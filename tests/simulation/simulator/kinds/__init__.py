"""All kinds of plays; importing this package registers them."""

from simulator.kinds import accidents, benign, hijacks, names, network, servers, vantages
from simulator.kinds.registry import KINDS, Kind

__all__ = ["KINDS", "Kind", "accidents", "benign", "hijacks", "names", "network", "servers", "vantages"]
