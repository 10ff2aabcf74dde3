"""Imports point one way: a room may only open the rooms below it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("jobs", "pipelines", "warehouse", "infra", "game_server")
MAY_IMPORT = {
    "jobs": {"jobs"},
    "warehouse": {"warehouse"},
    "infra": {"infra"},
    "game_server": {"game_server"},
    "pipelines": {"pipelines", "jobs", "warehouse"},
    "notebooks": {"warehouse"},
}
LAZY = {"pipelines": {"game_server", "infra"}}  # inside functions only: a command's own


def imports(path: Path) -> list[tuple[str, bool]]:
    """Give (first name of the imported module, whether it is imported inside a function)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(name.name.split(".")[0], id(node) in inside) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.append(((node.module or "").split(".")[0], id(node) in inside))
    return found


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    wrong = []
    for path in sorted((ROOT / room).rglob("*.py")):
        for name, is_lazy in imports(path):
            if name not in ROOMS or name in MAY_IMPORT[room]:
                continue
            if not (is_lazy and name in LAZY.get(room, set())):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_no_file_is_named_for_nothing_in_particular() -> None:
    odd = {"utils.py", "util.py", "helpers.py", "helper.py", "common.py", "misc.py"}
    assert [p for room in ROOMS for p in (ROOT / room).rglob("*.py") if p.name in odd] == []
