"""What a judge, with vantages of its own or elsewhere, lets be seen of itself: the board, its pulse, each step.

It is told what the centre is told, and neither stores nor concludes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitor.diagnose.fact import Fact
from monitor.hub.judging import Step
from monitor.model.settings import Config
from monitor.station.board import Board
from monitor.station.pulse import Pulse


class Showcase:
    """`board` is kept up to date for whoever shows it; `shown` is called after each step of the pipeline."""

    def __init__(self, board: Board, shown: Callable[[Step], object]) -> None:
        self._board = board
        self._shown = shown
        self.pulse = Pulse()

    def heard(self, facts: Sequence[Fact]) -> None:
        """Facts came."""
        self._board.see(facts)
        self.pulse.came(facts)

    def stepped(self, step: Step) -> None:
        """The pipeline did a step."""
        if step.stored:
            self.pulse.kept()
        self._shown(step)

    def keep(self, config: Config) -> None:
        """Forget what another configuration watched."""
        targets, controls = (target.name for target in config.targets), (one.name for one in config.controls)
        self._board.keep_targets((*targets, *controls))
