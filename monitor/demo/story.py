"""The demo's story as data: what happens when, and what the monitor should name. Pure.

Five acts in two minutes. Acts with a `truth` are troubles that the demo itself causes; the monitor is told
nothing of them, and the summary compares its incidents with this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitor.model.verdict import Cause


class Deed(StrEnum):
    """What the demo does to its little Internet at the start of an act."""

    NOTHING = "nothing"
    LET_CROWD_IN = "let the crowd in"
    DIVERT = "divert"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act: it begins `starts_s` seconds after the first probe. `truth`: the cause that is then at work."""

    title: str
    told: str
    starts_s: float
    deed: Deed = Deed.NOTHING
    truth: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The acts in order, and when it ends (seconds after the first probe)."""

    acts: tuple[Act, ...]
    ends_s: float

    def length_s(self, act: Act) -> float:
        """How long an act lasts."""
        later = [other.starts_s for other in self.acts if other.starts_s > act.starts_s]
        return min(later, default=self.ends_s) - act.starts_s


STORY = Story(
    acts=(
        Act(title="calm", told="The vantages learn what is usual.", starts_s=0.0),
        Act(
            title="crowd",
            told="Lunch time: a crowd checks in at once. Workers are busy, the queue is full, requests are shed.",
            starts_s=25.0,
            deed=Deed.LET_CROWD_IN,
            truth=Cause.SERVER_OVERLOAD,
        ),
        Act(title="recovery", told="The crowd has gone.", starts_s=55.0),
        Act(
            title="hijack",
            told="A stranger announces a more-specific. Its server answers errors, with a valid certificate.",
            starts_s=78.0,
            deed=Deed.DIVERT,
            truth=Cause.ROUTE_HIJACK,
        ),
        Act(title="withdrawn", told="The announcement is withdrawn.", starts_s=108.0, deed=Deed.RESTORE),
    ),
    ends_s=142.0,
)
