"""What a package offers stands in `__all__` of its `__init__`, once; the rest there is its own business."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Source


def _bound(tree: ast.Module) -> set[str]:
    """Public names that the file binds at its top level, in whichever way."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
    return {name for name in names if not name.startswith("_")} | _own(tree, "")


def _own(tree: ast.Module, package: str) -> set[str]:
    """Public names that the file defines, or takes out of its own package's files."""
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.ImportFrom(module=str(module)) if package and module.startswith(f"{package}."):
                names.update(alias.asname or alias.name for alias in node.names)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return {name for name in names if not name.startswith("_")}


def _stated(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [ast.literal_eval(item) for item in node.value.elts] if isinstance(node.value, ast.List) else []
    return []


def test_each_package_states_what_it_offers(sources: tuple[Source, ...]) -> None:
    """No name of its own is offered by accident, none is promised and missing, none is stated twice."""
    packages = [source for source in sources if source.is_package]
    modules = {source.module for source in sources}
    wrong = []
    for package in packages:
        stated = _stated(package.tree)
        own = {name for name in _own(package.tree, package.module) if f"{package.module}.{name}" not in modules}
        wrong += [f"{package.module} does not state {name}" for name in sorted(own - set(stated))]
        wrong += [f"{package.module} lacks {name}" for name in sorted(set(stated) - _bound(package.tree))]
        if len(stated) != len(set(stated)):
            wrong.append(f"{package.module} states a name twice")

    assert len(packages) >= 4
    assert wrong == []


def test_each_file_says_what_it_is_for(sources: tuple[Source, ...]) -> None:
    """Every module opens with a docstring."""
    assert [source.module for source in sources if not ast.get_docstring(source.tree)] == []


def test_each_folder_with_code_is_a_package(sources: tuple[Source, ...]) -> None:
    """A folder without `__init__.py` would be left out of the installed program."""
    packages = {source.module for source in sources if source.is_package}
    homes = {source.module.rpartition(".")[0] for source in sources if not source.is_package}

    assert homes - packages == set()
