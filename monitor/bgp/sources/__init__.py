"""Where routes and tables come from: the only part of `monitor.bgp` that does I/O by itself."""

from monitor.bgp.sources.mrt_files import MrtSource
from monitor.bgp.sources.prefix_table import read_prefix_table
from monitor.bgp.sources.ris_live_feed import RisLiveSource
from monitor.bgp.sources.ris_live_session import FeedTimes
from monitor.bgp.sources.routes_file import read_routes_file
from monitor.bgp.sources.sink import Sink
from monitor.bgp.sources.vrps import VrpSource, VrpSourceError, load_vrps

__all__ = [
    "FeedTimes",
    "MrtSource",
    "RisLiveSource",
    "Sink",
    "VrpSource",
    "VrpSourceError",
    "load_vrps",
    "read_prefix_table",
    "read_routes_file",
]
