"""What a fuzz target is: a parser of bytes from the network, its own errors, and bytes to begin with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """`read` takes any bytes; what it may raise is `errors`, anything else is a finding.

    It asserts what must hold of every value that comes out. `seeds`: bytes that lead deep into it.
    """

    name: str
    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]

    def run(self, data: bytes) -> None:
        """One execution. :raises Exception: a finding"""
        try:
            self.read(data)
        except self.errors:
            return
