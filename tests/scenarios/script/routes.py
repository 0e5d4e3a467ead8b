"""What the collectors' peers send while a script is played: usual routes at the start, then its turns."""

from __future__ import annotations

from collections.abc import Iterator

from world import announcement, withdrawal

from script.words import Message, Peer, Script, Turn


def messages(script: Script) -> list[Message]:
    """All messages of RIS Live, in the order of their times."""
    usual = {**script.networks}
    for watched in script.targets:
        usual |= watched.prefixes
    rows = [
        announcement(script.start + index, peer.key, peer.path(networks), prefix)
        for prefix, networks in usual.items()
        for index, peer in enumerate(script.peers)
    ]
    for turn in script.turns:
        rows += _turned(script, turn, usual)
    rows += script.messages
    return sorted(rows, key=lambda row: float(str(row["timestamp"])))


def _turned(script: Script, turn: Turn, usual: dict[str, tuple[int, ...]]) -> Iterator[Message]:
    turned = [peer for peer in script.peers if not turn.peers or peer.asn in turn.peers]
    for order, peer in enumerate(turned):
        yield _there(turn, peer, turn.start + order * turn.step_s)
        if turn.end is None:
            continue
        back_at = turn.end + order * turn.step_s
        if turn.prefix in usual:
            yield announcement(back_at, peer.key, peer.path(usual[turn.prefix]), turn.prefix)
        else:
            yield withdrawal(back_at, peer.key, turn.prefix)


def _there(turn: Turn, peer: Peer, at: float) -> Message:
    if turn.tail is None:
        return withdrawal(at, peer.key, turn.prefix)
    return announcement(at, peer.key, peer.path(turn.tail, direct=turn.direct), turn.prefix)
