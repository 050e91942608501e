"""The layers: a stage imports earlier stages, never later ones; only cli prints, exits or reads the environment."""

import ast
from pathlib import Path

import webipred

ROOT = Path(webipred.__file__).parent
ORDER = ("findings", "errors", "digests", "progress", "assets", "catalog", "sources", "environments", "convert",
         "drafting", "images", "engine", "validate", "site", "verify", "delivery", "checking", "prediction", "pipeline",
         "bench", "cli")  # fmt: skip


def list_modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if "_assets" not in path.parts)


def name_layer(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def list_imports(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.append(node.module)
    return names


def test_every_module_belongs_to_a_layer() -> None:
    layers = {name_layer(path) for path in list_modules()} - {"__init__"}
    assert set() == layers - set(ORDER)


def test_no_module_imports_a_later_layer() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in list_modules()
        if name_layer(path) != "__init__"
        for name in list_imports(path)
        if name.startswith("webipred.") and ORDER.index(name.split(".")[1]) > ORDER.index(name_layer(path))
    ]
    assert [] == wrong


def test_imports_are_absolute() -> None:
    relative = [
        str(path.relative_to(ROOT))
        for path in list_modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert [] == relative


def test_only_the_command_line_prints_exits_or_reads_the_environment() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}"
        for path in list_modules()
        if name_layer(path) != "cli"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "exit", "sys.exit", "input"))
        or (isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "sys.argv"))
    ]
    assert [] == wrong


def test_modules_stay_below_four_hundred_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in list_modules()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert {} == long


def test_functions_stay_below_sixty_lines() -> None:
    long = {
        f"{path.relative_to(ROOT)} {node.name}": lines
        for path in list_modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > 60
    }
    assert {} == long
