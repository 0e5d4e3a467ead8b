"""The import graph of the checkout, read from the source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Import:
    """One import statement's claim: `importer` needs `imported` (a module, or a name in one)."""

    importer: str
    imported: str
    line: int

    def __str__(self) -> str:
        return f"{self.importer} (line {self.line}) imports {self.imported}"


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its dotted module name, whether it is a package's `__init__`, and its syntax tree."""

    module: str
    is_package: bool
    tree: ast.Module

    def imports(self) -> Iterator[Import]:
        """Every import in the file, also inside functions and under TYPE_CHECKING."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(self.module, alias.name, node.lineno)
            elif isinstance(node, ast.ImportFrom):
                origin = self._origin(node)
                # `from monitor import cli` names a module, `from monitor.cli import main` a thing in one.
                for alias in node.names:
                    yield Import(self.module, f"{origin}.{alias.name}", node.lineno)

    def _origin(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.module.split(".")
        package = parts[: len(parts) - node.level + self.is_package]
        return ".".join([*package, *([node.module] if node.module else [])])


@pytest.fixture(scope="session")
def sources(repository: Path) -> tuple[Source, ...]:
    """Every file of `probes` and `monitor`."""
    found = []
    for package in ("probes", "monitor"):
        for file in sorted((repository / package).rglob("*.py")):
            parts = file.relative_to(repository).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            module = ".".join(parts[:-1] if is_package else parts)
            found.append(Source(module, is_package, ast.parse(file.read_text(encoding="utf-8"))))
    return tuple(found)


@pytest.fixture(scope="session")
def imports(sources: tuple[Source, ...]) -> tuple[Import, ...]:
    """Every import between files, and of libraries."""
    return tuple(imported for source in sources for imported in source.imports())
