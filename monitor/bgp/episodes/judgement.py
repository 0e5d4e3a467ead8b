"""What is said of one unusual route: its kind, who did it, its validity, and the reasons. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.bgp.episodes.episode import EpisodeKind, Reason, ReasonWord
from monitor.bgp.episodes.links import Link
from monitor.model import Asn, Validity, ValidityResult

UNJUDGED = ValidityResult(Validity.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Why a route is unusual; routes with the same `key` make one episode."""

    kind: EpisodeKind
    origin: Asn | None
    offender: Asn | None
    link: Link | None = None
    validity: ValidityResult = UNJUDGED
    reasons: tuple[Reason, ...] = ()

    @property
    def key(self) -> tuple[EpisodeKind, Asn | None, Asn | None, Link | None]:
        """What makes two routes of a prefix the same story."""
        return self.kind, self.origin, self.offender, self.link


def validity_reasons(validity: ValidityResult) -> list[Reason]:
    """The VRP that decided it, where one did."""
    if validity.state is Validity.VALID:
        vrp = validity.matched[0]
        return [Reason(ReasonWord.RPKI_VALID, f"RPKI valid: {vrp.prefix}-{vrp.max_length} for AS{vrp.asn}")]
    if validity.state is Validity.INVALID:
        against = (validity.wrong_length or validity.wrong_origin)[0]
        text = f"RPKI invalid: {against.prefix}-{against.max_length} is for AS{against.asn}"
        return [Reason(ReasonWord.RPKI_INVALID, text)]
    return []


@dataclass(frozen=True, slots=True)
class Forgery:
    """A path that was made up: by whom, and which network it names that does not have the route.

    `proven`: no other reading is left; else the origin may have wanted it so.
    """

    offender: Asn
    disowned_by: Asn
    proven: bool
