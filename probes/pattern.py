"""Regular expressions to look for in what a server sends, such that no server can make the search slow. Pure.

The syntax is RE2's, as in blackbox_exporter and Prometheus: no look-around and no back references, because what
is left is found in time that grows with the text and not with its square or worse. Python's `re` has no such
bound, nor a time limit: "ok.*ready" against a megabyte of "okok..." holds up the whole monitor for minutes, and
the text is chosen by whoever answers, an impostor too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

_MAX_MEMORY = 2**20
"""Bytes for the automaton of one expression; RE2 takes 8 MiB when not told. A larger expression is refused."""


@lru_cache(maxsize=1024)
def read_pattern(text: str) -> Any:
    """The expression, to `search` texts with.

    :raises ValueError: it is not one in RE2's syntax, or too large; the message says which
    """
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        return re2.compile(text, options)
    except UnicodeEncodeError as error:
        raise ValueError("half of a surrogate pair is no character") from error
    except re2.error as error:
        said = error.args[0] if error.args else b""
        raise ValueError(said.decode(errors="replace") if isinstance(said, bytes) else str(said)) from error
