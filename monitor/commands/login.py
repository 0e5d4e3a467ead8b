"""`whydown login`: the line by which somebody may look at the dashboard."""

from __future__ import annotations

import click

from monitor.web.dashboard.login import login_line


@click.command(short_help="Make the line of the dashboard's login file for a name.")
@click.argument("name")
@click.password_option(help="The password; asked for twice when it is not given, which is safer.")
def command(name: str, password: str) -> None:
    """Print the line for NAME and a password, to be put into the file that [web] login_file names.

    The line holds a salted scrypt hash, from which the password cannot be read. Exit 2: the name or the password
    cannot be used.

    \b
    whydown login alice >> web-login.txt
    """
    try:
        click.echo(login_line(name, password))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
