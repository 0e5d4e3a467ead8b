"""`whydown demo`: a service overloaded, then hijacked, on this machine; told apart within two minutes."""

from __future__ import annotations

import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

import click

_NOT_INSTALLED = "the demo needs the packages of whydown's extra `demo` (trustme, aiosmtpd)"


@click.command("demo")
@click.option("--plain", is_flag=True, help="Tell it line by line; the default when the output is no terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print only the summary, as one JSON object.")
@click.option("--loopback", is_flag=True, help="Do without network namespaces; traceroutes are then replayed.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path, resolve_path=True),
    help="Keep the history (history.db), the log and the certificates in this folder.",
)
def command(*, plain: bool, as_json: bool, loopback: bool, keep: Path | None) -> None:
    """Watch a service overloaded, then hijacked, and told apart.

    Everything runs on this machine: no Internet, no root, about two minutes. Where network namespaces can be
    made, vantages, routers, routes and traceroutes are real; else the output says what is replayed. Exit
    status 0 when both causes were named rightly and nothing else was opened; 1 when not.

    \b
    whydown demo
    whydown demo --keep demo   # ends with the commands that show what was kept
    """
    try:
        from monitor.demo.launch import launch, stage_or_why
        from monitor.demo.local_scene import LocalScene
    except ModuleNotFoundError as error:
        if error.name not in ("trustme", "aiosmtpd"):
            raise
        raise click.ClickException(f"{error}; {_NOT_INSTALLED}") from error
    because = stage_or_why(tuple(sys.argv[2:]), loopback=loopback)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="whydown-demo-") if keep is None else nullcontext(keep) as folder:
        scene = LocalScene(Path(folder), because)
        kept = None if keep is None else keep / "history.db"
        sys.exit(launch(Path(folder), scene, plain=plain, as_json=as_json, kept=kept))
