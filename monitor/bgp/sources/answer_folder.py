"""Answers of RIPEstat kept in a folder of ours, so that nothing is asked twice; found by their exact question."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from monitor.bgp.ripestat import MAX_ANSWER_BYTES, RipestatError
from monitor.files import CompressedFile
from probes import clock

MAX_FOLDER_BYTES = 256 * 1024 * 1024
"""Some thousand investigations; the oldest answers go first."""
SETTLED_S = 86_400.0
"""RIPEstat's data of the last hours still grow (collectors' files, tables every eight hours): not kept."""


class AnswerFolder:
    """Keeps answers under the digest of their question, at most `max_bytes` of them."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_FOLDER_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def find(self, call: str, parameters: Mapping[str, str]) -> bytes | None:
        """The answer to exactly this question; None: not kept, or not readable any more."""
        with suppress(OSError, RipestatError):
            return read_answer(self._path(call, parameters))
        return None

    def keep(self, call: str, parameters: Mapping[str, str], answer: bytes, *, about_until: float) -> None:
        """Keep an answer about the time until `about_until`, if that is settled. A full disk is no error."""
        if about_until > clock.wall() - SETTLED_S:
            return
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
            with os.fdopen(handle, "wb") as file:
                file.write(gzip.compress(answer, mtime=0))
            Path(name).replace(self._path(call, parameters))
            self._shrink()

    def _path(self, call: str, parameters: Mapping[str, str]) -> Path:
        digest = hashlib.sha256(json.dumps(dict(parameters), sort_keys=True).encode()).hexdigest()[:24]
        return self._folder / f"{call}.{digest}.json.gz"

    def _shrink(self) -> None:
        kept = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self._folder.glob("*.json.gz"))
        too_much = sum(size for _, size, _ in kept) - self._max_bytes
        for _, size, path in kept:
            if too_much <= 0:
                return
            path.unlink()
            too_much -= size


def read_answer(path: Path) -> bytes:
    """The bytes of an answer in a file, plain or compressed.

    :raises RipestatError: it is larger than an answer may be, or damaged
    :raises OSError: the file cannot be read
    """
    with CompressedFile(path) as raw:
        data = io.BufferedReader(raw).read(MAX_ANSWER_BYTES + 1)
        if raw.damage:
            raise RipestatError(f"{path}: {raw.damage}")
    if len(data) > MAX_ANSWER_BYTES:
        raise RipestatError(f"{path}: above {MAX_ANSWER_BYTES} bytes")
    return data
