"""A process that delivers what a history owes, and may kill itself on the way; started by the kill test.

python mailing_process.py DATABASE PORT [before_mark|after_mark]
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from monitor.alert import Outbox, SmtpDelivery
from monitor.history import Notice, Store
from monitor.model.settings import MailSettings


def main(database: str, port: str, death: str = "") -> None:
    """Deliver until nothing is owed."""
    settings = MailSettings(to=("noc@example.com",), smtp=f"smtp://127.0.0.1:{port}", sender="w@example.com")
    smtp = SmtpDelivery(settings=settings)

    def deliver(notice: Notice, before_final_dot: Callable[[], None]) -> None:
        def hand_over() -> None:
            if death == "before_mark":
                os.kill(os.getpid(), signal.SIGKILL)
            before_final_dot()
            if death == "after_mark":
                os.kill(os.getpid(), signal.SIGKILL)

        smtp(notice, hand_over)

    with Store.open(Path(database)) as store:
        outbox = Outbox(store, deliver, time.time)
        outbox.recover(time.time())
        asyncio.run(outbox.run_once())


if __name__ == "__main__":
    main(*sys.argv[1:])
