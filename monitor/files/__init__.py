"""Files as bytes and lines: compression and limits. Knows nothing of what they mean."""

from monitor.files.compressed_file import CompressedFile
from monitor.files.json_values import json_values
from monitor.files.numbered_lines import Complain, numbered_lines, read_lines

__all__ = ["Complain", "CompressedFile", "json_values", "numbered_lines", "read_lines"]
