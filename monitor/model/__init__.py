"""The words of monitoring: pure values, no I/O, no clock."""

from monitor.model.asn import Asn, parse_asn
from monitor.model.evidence import Evidence, FactRef
from monitor.model.incident import ChangeKind, Incident, IncidentChange, Share, by_member, share_of
from monitor.model.prefix import Address, Prefix, as_address, contains, covers, parse_address, parse_prefix
from monitor.model.route import (
    AsPath,
    AsSet,
    FeedState,
    FeedTally,
    FileMark,
    PeerState,
    RouteEvent,
    RouteFact,
    RouteKind,
)
from monitor.model.target import Control, Target, Vantage
from monitor.model.verdict import Cause, Detail, HijackEffect, HijackKind, RunnerUp, Verdict
from monitor.model.vrp import Validity, ValidityResult, Vrp, VrpChange

__all__ = [
    "Address",
    "AsPath",
    "AsSet",
    "Asn",
    "Cause",
    "ChangeKind",
    "Control",
    "Detail",
    "Evidence",
    "FactRef",
    "FeedState",
    "FeedTally",
    "FileMark",
    "HijackEffect",
    "HijackKind",
    "Incident",
    "IncidentChange",
    "PeerState",
    "Prefix",
    "RouteEvent",
    "RouteFact",
    "RouteKind",
    "RunnerUp",
    "Share",
    "Target",
    "Validity",
    "ValidityResult",
    "Vantage",
    "Verdict",
    "Vrp",
    "VrpChange",
    "as_address",
    "by_member",
    "contains",
    "covers",
    "parse_address",
    "parse_asn",
    "parse_prefix",
    "share_of",
]
