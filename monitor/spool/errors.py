"""What can go wrong with the spool."""

from __future__ import annotations


class SpoolError(Exception):
    """The spool cannot do what was asked; the message names the file and the reason."""
