"""`whydown docs`: the pages that come with the program."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.markdown import Markdown

from monitor.docs import TOPICS, page
from monitor.report.rule_table import rule_lines, rule_set

_WIDEST = 110


@click.command(short_help="Read the pages that come with the program.")
@click.argument("topic", required=False, type=click.Choice(list(TOPICS)))
def command(topic: str | None) -> None:
    """Without TOPIC, list the pages. On a terminal a page is laid out; elsewhere it is printed as Markdown.

    \b
    whydown docs
    whydown docs queries
    whydown docs operations > operations.md
    """
    if topic is None:
        width = max(map(len, TOPICS))
        for name, about in TOPICS.items():
            click.echo(f"{name:{width}}  {about}")
    elif sys.stdout.isatty():
        console = Console(width=min(Console().width, _WIDEST))
        with console.pager(styles=True):
            console.print(Markdown(_page(topic)))
    else:
        click.echo(_page(topic), nl=False)


def _page(topic: str) -> str:
    """The page; the one on verdicts with the rules of this version, which no file could keep up with."""
    if topic != "verdicts":
        return page(topic)
    return "\n".join((page(topic), "```text", *rule_lines(rule_set()), "```", ""))
