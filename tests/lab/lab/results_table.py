"""What was measured in the laboratory as the text of RESULTS.md. Pure.

A wrong answer is in the table with what was said instead; a scenario that was not played is there too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from statistics import median, quantiles

from lab.judge import Answer
from lab.kept import Kept
from lab.monitor_config import PACES

from monitor import __version__

_SOON_S, _LATE_S = 20.0, 60.0


def lines(
    names: Sequence[str], boosted: Mapping[str, Kept], compared: Sequence[str], plain: Mapping[str, Kept],
    *, machine: str,
) -> Iterator[str]:  # fmt: skip
    """The file's lines: of scenarios `names`, and of those `compared` with the boost and without it.

    `boosted`, `plain`: what was played with and without, by name. `machine`: on what, in words.
    """
    played = [boosted[name] for name in names if name in boosted]
    yield "# What the monitor said in the laboratory"
    yield ""
    yield from _provenance([*played, *plain.values()], machine)
    yield ""
    right = sum(one.right for one in played)
    unplayed = f", {len(names) - len(played)} not played" if len(played) < len(names) else ""
    yield f"**{right} of {len(names)} right{unplayed}.** {_times(played)}"
    yield ""
    yield "| scenario | expected | said | vantages | cause, s | mail, s |"
    yield "|---|---|---|---|---:|---:|"
    for name in names:
        yield from _rows(name, boosted.get(name))
    if plain:
        yield ""
        yield from _comparison([name for name in compared if name in plain], boosted, plain)


def _provenance(played: Sequence[Kept], machine: str) -> Iterator[str]:
    if not played:
        yield "Nothing was measured."
        return
    ends = [datetime.fromtimestamp(one.at, UTC) for one in played]
    loads = sorted(one.load for one in played)
    yield (
        f"Measured {min(ends):%Y-%m-%d %H:%M} to {max(ends):%Y-%m-%d %H:%M} UTC with whydown {__version__} by"
        f" `make lab-results`, {_commits(played)}, on {machine} with a load of {loads[0]:.0f} to {loads[-1]:.0f}"
        f" (median {median(loads):.0f}). `make lab` shows what is played on."
    )
    yield ""
    steady = PACES["steady"]
    yield (
        f"HTTP every {steady.interval_s:g} s, traceroute every {steady.trace_s:g} s, DNS every {steady.dns_s:g} s;"
        f" boosted every {steady.boost_s:g} s. Seconds count from the last deed of the scenario to the right cause"
        " named for good, and to the mail in the SMTP server's hands. The vantages truly hit are read from the"
        " kernels' forwarding tables. Each play has a laboratory of its own; of several plays of one the last"
        " counts."
    )


def _commits(played: Iterable[Kept]) -> str:
    counts = Counter(one.commit for one in played)
    if len(counts) == 1:
        return f"all at commit {next(iter(counts))}"
    parts = ", ".join(f"{count} at {commit}" for commit, count in counts.most_common())
    return f"**not all at one commit** ({parts})"


def _times(played: Iterable[Kept]) -> str:
    answers = [answer for one in played for answer in _answers(one)]
    causes = [answer.cause_s for answer in answers if answer.cause_s is not None]
    mails = [answer.mail_s - answer.cause_s for answer in answers if answer.mail_s and answer.cause_s]
    if len(causes) < 2:
        return ""
    cuts = quantiles(causes, n=20, method="inclusive")
    return (
        f"Time to the right cause, where it was named ({len(causes)} times): median {cuts[9]:.1f} s (aim:"
        f" {_SOON_S:g} s), 95 % within {cuts[18]:.1f} s (aim: {_LATE_S:g} s); to the mail at most"
        f" {max(mails, default=0.0):.1f} s more (aim: 5 s)."
    )


def _rows(name: str, kept: Kept | None) -> Iterator[str]:
    if kept is None:
        yield f"| {name} | | not played | | | |"
        return
    outcome = kept.outcome
    if outcome is None:
        yield f"| {name} | | the laboratory broke: {_cell(kept.broke)} | | | |"
        return
    for answer in outcome.answers:
        said = "right" if answer.right_cause else _cell(answer.given)
        vantages = "right" if answer.right_vantages else ", ".join(answer.given_vantages) or "none"
        seconds = f"{_seconds(answer.cause_s)} | {_seconds(answer.mail_s)}"
        yield f"| {name} | {answer.expected} | {said} | {vantages} | {seconds} |"
    if not outcome.answers:
        yield f"| {name} | nothing | {'right' if outcome.right else 'see below'} | | | |"
    for alarm in outcome.false_alarms:
        yield f"| {name} | | **false alarm**: {_cell(alarm)} | | | |"
    if outcome.not_staged:
        yield f"| {name} | | the laboratory failed: {_cell(outcome.not_staged)} | | | |"
    if outcome.closed_s is None:
        yield f"| {name} | | an incident stayed open after the trouble was over | | | |"


def _comparison(names: Sequence[str], boosted: Mapping[str, Kept], plain: Mapping[str, Kept]) -> Iterator[str]:
    yield "## With the boost and without"
    yield ""
    yield "The same scenarios, the same ordinary rounds; seconds to the right cause."
    yield ""
    yield "| scenario | expected | with, s | without, s |"
    yield "|---|---|---:|---:|"
    pairs = [
        (name, answer.expected, answer.cause_s, _named_s(plain[name], answer.expected))
        for name in names
        if name in boosted
        for answer in _answers(boosted[name])
    ]
    for name, expected, with_s, without_s in pairs:
        yield f"| {name} | {expected} | {_seconds(with_s, '-')} | {_seconds(without_s, '-')} |"
    both = [
        (with_s, without_s) for _, _, with_s, without_s in pairs if with_s is not None and without_s is not None
    ]
    if both:
        middle_with, middle_without = (median(side) for side in zip(*both, strict=True))
        sooner = sum(with_s < without_s for with_s, without_s in both)
        yield ""
        yield (
            f"Where it was named in both, {sooner} of {len(both)} were sooner with the boost: median"
            f" {middle_with:.1f} s instead of {middle_without:.1f} s. `-`: not named."
        )


def _answers(kept: Kept) -> tuple[Answer, ...]:
    return () if kept.outcome is None else kept.outcome.answers


def _named_s(kept: Kept, expected: str) -> float | None:
    return next((answer.cause_s for answer in _answers(kept) if answer.expected == expected), None)


def _seconds(value: float | None, missing: str = "") -> str:
    return missing if value is None else f"{value:.1f}"


def _cell(text: str) -> str:
    """Text that ends neither its cell nor its row."""
    return " ".join(text.replace("|", "/").split())
