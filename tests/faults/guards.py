"""Does a test fail when a guard is gone? `python tests/faults/guards.py`.

What an agent and a hub promise of malice (`monitor/link/THREATS.md`) stands on a line of code each. Here each of
these lines is taken out of a copy of the project, and the tests that are said to hold the promise are run: one of
them must fail, and all must pass while every guard is there. Exit 1 when a promise has no test or no guard.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
COPIED = ("monitor", "probes", "tests", "pyproject.toml", "config.toml", "README.md")
LONGEST_S = 300.0


class Guard(NamedTuple):
    """A promise, the text in a file that keeps it, what is written instead, and the tests that must see it."""

    promise: str
    file: str
    guard: str
    without: str
    tests: tuple[str, ...]


_DOOR = "tests/link/test_door.py::"
_INTAKE, _SIGNATURE, _PACKING = "monitor/web/intake.py", "monitor/link/signature.py", "monitor/link/packing.py"
_SERVER = "monitor/web/server.py"
GUARDS = (
    Guard("an expired key opens nothing", _SIGNATURE, "now >= known.key.until", "False",
          (_DOOR + "test_a_wrong_or_expired_key_opens_nothing",)),
    Guard("a replayed request is refused", _SIGNATURE, "if nonce in self._nonces", "if False",
          (_DOOR + "test_a_replayed_request_is_refused",)),
    Guard("an old signature opens nothing", _SIGNATURE, "abs(now - created) > GOOD_FOR_S", "False",
          (_DOOR + "test_a_wrong_clock_is_told_the_time_and_then_let_in",)),
    Guard("all that the hub acts on is signed", _SIGNATURE, "not covered.keys() >= _REQUIRED", "False",
          (_DOOR + "test_a_signature_that_covers_less_opens_nothing",)),
    Guard("a vantage speaks for itself", _INTAKE, "asked.vantage != vantage", "False",
          (_DOOR + "test_a_vantage_speaks_only_for_itself",)),
    Guard("a compression bomb that says its size", _PACKING, "announced > MOST_UNPACKED", "False",
          (_DOOR + "test_a_bomb_is_cut_at_the_limit",)),
    Guard("a compression bomb that does not", _PACKING, "len(plain) > MOST_UNPACKED", "False",
          (_DOOR + "test_a_bomb_is_cut_at_the_limit",)),
    Guard("10 GB announced", _INTAKE, "int(announced) > MOST_PACKED", "False",
          (_DOOR + "test_ten_gigabytes_announced_are_refused_unread",)),
    Guard("10 GB in chunks", _INTAKE, "len(body) > MOST_PACKED", "False",
          (_DOOR + "test_ten_gigabytes_in_chunks_are_cut_at_the_limit",)),
    Guard("a body by the byte (slow-loris)", _INTAKE, "asyncio.timeout(BODY_S)", "asyncio.timeout(None)",
          (_DOOR + "test_a_body_that_trickles_is_cut_off_in_time",)),
    Guard("a head by the byte (slow-loris)", _SERVER, "call_later(within_s,", "call_later(1e6,",
          ("tests/web/test_server.py",)),
    Guard("1,000 connections: strangers make room", _SERVER, "or self._make_room()", "",
          ("tests/web/test_server.py",)),
    Guard("1,000 connections of one address", _SERVER, "self._of_one[connection.address] >= MOST_OF_ONE", "False",
          ("tests/web/test_server.py",)),
    Guard("facts from the future", _INTAKE, "not at <= now + MOST_AHEAD_S", "False",
          (_DOOR + "test_impossible_facts_are_refused_one_by_one_with_reasons",)),
    Guard("facts of long ago", _INTAKE, "not fact.at >= now - self._keep_s", "False",
          (_DOOR + "test_impossible_facts_are_refused_one_by_one_with_reasons",)),
    Guard("a false hub", "monitor/agent/hub_link.py", "return ssl.create_default_context(",
          "return ssl._create_unverified_context(",
          (_DOOR + "test_a_hub_with_another_certificate_is_not_believed",)),
    Guard("a key that others may read", "monitor/agent/hub_link.py", "if path.stat().st_mode &", "if 0 &",
          ("tests/link/test_enrolment.py::test_a_key_that_others_may_read_is_refused",)),
    Guard("a key is made for its owner alone", "monitor/link/enrolment.py", "os.O_NOFOLLOW, 0o600",
          "os.O_NOFOLLOW, 0o644",
          ("tests/link/test_enrolment.py::test_a_key_is_readable_for_its_owner_alone_and_in_no_text",)),
    Guard("an agent's own list of targets", "monitor/agent/permit.py", "if not self.restrains", "if True",
          ("tests/agent/test_permit.py",)),
    Guard("hostile characters in a mail", "monitor/report/safe_text.py", "not in _UNSAFE", "not in ()",
          ("tests/alert/test_mail.py::test_no_text_of_an_attacker_acts_in_a_reader",)),
    Guard("hostile characters on a terminal", "monitor/report/safe_text.py", "not in _UNSAFE", "not in ()",
          ("tests/report/test_safe_text.py",)),
    Guard("markup in a mail", "monitor/report/page_template.py", "autoescape=True", "autoescape=False",
          ("tests/alert/test_mail.py::test_no_text_of_an_attacker_acts_in_a_reader",)),
    Guard("markup on a page", "monitor/web/dashboard/rendering.py", "autoescape=True", "autoescape=False",
          ("tests/web/test_hostile_pages.py::test_attacks_become_text",)),
    Guard("a fact counts once", "monitor/history/intake.py", "if not contains(known, number)", "if True",
          ("tests/history/test_shipments.py",)),
    Guard("a mail is not sent twice after a kill", "monitor/history/outbox.py",
          "NoticeState.HANDED_OVER: (NoticeState.PENDING,)",
          "NoticeState.HANDED_OVER: (NoticeState.PENDING, NoticeState.HANDED_OVER)",
          ("tests/history/test_outbox_and_incidents.py",)),
    Guard("facts wait in memory while the disk is full", "monitor/agent/spooler.py",
          "self._waiting.extendleft(reversed(facts))", "pass", ("tests/spool/test_spooler.py",)),
)  # fmt: skip


def _run(copy: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )


def verdict(copy: Path, guard: Guard) -> str:
    """`fails without it`, or what is wrong. The copy is as before afterwards."""
    path = copy / guard.file
    before = path.read_text()
    if guard.guard not in before:
        return "THE GUARD IS GONE"
    path.write_text(before.replace(guard.guard, guard.without))
    try:
        done = _run(copy, guard.tests)
    except subprocess.TimeoutExpired:
        return "DOES NOT END WITHOUT IT"
    finally:
        path.write_text(before)
    return "fails without it" if done.returncode == 1 and " failed" in done.stdout else "NO TEST SEES IT"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = REPOSITORY / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        whole = _run(copy, tuple(dict.fromkeys(test for guard in GUARDS for test in guard.tests)))
        if whole.returncode:
            sys.exit(f"the tests fail with all guards in place:\n{whole.stdout[-3000:]}")
        lines = ["| promise | where | its tests, without it |", "|---|---|---|"]
        for guard in GUARDS:
            lines.append(f"| {guard.promise} | `{guard.file}` | {verdict(copy, guard)} |")
            print(lines[-1], flush=True)
    sys.exit(any("fails without it" not in line for line in lines[2:]))


if __name__ == "__main__":
    main()
