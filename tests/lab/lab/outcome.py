"""How one scenario was answered, and how that reads. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from lab.judge import Answer
from lab.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one scenario was answered. `false_alarms`: incidents that nothing called for, in words.

    `not_staged`: why the scenario did not take place as it should, by the kernels and servers; empty when it did.
    """

    scenario: Scenario
    answers: tuple[Answer, ...]
    false_alarms: tuple[str, ...]
    closed_s: float | None
    not_staged: str = ""

    @property
    def right(self) -> bool:
        """Every expectation was met, nothing else was claimed, and it ended when the trouble did."""
        met = all(answer.right for answer in self.answers) and not self.false_alarms
        return met and self.closed_s is not None and not self.not_staged


def in_lines(outcome: Outcome) -> list[str]:
    """An outcome for people."""
    lines = [f"{outcome.scenario.name}: {'right' if outcome.right else 'WRONG'}"]
    for answer in outcome.answers:
        soon = "" if answer.cause_s is None else f" after {answer.cause_s:.1f} s"
        mail = "" if answer.mail_s is None else f", mail after {answer.mail_s:.1f} s"
        whom = "right" if answer.right_vantages else f"wrong: {', '.join(answer.given_vantages)}"
        lines.append(f"   expected {answer.expected}; given {answer.given}{soon}{mail}; vantages {whom}")
        if not answer.right_vantages:
            lines.append(f"   truly hit: {', '.join(answer.expected_vantages)}")
    lines += [f"   false alarm: {alarm}" for alarm in outcome.false_alarms]
    if outcome.not_staged:
        lines.append(f"   the laboratory failed: {outcome.not_staged}")
    if outcome.closed_s is None:
        lines.append("   an incident stayed open after the trouble was over")
    return lines
