"""What happened to watched space in BGP: episodes, each with its reasons. Nothing here calls itself a hijack."""

from monitor.bgp.episodes.detector import RouteDetector
from monitor.bgp.episodes.episode import Episode, EpisodeChange, EpisodeKind, Place, Reason, ReasonWord, Role, Turn
from monitor.bgp.episodes.interest import Declared
from monitor.bgp.episodes.relationships import Relationships

__all__ = [
    "Declared",
    "Episode",
    "EpisodeChange",
    "EpisodeKind",
    "Place",
    "Reason",
    "ReasonWord",
    "Relationships",
    "Role",
    "RouteDetector",
    "Turn",
]
