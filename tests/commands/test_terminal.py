"""`whydown run` on a terminal: the live status, and Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from typing import Any

DEADLINE_S = 40.0


def _read_until(terminal: int, pattern: str) -> str:
    """What the terminal got, up to the first match, without its escape sequences."""
    got, deadline = b"", time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        got += os.read(terminal, 65536)
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", got.decode(errors="replace"))
        if re.search(pattern, text):
            return text
    raise AssertionError(f"no {pattern!r} in:\n{got[-3000:]!r}")


def test_a_terminal_shows_the_live_status_and_control_c_ends_it(whydown: Any, service: Any, control: Any) -> None:
    """Target, vantage, verdict and times; exit 0, and the cursor is given back."""
    whydown.configure({"shop": service.url}, {"control": control.url})
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-m", "monitor", "run", "--config", str(whydown.config)],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=whydown.folder, env=os.environ | {"TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    try:
        text = _read_until(ours, r"(?s)control +here +control +ok 200.{0,120}shop +here +ok +ok 200 +[\d.]+ ms")
        child.send_signal(signal.SIGINT)
        while child.poll() is None:  # the terminal must be emptied, or its writer waits
            if select.select([ours], [], [], 0.1)[0]:
                with suppress(OSError):  # the child closed its end
                    os.read(ours, 65536)
    finally:
        child.kill()
        child.wait()
        os.close(ours)

    assert "whydown" in text
    assert re.search(r"\d\d:\d\d:\d\dZ started vantage=here targets=1 controls=1", text)
    assert child.returncode == 0
