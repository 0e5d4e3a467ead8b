"""Deliver a notice to a command of the operator's: the JSON on its standard input, never through a shell.

The outbox is told before the command starts, so a process that dies while it runs leaves the notice in doubt and
does not start it again. Exit 0: taken. 65 (EX_DATAERR of sysexits.h): never to be tried again. Everything else,
and a command that takes too long (it is killed with its children), is tried again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from monitor.alert.delivery import PermanentError, TemporaryError
from monitor.history import Notice
from monitor.model.settings import CommandSettings
from monitor.report.safe_text import one_line

_NEVER = 65
_ERROR_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDelivery:
    """The delivery that `settings` describe; call it with a notice."""

    settings: CommandSettings

    def __call__(self, notice: Notice, before_final_dot: Callable[[], None]) -> None:
        """Run the command with `notice`; `before_final_dot` is called just before it starts.

        :raises TemporaryError: a later try can help
        :raises PermanentError: the command refused it for ever
        """
        before_final_dot()
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as given:
            given.write(notice.payload)
            given.seek(0)
            status = self._run(notice, given.fileno(), said.fileno())
            said.seek(0)
            words = one_line(said.read(1000).decode("utf-8", "replace"), _ERROR_LIMIT)
        if status == 0:
            return
        kind = PermanentError if status == _NEVER else TemporaryError
        raise kind(f"command {self.settings.name}: exit {status}" + (f": {words}" if words else ""))

    def _run(self, notice: Notice, given: int, said: int) -> int:
        """Its exit status. The input is a file: who reads none of it must not make us wait."""
        subject = notice.subject.encode("utf-8", "replace").decode().replace("\0", "")
        try:
            process = subprocess.Popen(
                self.settings.run,
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env={**os.environ, "WHYDOWN_SUBJECT": subject, "WHYDOWN_ID": notice.key.replace("\0", "")},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise TemporaryError(one_line(f"command {self.settings.name}: {error}", _ERROR_LIMIT)) from error
        try:
            return process.wait(self.settings.timeout_s)
        except subprocess.TimeoutExpired as error:
            taken = f"no end within {self.settings.timeout_s:g} s, so it was killed"
            raise TemporaryError(f"command {self.settings.name}: {taken}") from error
        finally:
            # Its children too, also those that it left behind.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
