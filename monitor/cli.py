"""The command `whydown`: parses and calls. Each verb lives in a file of `monitor.commands`, loaded on demand."""

from __future__ import annotations

import difflib
import importlib

import click

from monitor import __version__

# verb -> (file in monitor.commands, what it does); in the order in which a newcomer meets them.
VERBS: dict[str, tuple[str, str]] = {
    "demo": ("demo", "Watch a service overloaded, then hijacked, and told apart (two minutes, no root)."),
    "check-config": ("check_config", "Check a configuration file; exit 2 names each mistake."),
    "doctor": ("doctor", "Check machine, resolvers, hub, feeds, mail server and history; says what to do."),
    "run": ("run", "Probe, listen to BGP, diagnose and alert until stopped."),
    "agent": ("agent", "Measure from this machine and send to a hub until stopped."),
    "hub": ("hub", "Take facts from agents elsewhere, diagnose and alert until stopped."),
    "enroll": ("enroll", "Make the keys by which a vantage and its hub know each other."),
    "web": ("web", "Serve the dashboard of a history, its JSON and metrics, until stopped."),
    "login": ("login", "Make the line of the dashboard's login file for a name."),
    "alert": ("alert", "Send a test on every way on which people are told."),
    "install-unit": ("install_unit", "Make run, agent or hub a hardened service of systemd."),
    "install-cluster": ("install_cluster", "Make one machine's broker and roles services of systemd."),
    "once": ("once", "One round of probes, for cron; exit 0 ok, 1 warning, 2 critical, 3 unknown."),
    "probe": ("probe", "One probe now: http, dns or trace."),
    "status": ("status", "What a running monitor sees now."),
    "history": ("history", "Latency, failures, path, name, certificate and route changes over time."),
    "routes": ("routes", "Route events around a target: what, when, seen by whom, and why it stands out."),
    "incidents": ("incidents", "List incidents."),
    "explain": ("explain", "Every term of an incident's verdict."),
    "report": ("report", "An incident as text, page, PDF, data, or a bundle to judge again."),
    "replay": ("replay", "Diagnose a folder or bundle of recorded facts."),
    "investigate": ("investigate", "Diagnose a past window, fetching its routes."),
    "evaluate": ("evaluate", "Score incident folders against their expected verdicts."),
    "export": ("export", "Write facts of the history as JSON lines or tables."),
    "import": ("import_", "Read facts from JSON lines into the history."),
    "docs": ("docs", "Read the pages that come with the program."),
    "verify": ("verify", "Check that stored facts were not altered since they were sealed."),
    "recover": ("recover", "Make a damaged history usable again."),
}


class _Verbs(click.Group):
    """A group that imports a verb's file only when it is called, so that `--help` is fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(f"monitor.commands.{VERBS[cmd_name][0]}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"monitor.commands.{VERBS[cmd_name][0]} offers no click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in VERBS:
            near = difflib.get_close_matches(name, VERBS, n=1)
            ctx.fail(f"no verb {name!r}." + (f" Did you mean {near[0]!r}?" if near else " See whydown --help."))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, summary) for verb, (_, summary) in VERBS.items()])


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="whydown")
def main() -> None:
    """Is it the server, or the route to it?

    whydown probes public endpoints from vantage machines, listens to BGP, and names the cause of trouble
    with its evidence. Start with `whydown demo`, then edit config.toml and start `whydown run`.
    """
