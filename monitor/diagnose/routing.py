"""What BGP says of a target's addresses at one moment: unusual routes, withdrawals, paths that moved, or quiet.

Pure values. Nothing here calls itself a hijack; that is the verdict's word.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from monitor.bgp.episodes import Episode, EpisodeKind, ReasonWord, Role
from monitor.bgp.vrp_view import Vrps
from monitor.model.asn import Asn
from monitor.model.route import AsPath

CORRELATION_S = (180.0, 60.0)
"""A route event this long before, or after, the first bad observation belongs to it."""

MOVES_KEPT_S = 3600.0
"""How long a change of path is remembered, for a slow schedule to find the trouble that it made: before `now`, or
before the trouble that goes on."""

STIRRED_SHARE = 0.1
"""Paths of so many peers change every hour somewhere; fewer say nothing."""

ALLOWED = (EpisodeKind.AUTHORISED, EpisodeKind.SCRUBBING, EpisodeKind.SIBLING)
"""New origins that somebody allowed."""

Move = tuple[float, AsPath | None, AsPath | None]
"""When a peer's path changed, from which, to which."""


def belongs(at: float, onset: float) -> bool:
    """Whether a route event of this time belongs to a trouble that began then."""
    before, after = CORRELATION_S
    return onset - before <= at <= onset + after


@dataclass(frozen=True, slots=True)
class Routing:
    """The routing of one target at one moment.

    `genuine`: whether peers carry a usual route with a rightful origin; None when no peer carries any, so
    that nothing can be said. `peers`: those with a usual prefix. `moves`: the last change of path of each
    of them, for `MOVES_KEPT_S`. `parts_since`: when each part of a usual prefix that its own network announces,
    and that packets follow therefore, was first seen. `blackholed`: whether the owner asks others to drop what is
    sent to a part of it (RFC 7999). `vrps`: what the episodes' validity was judged by; None: nothing.
    `part_networks`: those on the ways to parts that are as new as the moves, and not known to be taken.
    """

    episodes: tuple[Episode, ...] = ()
    genuine: bool | None = None
    peers: int = 0
    moves: tuple[Move, ...] = ()
    parts_since: tuple[float, ...] = ()
    blackholed: bool = False
    vrps: Vrps | None = None
    part_networks: frozenset[Asn] = frozenset()

    def moved_since(self, since: float) -> tuple[Move, ...]:
        """The moves at or after `since`, oldest first."""
        return tuple(move for move in self.moves if move[0] >= since)

    @property
    def networks_of_late(self) -> frozenset[Asn]:
        """The networks on the ways that peers changed to, or to parts, and those that brought an unusual route."""
        ways = [asn for _, _, path in self.moves if path is not None for asn in path.sequence]
        return self.part_networks | set(ways) | {one.offender for one in self.episodes if one.offender is not None}

    def stirred_since(self, since: float) -> bool:
        """Whether more of the peers' paths moved at or after `since` than do in any hour."""
        return len(self.moved_since(since)) > STIRRED_SHARE * self.peers

    def parted_since(self, since: float) -> bool:
        """Whether packets may follow a longer prefix, or another origin, since then, whoever announces it."""
        ours = [one for one in self.episodes if one.role is Role.TARGET]
        taken = any(one.taken and one.last_at >= since for one in ours)
        allowed = any(one.kind in ALLOWED and one.first_at >= since for one in ours)
        return taken or allowed or any(at >= since for at in self.parts_since)

    def led_elsewhere_since(self, since: float) -> bool:
        """Whether BGP may have led packets of anybody another way since then: by a move, or by a longer prefix."""
        return bool(self.moved_since(since)) or self.parted_since(since)

    @property
    def alarming(self) -> tuple[Episode, ...]:
        """The episodes that stand and need no other sign to worry: space taken, or gone.

        Not that of mail hosts: whoever takes it makes no exchange with the target bad.
        """
        beside = (Role.HOP, Role.MAIL)
        return tuple(
            episode
            for episode in self.episodes
            if episode.active and episode.role not in beside and (episode.taken or _is_gone(episode))
        )

    @property
    def mail_taken(self) -> tuple[Episode, ...]:
        """The episodes that took the space of a mail host, and stand."""
        return tuple(one for one in self.episodes if one.active and one.role is Role.MAIL and one.taken)

    def without_mail(self) -> Routing:
        """It as far as it can say anything of the target's own trouble."""
        return replace(self, episodes=tuple(one for one in self.episodes if one.role is not Role.MAIL))

    @property
    def doubtful(self) -> tuple[Episode, ...]:
        """Those that may be as innocent as a new provider, or as bad as a forged path: they need other signs."""
        kinds = (EpisodeKind.FORGED_ORIGIN, EpisodeKind.NEW_LINK, EpisodeKind.LEAK)
        return tuple(one for one in self.episodes if one.active and one.role is Role.TARGET and one.kind in kinds)

    @property
    def standing(self) -> tuple[Episode, ...]:
        """Those that are worth a verdict even where nobody suffers; a stray one is an effect, not a cause."""
        own = (Role.TARGET, Role.NAME_SERVER)
        allowed = tuple(one for one in self.episodes if one.active and one.kind in ALLOWED and one.role in own)
        worth = (*self.alarming, *self.mail_taken, *allowed)
        return tuple(one for one in worth if not one.after_withdrawal)


def is_new_neighbour(episode: Episode) -> bool:
    """Whether the usual prefix is reached, still, through a network never seen next to its origin."""
    forged = episode.active and episode.kind is EpisodeKind.FORGED_ORIGIN
    return forged and episode.role is Role.TARGET and not episode.after_withdrawal


def carries_nobody(episode: Episode) -> bool:
    """Whether the network at fault is known to have no customers, so that it is nobody's provider."""
    return any(reason.word is ReasonWord.CARRIES_NOBODY for reason in episode.reasons)


def _is_gone(episode: Episode) -> bool:
    """Whether the target's own space was withdrawn; a zone has other name servers."""
    return episode.kind is EpisodeKind.WITHDRAWN and episode.role is Role.TARGET
