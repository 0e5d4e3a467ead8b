"""`whydown history --plot`, `--save` and `--compare`, as a person calls them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from monitor.cli import main
from monitor.history import Store
from probes.observation import HttpObservation

AT = 1_643_860_800.0  # 2022-02-03T04:00Z
WINDOW = ("--since", "2022-02-03T04:00Z", "--until", "2022-02-03T05:00Z")

Whydown = Callable[..., Result]


@pytest.fixture(scope="module")
def whydown(tmp_path_factory: pytest.TempPathFactory) -> Whydown:
    """Call `history` on an hour of two vantages, slow in its second half, with a `$` in a name."""
    path = tmp_path_factory.mktemp("plots") / "history.db"
    with Store.open(path) as store:
        store.add_observations([
            HttpObservation(at=AT + 30.0 * step, vantage=vantage, target="shop $x^$", wait_s=0.2 + (step > 60),
                            total_s=0.25 + (step > 60), connect_s=0.05)
            for step in range(120) for vantage in ("seoul-1", "tokyo-1")
        ])  # fmt: skip

    def call(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["history", *arguments, "--database", str(path)])
        assert result.exit_code == code, result.output
        return result

    return call


def test_a_plot_in_the_terminal_has_its_scale_and_times(whydown: Whydown) -> None:
    """One for each vantage, its top labelled with the largest value."""
    shown = whydown("--plot", *WINDOW, "--timezone", "Asia/Seoul").stdout

    assert "shop $x^$ from seoul-1" in shown
    assert "shop $x^$ from tokyo-1" in shown
    assert shown.count(" ms ▏") == 2
    assert "13:00" in shown
    assert any(0x2800 < ord(character) <= 0x28FF for character in shown)


def test_the_dots_are_higher_where_it_was_slower(whydown: Whydown) -> None:
    """The top line has dots in its right half alone."""
    lines = whydown("--plot", *WINDOW, "--vantage", "seoul-1").stdout.splitlines()
    top = next(line for line in lines if " ms ▏" in line).partition("▏")[2]
    half = len(top) // 2

    assert set(top[: half - 2]) <= {"\u2800"}
    assert set(top[half + 4 :]) - {"\u2800"}


def test_a_young_history_is_drawn_where_there_is_something(whydown: Whydown) -> None:
    """An hour was measured of the thirty days asked for: it is more than one bar; a window that is full stays."""
    young = whydown("--plot", "--since", "2022-01-04T05:00Z", "--until", "2022-02-03T05:00Z").stdout
    full = whydown("--plot", *WINDOW).stdout

    assert "300 s a step" in young
    assert "02-03" in young or "05:00" in young
    assert "01-04" not in young
    assert "60 s a step" in full


def test_an_svg_is_a_picture_with_the_names_as_they_are(whydown: Whydown, tmp_path: Path) -> None:
    """A `$` begins no formula; the same figures make the same file."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    whydown("--save", str(first), *WINDOW)
    whydown("--save", str(second), *WINDOW)

    assert ElementTree.fromstring(first.read_text()).tag.endswith("svg")
    assert "shop $x^$ from tokyo-1" in first.read_text()
    assert first.read_bytes() == second.read_bytes()


def test_a_png_is_one(whydown: Whydown, tmp_path: Path) -> None:
    """By its first bytes; nothing unfinished is left beside it."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    picture = tmp_path / "a.png"
    whydown("--save", str(picture), *WINDOW)

    assert picture.read_bytes().startswith(b"\x89PNG\r\n")
    assert list(tmp_path.iterdir()) == [picture]


def test_figures_over_time_are_the_same_in_every_form(whydown: Whydown, tmp_path: Path) -> None:
    """A row for each bucket of each phase of each series."""
    files = {form: tmp_path / f"a.{form}" for form in ("csv", "jsonl", "parquet")}
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    for file in files.values():
        whydown("--save", str(file), "--bucket", "30m", *WINDOW)
    lines = [json.loads(line) for line in files["jsonl"].read_text().splitlines()]
    cells = list(csv.DictReader(files["csv"].read_text().splitlines()))
    records = parquet.read_table(files["parquet"]).to_pylist()
    waits = [line for line in lines if (line["phase"], line["vantage"]) == ("wait", "seoul-1")]

    assert len(lines) == len(cells) == len(records) == 12
    assert [wait["p50_s"] for wait in waits] == [pytest.approx(0.2, rel=0.02), pytest.approx(1.2, rel=0.02)]
    assert [float(cell["p95_s"]) for cell in cells] == [record["p95_s"] for record in records]
    assert cells[0]["at"].startswith("2022-02-03T04:00:00")


def test_an_ending_that_says_nothing_is_refused(whydown: Whydown, tmp_path: Path) -> None:
    """With the endings that are known."""
    assert ".png, .svg, .csv, .parquet, .jsonl" in whydown("--save", str(tmp_path / "a.xls"), code=2).output


def test_a_folder_that_is_not_there_is_said(whydown: Whydown, tmp_path: Path) -> None:
    """One line, no traceback."""
    assert "No such file or directory" in whydown("--save", str(tmp_path / "no" / "a.csv"), *WINDOW, code=1).output


def test_half_an_hour_beside_the_one_before(whydown: Whydown) -> None:
    """What is slower is told with both figures."""
    half = ("--since", "2022-02-03T04:31Z", "--until", "2022-02-03T05:00Z")
    shown = whydown("--compare", "before", *half).stdout

    assert "beside 2022-02-03 04:02:00 to 2022-02-03 04:31:00 UTC" in shown
    assert "Latency that differs" in shown
    compared = [json.loads(line) for line in whydown("--compare", "29m", *half, "--json").stdout.splitlines()]
    wait = next(one for one in compared if (one["phase"], one["vantage"]) == ("wait", "seoul-1"))
    assert (wait["then"]["p50_s"], wait["now"]["p50_s"]) == (
        pytest.approx(0.2, rel=0.02), pytest.approx(1.2, rel=0.02),
    )  # fmt: skip


def test_two_calm_windows_do_not_differ(whydown: Whydown) -> None:
    """Noise is not told."""
    calm = ("--since", "2022-02-03T04:10Z", "--until", "2022-02-03T04:20Z")

    assert "Nothing that is worth telling differs" in whydown("--compare", "10m", *calm).stdout


@pytest.mark.parametrize("window", ["soon", "2022-02-03", "-1h"])
def test_a_window_that_cannot_be_is_refused(whydown: Whydown, window: str) -> None:
    """With what is allowed."""
    assert "before, yesterday, an age" in whydown("--compare", window, code=2).output
