"""The pages that come with the program: printed by `whydown docs`, and true where a test can tell."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.bundle.archive import MOST_BYTES
from monitor.bundle.manifest import FORMAT, Manifest
from monitor.cli import VERBS, main
from monitor.config import load_config
from monitor.docs import TOPICS, page

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_is_printed_as_markdown_on_a_pipe(topic: str) -> None:
    """Word for word."""
    result = CliRunner().invoke(main, ["docs", topic])

    assert result.exit_code == 0
    assert result.output.startswith(page(topic))
    assert result.output.startswith("# ")


def test_the_page_on_verdicts_has_every_rule() -> None:
    """As `explain --rules` lists them: written down they would be wrong after the next change."""
    said = CliRunner().invoke(main, ["docs", "verdicts"]).output
    rules = CliRunner().invoke(main, ["explain", "--rules"]).output

    assert "routing.new_more_specific" in rules
    assert rules in said


def test_the_page_on_folders_has_the_manifest_as_it_is() -> None:
    """Its example is read by the code that reads bundles, and names the fields that there are."""
    example = re.search(r"^```json\n(.*?)^```$", page("folder"), re.MULTILINE | re.DOTALL)
    assert example is not None
    fields = set(json.loads(example.group(1)))

    assert fields == set(Manifest.__struct_fields__)
    assert json.loads(example.group(1))["format"] == FORMAT
    assert f"{MOST_BYTES // 2**20} MB" in page("folder")


def test_without_a_topic_all_are_listed() -> None:
    """Each with what it is about; an unknown one is named with those that are."""
    listed = CliRunner().invoke(main, ["docs"]).output
    unknown = CliRunner().invoke(main, ["docs", "nothing"])

    assert [line.split()[0] for line in listed.splitlines()] == list(TOPICS)
    assert unknown.exit_code == 2
    assert "operations" in unknown.output


def test_every_page_has_a_topic() -> None:
    """A page that nobody can ask for is lost."""
    files = {path.stem for path in (REPOSITORY / "monitor" / "docs").glob("*.md")}

    assert files == set(TOPICS)


@pytest.mark.parametrize("topic", TOPICS)
def test_verbs_and_files_that_a_page_names_are_there(topic: str) -> None:
    """`whydown WORD` is a verb, and a path of the repository exists."""
    code = re.findall(r"`([^`\n]+)`", page(topic))
    verbs = {match.group(1) for part in code if (match := re.match(r"whydown ([a-z-]+)", part))}
    paths = [part for part in code if re.fullmatch(r"(monitor|probes|tests)/[\w/.]+", part)]

    assert verbs <= set(VERBS)
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []


@pytest.mark.parametrize("topic", TOPICS)
def test_commands_of_a_page_are_understood(topic: str) -> None:
    """Each line in a shell's block that calls the program; `--help` stops it before it does anything."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page(topic), re.MULTILINE | re.DOTALL)
    for line in re.findall(r"^whydown (.*)$", "".join(blocks), re.MULTILINE):
        result = CliRunner().invoke(main, [*shlex.split(line.partition(" > ")[0], comments=True), "--help"])

        assert result.exit_code == 0, (line, result.output)


def test_configuration_of_the_tutorial_has_no_mistakes(tmp_path: Path) -> None:
    """All its steps together are one file that the monitor would take."""
    file = tmp_path / "config.toml"
    file.write_text("\n".join(re.findall(r"^```toml\n(.*?)^```$", page("tutorial"), re.MULTILINE | re.DOTALL)))
    config = load_config(file)

    assert [target.name for target in config.targets] == ["shop"]
    assert (config.alert.mail is None, config.web is None, len(config.bgp)) == (False, False, 1)


def test_configurations_for_several_machines_have_no_mistakes(tmp_path: Path) -> None:
    """Each block of the page, with a target beside it, is one that a hub would take."""
    blocks = re.findall(r"^```toml\n(.*?)^```$", page("scale"), re.MULTILINE | re.DOTALL)
    for block in blocks:
        file = tmp_path / "config.toml"
        file.write_text(f'{block}\n[[target]]\nname = "shop"\nurl = "https://shop.example/"\n')
        config = load_config(file)

        assert config.bus is not None
        assert len(config.bus.urls) == config.bus.replicas
    assert len(blocks) == 2
