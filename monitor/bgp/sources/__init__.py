"""Where routes and tables come from: the only part of `monitor.bgp` that does I/O by itself."""

from monitor.bgp.sources.answer_folder import AnswerFolder
from monitor.bgp.sources.bmp_listener import BmpSource
from monitor.bgp.sources.dated_tables import table_at, table_date
from monitor.bgp.sources.mrt_files import MrtSource
from monitor.bgp.sources.past_routes import PastRoutes, grouped, past_routes, validity_now
from monitor.bgp.sources.prefix_table import ExchangesError, read_exchanges, read_prefix_table
from monitor.bgp.sources.relationship_file import read_relationships
from monitor.bgp.sources.ripestat import Ripestat
from monitor.bgp.sources.ripestat_query import Answers, Query, RipestatUnavailableError
from monitor.bgp.sources.ris_live_feed import RisLiveSource
from monitor.bgp.sources.ris_live_session import FeedTimes
from monitor.bgp.sources.routes_file import read_routes_file
from monitor.bgp.sources.saved_answers import SavedAnswers
from monitor.bgp.sources.sink import Sink
from monitor.bgp.sources.vrps import VrpSource, VrpSourceError, load_vrps

__all__ = [
    "AnswerFolder",
    "Answers",
    "BmpSource",
    "ExchangesError",
    "FeedTimes",
    "MrtSource",
    "PastRoutes",
    "Query",
    "Ripestat",
    "RipestatUnavailableError",
    "RisLiveSource",
    "SavedAnswers",
    "Sink",
    "VrpSource",
    "VrpSourceError",
    "grouped",
    "load_vrps",
    "past_routes",
    "read_exchanges",
    "read_prefix_table",
    "read_relationships",
    "read_routes_file",
    "table_at",
    "table_date",
    "validity_now",
]
