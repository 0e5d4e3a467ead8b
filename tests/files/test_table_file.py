"""Tables of values: CSV that a spreadsheet can be trusted with, Parquet that keeps types and nesting."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.files import write_csv, write_parquet
from probes.observation import DnsObservation, Failure, Hop, HttpObservation, NotMeasured, TraceObservation

WHO = {"vantage": "seoul-1", "target": "shop"}


def _csv(*rows: HttpObservation | DnsObservation | TraceObservation) -> list[dict[str, str]]:
    file = io.BytesIO()
    write_csv(file, type(rows[0]), rows)
    return list(csv.DictReader(io.StringIO(file.getvalue().decode(), newline="")))


def test_csv_has_wall_times_as_times_and_nothing_where_nothing_was_measured() -> None:
    """Durations stay seconds."""
    (row,) = _csv(HttpObservation(at=1_643_855_431.25, wait_s=0.25, failure=Failure.READ_TIMEOUT, **WHO))

    assert row["at"] == "2022-02-03T02:30:31.250000Z"
    assert (row["wait_s"], row["connect_s"], row["failure"]) == ("0.25", "", "read_timeout")


def test_what_is_nested_is_json_in_a_cell_of_csv() -> None:
    """Nothing is lost by the flat form."""
    (row,) = _csv(TraceObservation(at=0.0, hops=(Hop(ttl=1, address="198.51.100.1"),), **WHO))

    assert '"address":"198.51.100.1"' in row["hops"]
    assert row["reached"] == "false"


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\tx", "\rx"])
def test_no_text_of_a_stranger_is_a_formula(text: str) -> None:
    """An issuer is written by whoever answers."""
    (row,) = _csv(HttpObservation(at=0.0, issuer=text, **WHO))

    assert row["issuer"] == "'" + text


def test_a_negative_number_is_no_formula() -> None:
    """Only text can be one."""
    (row,) = _csv(HttpObservation(at=0.0, wait_s=-0.5, **WHO))

    assert row["wait_s"] == "-0.5"


def test_parquet_keeps_types_lists_and_records() -> None:
    """A data frame gets times as times and hops as records."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    file = io.BytesIO()
    hop = Hop(ttl=1, address="198.51.100.1", rtt_s=0.25)
    write_parquet(file, TraceObservation, [TraceObservation(at=1.5, hops=(hop, Hop(ttl=2)), reached=True, **WHO)])
    table = parquet.read_table(file)
    (row,) = table.to_pylist()

    assert str(table.schema.field("at").type) == "timestamp[us, tz=UTC]"
    assert row["at"].timestamp() == 1.5
    assert [(one["ttl"], one["address"], one["rtt_s"]) for one in row["hops"]] == [
        (1, "198.51.100.1", 0.25),
        (2, None, None),
    ]


@pytest.mark.parametrize("kind", [HttpObservation, DnsObservation, TraceObservation, NotMeasured])
def test_every_kind_of_observation_has_a_schema(kind: type[HttpObservation]) -> None:
    """A field of a new type would end in an error here, not at a user's."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    file = io.BytesIO()
    write_parquet(file, kind, [])

    assert parquet.read_schema(file).names == list(kind.__struct_fields__)


@settings(derandomize=True, max_examples=40)
@given(st.text(max_size=60), st.floats(allow_nan=True, allow_infinity=True))
def test_any_text_and_number_is_one_row_of_as_many_cells(text: str, number: float) -> None:
    """Quotes, line ends and times beyond the calendar do not break the table."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    (row,) = _csv(HttpObservation(at=number, issuer=text, wait_s=number, **WHO))

    assert set(row) == set(HttpObservation.__struct_fields__)
    assert row["issuer"].lstrip("'") == text.lstrip("'")
