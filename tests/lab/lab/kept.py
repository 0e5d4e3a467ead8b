"""Outcomes that are kept in a folder, one file a play, so that a measurement that was cut short can go on.

Each says of which commit it is and when it was: what was measured on other code must not pass for this one's.
It knows nothing of how scenarios are played.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
from lab.outcome import Outcome

_GIT_TIMEOUT_S = 10.0


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One play. `at`: Unix seconds of its end; `load`: the machine's then, over a minute.

    `outcome` None: the laboratory broke; `broke` says how.
    """

    name: str
    pace: str
    commit: str
    at: float
    load: float
    outcome: Outcome | None = None
    broke: str = ""

    @property
    def right(self) -> bool:
        """It took place and was answered rightly."""
        return self.outcome is not None and self.outcome.right


def commit(repository: Path, *, but: Path | None = None) -> str:
    """The commit of a checkout, with ` and changes` when files it knows are not as in it; `but` does not count.

    `unknown` where there is no git, or no repository.
    """
    top = repository.resolve()
    spared = [f":(exclude){but.resolve()}"] if but is not None and but.resolve().is_relative_to(top) else []
    try:
        head = _git(repository, "rev-parse", "--short=12", "HEAD")
        changes = _git(repository, "status", "--porcelain", "--untracked-files=no", "--", ".", *spared)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return f"{head} and changes" if changes else head


def read(folder: Path) -> dict[tuple[str, str], Kept]:
    """What a folder has, by pace and name; a file that is torn or of another form counts as not there."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=Kept)
        except (OSError, msgspec.MsgspecError):
            continue
        found[kept.pace, kept.name] = kept
    return found


def write(folder: Path, kept: Kept) -> None:
    """Keep a play, in place of the one before.

    :raises OSError: it cannot be written
    """
    path = folder / f"{kept.pace}-{kept.name}.json"
    half = path.with_suffix(".half")
    half.write_bytes(msgspec.json.encode(kept))
    half.replace(path)


def _git(repository: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *words], capture_output=True, text=True, timeout=_GIT_TIMEOUT_S, check=True
    )
    return done.stdout.strip()
