"""Pure rooms take time, bytes and facts as arguments: they open nothing, ask no clock, roll no dice.

And SQL is written in one room only. Both are read from the source, so a file that is never imported counts.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Source

PURE = (
    "monitor.model",
    "monitor.diagnose",
    "monitor.bgp",
    "monitor.config",
    "monitor.report",
    "monitor.agent.timetable",
    "probes.atlas",
    "probes.observation",
    "probes.expectation",
    "probes.failure_word",
)

# The files in those rooms whose very task is to open something. Parsers are not among them.
DOES_IO = (
    "monitor.config.document",  # load_config reads the file
    "monitor.config.secret",  # looks where systemd hands secrets over
    "monitor.bgp.sources",  # reads files and streams
)

# Modules that a pure file has no use for.
IMPURE_MODULES = {
    "asyncio", "concurrent", "ftplib", "http", "httpcore", "httpx", "multiprocessing", "os", "platform",
    "random", "secrets", "select", "selectors", "shutil", "signal", "smtplib", "sqlite3", "sqlite_utils", "ssl",
    "subprocess", "tempfile", "threading", "time", "uuid", "websockets",
}  # fmt: skip

# `socket` has the conversions of addresses, which are pure, beside the sockets, which are not.
PURE_SOCKET_NAMES = {"AF_INET", "AF_INET6", "inet_aton", "inet_ntoa", "inet_ntop", "inet_pton"}

IMPURE_CALLS = {"open", "print", "input"}
IMPURE_METHODS = {
    "now",
    "today",
    "utcnow",
    "open",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "mkdir",
}

# Statements as they begin in SQL; words of English in capitals do not match.
_SQL = re.compile(
    r"\bSELECT\s.+\sFROM\s|\bINSERT\s+(OR\s+\w+\s+)?INTO\s|\bUPDATE\s+\w+\s+SET\s|\bDELETE\s+FROM\s"
    r"|\bCREATE\s+(TABLE|INDEX|VIEW)\b|^\s*PRAGMA\s",
    re.DOTALL,
)


def _is_in(module: str, places: tuple[str, ...]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def _impurities(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (f"line {node.lineno}: import {a.name}" for a in names if _is_impure(a.name))
            case ast.ImportFrom(module="socket", names=names):
                yield from (
                    f"line {node.lineno}: socket.{a.name}" for a in names if a.name not in PURE_SOCKET_NAMES
                )
            case ast.ImportFrom(module=str(module), level=0) if _is_impure(module):
                yield f"line {node.lineno}: from {module} import"
            case ast.Attribute(value=ast.Name(id="socket"), attr=attr) if attr not in PURE_SOCKET_NAMES:
                yield f"line {node.lineno}: socket.{attr}"
            case ast.Call(func=ast.Name(id=name)) if name in IMPURE_CALLS:
                yield f"line {node.lineno}: {name}()"
            case ast.Call(func=ast.Attribute(attr=name)) if name in IMPURE_METHODS:
                yield f"line {node.lineno}: .{name}()"


def _is_impure(module: str) -> bool:
    return module.split(".")[0] in IMPURE_MODULES or module == "urllib.request"


def _statements(tree: ast.Module) -> Iterator[str]:
    """SQL in string constants; docstrings may talk about it."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in docstrings:
            continue
        if _SQL.search(node.value):
            yield f"line {node.lineno}: {node.value.strip()[:60]!r}"


def test_pure_rooms_open_nothing_and_ask_no_clock(sources: tuple[Source, ...]) -> None:
    """So that live running, replay and tests give the same result."""
    wrong = [
        f"{source.module} {impurity}"
        for source in sources
        if _is_in(source.module, PURE) and not _is_in(source.module, DOES_IO)
        for impurity in _impurities(source.tree)
    ]

    assert wrong == []


def test_sql_is_written_where_the_files_are(sources: tuple[Source, ...]) -> None:
    """Who wants facts asks history for values."""
    wrong = [
        f"{source.module} {statement}"
        for source in sources
        if not _is_in(source.module, ("monitor.history", "monitor.spool"))
        for statement in _statements(source.tree)
    ]

    assert wrong == []


def test_the_checks_see_what_they_look_for() -> None:
    """Each kind of impurity and of SQL once, and the near-misses that are neither."""
    impure = (
        "import time\nfrom asyncio import sleep\nimport socket\nsocket.create_connection(x)\nopen('f')\n"
        "datetime.now()\nPath('f').read_text()\nfrom socket import socket\nfrom urllib import request\n"
    )
    pure = "import socket\nsocket.inet_ntop(socket.AF_INET, b)\nfrom datetime import datetime\nopened(1)\nx.time\n"
    sql = "a = 'SELECT x FROM t'\nb = f'INSERT OR IGNORE INTO {t} VALUES (1)'\nc = 'PRAGMA journal_mode = wal'"
    prose = '"""SELECT x FROM t."""\na = "select one FROM the list"\nb = "UPDATE of the peer"\nc = "a PRAGMA "'

    assert len(list(_impurities(ast.parse(impure)))) == 7
    assert list(_impurities(ast.parse(pure))) == []
    assert len(list(_statements(ast.parse(sql)))) == 3
    assert list(_statements(ast.parse(prose))) == []
