"""Where the daemons' complaints go: into a file of the laboratory's folder, not between the lines of the play."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def heard_in(folder: Path) -> Iterator[None]:
    """What children say on standard error goes to `daemons.log` meanwhile; our own goes where it always went."""
    ours = os.dup(2)
    with (folder / "daemons.log").open("wb") as log, os.fdopen(ours, "w") as stderr:
        os.dup2(log.fileno(), 2)
        before, sys.stderr = sys.stderr, stderr
        try:
            yield
        finally:
            sys.stderr = before
            os.dup2(ours, 2)
