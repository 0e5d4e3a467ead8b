"""A series over time as braille dots: a plot for a terminal, four times as fine as its characters. Pure.

A braille character (Unicode 2800) is a grid of two by four dots, each one bit of its code.
"""

from __future__ import annotations

from collections.abc import Sequence

_BLANK = 0x2800
# The bits of the left and of the right column, from the top down.
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))

Point = tuple[float, float]
"""Both from 0 to 1: how far right, how far up."""


def braille_plot(points: Sequence[Point], width: int, height: int) -> list[str]:
    """Lines of `width` characters, the topmost first; a column of dots reaches from one point to the next.

    Points in order; what is outside 0 to 1 is drawn at the edge. Points that are apart by more than two columns
    are not joined: nothing is known in between.
    """
    cells = [[0] * width for _ in range(height)]
    before: tuple[int, int] | None = None
    for right, up in points:
        column = _place(right, width * 2)
        row = height * 4 - 1 - _place(up, height * 4)
        joined = before is not None and column - before[0] <= 2
        top, bottom = (min(row, before[1]), max(row, before[1])) if joined and before else (row, row)
        for dot in range(top, bottom + 1):
            cells[dot // 4][column // 2] |= _DOTS[column % 2][dot % 4]
        before = (column, row)
    return ["".join(chr(_BLANK + cell) for cell in line) for line in cells]


def _place(share: float, places: int) -> int:
    return min(max(int(share * places), 0), places - 1)
