"""Files as bytes, lines and tables: compression and limits. Knows nothing of what they mean."""

from monitor.files.compressed_file import CompressedFile
from monitor.files.json_values import json_values
from monitor.files.numbered_lines import Complain, numbered_lines, read_lines
from monitor.files.table_file import MissingLibraryError, write_csv, write_json_lines, write_parquet

__all__ = [
    "Complain",
    "CompressedFile",
    "MissingLibraryError",
    "json_values",
    "numbered_lines",
    "read_lines",
    "write_csv",
    "write_json_lines",
    "write_parquet",
]
