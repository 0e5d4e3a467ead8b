"""Each file in `invalid/` holds one mistake; its first line says what the error must name.

`# expect: PART | PART …` where the first part is the key path, with the value when there is one.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from monitor.cli import main
from monitor.config import ConfigError, load_config

FILES = sorted((Path(__file__).parent / "invalid").glob("*.toml"))


def _expected_parts(file: Path) -> list[str]:
    return file.read_text().splitlines()[0].removeprefix("# expect: ").split(" | ")


def test_there_is_a_file_for_each_of_many_mistakes() -> None:
    """The folder was found, and every file is a mistake of its own."""
    mistakes = {file.read_text().partition("\n")[2] for file in FILES}

    assert len(FILES) >= 25
    assert len(mistakes) == len(FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_error_names_file_line_key_value_and_what_is_allowed(file: Path) -> None:
    """The message starts with the file, then the line, and holds each expected part."""
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    message = str(caught.value)
    first, *others = _expected_parts(file)

    assert message.startswith(str(file))
    assert f": {first}" in message
    for part in others:
        assert part in message
    assert all(problem.allowed for problem in caught.value.problems)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_one_mistake_is_one_problem(file: Path) -> None:
    """A mistake is not reported again by the checks that come after it."""
    with pytest.raises(ConfigError) as caught:
        load_config(file)

    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_line_is_that_of_the_mistake(file: Path) -> None:
    """The named line holds the key's last part, or the table that a key is missing from."""
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    (problem,) = caught.value.problems
    if file.stem == "empty":
        assert problem.line is None
        return
    assert problem.line is not None
    line = file.read_text().splitlines()[problem.line - 1]

    if problem.allowed.startswith("is missing"):
        assert line.startswith("[")
    elif problem.key:
        assert problem.key.rpartition(".")[2].partition("[")[0] in line


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_check_config_exits_2_with_the_message(file: Path) -> None:
    """The verb prints the error on the error stream and nothing else."""
    result = CliRunner().invoke(main, ["check-config", str(file)])

    assert result.exit_code == 2
    assert result.stdout == ""
    for part in _expected_parts(file):
        assert part in result.stderr


def test_check_config_json_lists_the_problems() -> None:
    """`--json` gives a program the same: key, value, line, allowed."""
    file = next(file for file in FILES if file.stem == "interval_too_short")

    result = CliRunner().invoke(main, ["check-config", "--json", str(file)])

    assert result.exit_code == 2
    assert msgspec.json.decode(result.stdout) == {
        "file": str(file),
        "ok": False,
        "problems": [
            {
                "key": "target[0].interval",
                "allowed": 'must be a duration from 500ms to 1d, such as "30s" or "5m"',
                "value": '"100ms"',
                "line": 5,
            }
        ],
    }
