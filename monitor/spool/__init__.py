"""What an agent has measured and its hubs have not got yet: a file that survives the agent and bounds itself."""

from monitor.spool.errors import SpoolError
from monitor.spool.spool import Kept, Spool

__all__ = ["Kept", "Spool", "SpoolError"]
