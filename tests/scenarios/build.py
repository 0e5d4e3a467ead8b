"""Plays scripts into incident folders. `python tests/scenarios/build.py --help`

Without names it writes the two folders that the repository holds; the others are made when they are asked for, by
tests in a temporary folder. The same script gives the same octets; a test compares the two with what this writes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from script.folder import files, write
from script.incidents import INCIDENTS
from script.near_misses import NEAR_MISSES

HERE = Path(__file__).parent
COMMITTED = ("kakao-2022-02-03", "coov-2021-12-13")
SCRIPTS = {**INCIDENTS, **NEAR_MISSES}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(sorted(SCRIPTS))}")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--to", type=Path, default=HERE, help="the folder that the incident folders are made in")
    parser.add_argument(
        "--shared-data", type=Path, help="take the collectors' real routes from here, where it has some"
    )
    options = parser.parse_args()
    for name in SCRIPTS if options.all else options.names or COMMITTED:
        if name not in SCRIPTS:
            parser.error(f"no script {name!r}")
        print(write(options.to / name, files(SCRIPTS[name], options.shared_data)))


if __name__ == "__main__":
    main()
