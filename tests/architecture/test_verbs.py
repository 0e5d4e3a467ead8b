"""Each verb of the command line has help, a file, and a place in the README."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from monitor.cli import VERBS, main


def _commands(verb: str) -> Iterator[click.Command]:
    """The verb's command and those under it."""
    command = main.get_command(click.Context(main), verb)
    assert command is not None
    yield command
    if isinstance(command, click.Group):
        yield from command.commands.values()


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_the_verb_runs(verb: str) -> None:
    """`--help` loads the verb's file and exits 0."""
    result = CliRunner().invoke(main, [verb, "--help"])

    assert result.exit_code == 0, result.output
    assert f" {verb} " in result.output


@pytest.mark.parametrize("verb", VERBS)
def test_verb_and_each_of_its_options_are_described(verb: str) -> None:
    """So are the options of its sub-commands."""
    for command in _commands(verb):
        assert command.help, f"{command.name} has no description"
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{verb} {parameter.opts[0]} has no description"


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_the_verb_has_examples_that_can_be_typed(verb: str) -> None:
    """With words and options that are there; `--help` stops each before it does anything."""
    for command in _commands(verb):
        examples = re.findall(r"^ *(?:.*\| )?whydown (.*)$", command.help or "", re.MULTILINE)

        assert examples, command.name
        for example in examples:
            typed = [*shlex.split(example.partition(" > ")[0], comments=True), "--help"]
            result = CliRunner().invoke(main, typed)

            assert result.exit_code == 0, (example, result.output)


def test_help_lists_every_verb_in_the_order_of_the_table() -> None:
    """The top help is drawn from the table of verbs."""
    output = CliRunner().invoke(main, ["--help"]).output
    places = [output.find(f"\n  {verb} ") for verb in VERBS]

    assert -1 not in places
    assert places == sorted(places)


def test_each_file_with_a_command_is_in_the_table(repository: Path) -> None:
    """A verb that nobody can call is dead code."""
    files = {file.stem for file in (repository / "monitor" / "commands").glob("*.py") if _offers_command(file)}

    assert files <= {file for file, _ in VERBS.values()}


def _offers_command(file: Path) -> bool:
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef) and node.name == "command" for node in body)


@pytest.mark.parametrize("verb", VERBS)
def test_verb_stands_in_the_readme(verb: str, repository: Path) -> None:
    """As a row of the table of verbs."""
    readme = (repository / "README.md").read_text(encoding="utf-8")

    assert re.search(rf"^\| `{verb}( [^`]*)?` \|", readme, re.MULTILINE), f"no row for {verb}"


def test_readme_names_no_verb_that_is_not_there(repository: Path) -> None:
    """`whydown WORD` in text and examples is always a verb."""
    readme = (repository / "README.md").read_text(encoding="utf-8")
    code = re.findall(r"^```sh$.*?^```$|`whydown [^`\n]+`", readme, re.MULTILINE | re.DOTALL)
    named = {verb for part in code for verb in re.findall(r"\bwhydown ([a-z][a-z-]+)", part)}

    assert {"run", "check-config"} <= named <= set(VERBS)
