"""`whydown probe http|dns|trace`: one measurement now, as a person reads it, or as JSON.

The commands are those of `probes.__main__`, with their options; what they measure is shown here. No
configuration is read.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console, RenderableType

from monitor.bgp.sources.prefix_table import read_prefix_table
from monitor.model import Asn
from monitor.report.measured import Origins, dns_view, http_view, trace_view
from probes import __main__ as probes
from probes.observation import DnsObservation, HttpObservation, TraceObservation

_PIPE_WIDTH: Final = 120
_ROUNDS: Final = 3
"""Traces for a person, who wants to see loss; traceroute sends three packets a hop too."""

Seen = list[HttpObservation | DnsObservation | TraceObservation]
View = Callable[[Seen, Mapping[str, Any]], Iterable[RenderableType]]


@click.group(context_settings=probes.main.context_settings)
def command() -> None:
    """Measure once, now, and show what was seen.

    \b
    whydown probe http https://example.net/health --expect-body ok
    whydown probe dns example.net --authoritative
    whydown probe trace example.net --flows 32 --prefix-to-as prefix_to_as.txt

    A failed service is a result: exit 0. Exit 2: bad usage. Exit 3: this machine could not measure.
    """


def _http(seen: Seen, options: Mapping[str, Any]) -> Iterable[RenderableType]:
    expect = probes.expectation(options)
    for one in seen:
        if isinstance(one, HttpObservation):
            yield from http_view(one, expect)


def _dns(seen: Seen, options: Mapping[str, Any]) -> Iterable[RenderableType]:
    return dns_view([one for one in seen if isinstance(one, DnsObservation)])


def _trace(seen: Seen, options: Mapping[str, Any]) -> Iterable[RenderableType]:
    return trace_view([one for one in seen if isinstance(one, TraceObservation)], options["prefix_to_as"])


def _origins(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> Origins | None:
    """The table that `--prefix-to-as` names, read before anything is measured."""
    if path is None:
        return None
    try:
        table = read_prefix_table(path)
    except OSError as error:
        raise click.BadParameter(f"{path}: {error.strerror}", ctx, parameter) from error
    if table.bad:
        click.echo(f"{path}: {table.bad} bad lines left out, first {table.errors[0]}", err=True)

    def origins(address: str) -> frozenset[Asn] | None:
        try:
            return table.lookup(address)
        except ValueError:  # a link-local address with its interface
            return None

    return origins


_JSON: Final = click.Option(["--json", "as_json"], is_flag=True, help="One observation a line, as JSON.")
_COUNT: Final = click.Option(
    ["--count"],
    type=click.IntRange(1, 100),
    default=None,
    help=f"Traces of each, one after the other.  [default: {_ROUNDS}, with --json or --flows 1]",
)
_TABLE: Final = click.Option(
    ["--prefix-to-as"],
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_origins,
    help="File of prefixes and AS numbers, for the hops' networks.",
)


def _shown(
    measure: click.Command, short: str, view: View, examples: Sequence[str], *more: click.Option
) -> click.Command:
    """A command that measures as `measure` does, and shows it; `more`: options beside or in place of its own."""
    own = {option.name for option in more}
    params = [*(parameter for parameter in measure.params if parameter.name not in own), *more, _JSON]
    asked = {parameter.name for parameter in measure.params}

    @click.pass_context
    def show(ctx: click.Context, /, as_json: bool, **options: Any) -> None:
        """Measure, and print it as `view` does or as JSON."""
        seen: Seen = []
        ctx.obj = None if as_json else seen.append
        if "count" in options and options["count"] is None:
            # Many flows show more of loss than many rounds of one do.
            options["count"] = 1 if as_json or options.get("flows", 1) > 1 else _ROUNDS
        waiting = (
            Console(stderr=True).status("measuring") if sys.stderr.isatty() and not as_json else nullcontext()
        )
        try:
            with waiting:
                ctx.invoke(measure, **{name: value for name, value in options.items() if name in asked})
        finally:
            console = Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)
            for part in view(seen, options):
                console.print(part)

    words = "\n".join([inspect.cleandoc(measure.help or ""), "", "\b", *examples])
    return click.Command(measure.name, params=params, callback=show, help=words, short_help=short)


_HTTP_EXAMPLES = (
    "whydown probe http https://shop.example/health --expect-body ok --max-wait 1",
    "whydown probe http https://shop.example/ --address 203.0.113.10 --json",
)
_DNS_EXAMPLES = (
    "whydown probe dns shop.example --from-root --dnssec",
    "whydown probe dns shop.example --server 9.9.9.9 --type AAAA",
)
_TRACE_EXAMPLES = (
    "whydown probe trace shop.example --prefix-to-as prefix_to_as.txt",
    "whydown probe trace shop.example --flows 32",
)
command.add_command(_shown(probes.http, "One HTTP request to one address of each URL.", _http, _HTTP_EXAMPLES))
command.add_command(_shown(probes.dns, "One question to each name server.", _dns, _DNS_EXAMPLES))
command.add_command(
    _shown(probes.trace, "One traceroute to one address of each host.", _trace, _TRACE_EXAMPLES, _COUNT, _TABLE)
)
