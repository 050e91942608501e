"""Compile a network in a process of its own, under limits of time and memory."""

import sys
import tempfile
from pathlib import Path
from typing import Final

from webipred.convert.json_text import parse_json
from webipred.convert.process import run_process
from webipred.engine.compiler.compilation import CompilerError, Storage
from webipred.engine.compiler.graph import UnsupportedOperator
from webipred.errors import FindingsError
from webipred.validate.compiler_worker import LIMITS, NETWORK, PLAN, REFUSAL, STORAGE

REFUSAL_BYTES: Final = 1 << 16
MOST_LETTERS: Final = 400
# `-I -S`: no user site, no .pth code, no PYTHON… variables; the paths of this process arrive as arguments instead.
BOOTSTRAP: Final = (
    "import sys; sys.path.extend(sys.argv[1:]); "
    "from webipred.validate.compiler_worker import main; raise SystemExit(main())"
)


def compile_apart(model: bytes, storage: Storage) -> bytes:
    """Return the plan of a network. Raises UnsupportedOperator, and CompilerError for whatever else goes wrong."""
    with tempfile.TemporaryDirectory(prefix="webipred-compile-") as name:
        folder = Path(name)
        (folder / NETWORK).write_bytes(model)
        (folder / STORAGE).write_text(storage, encoding="ascii")
        ending = run_process([sys.executable, "-I", "-S", "-c", BOOTSTRAP, *_import_paths()], folder, LIMITS)
        if ending.timed_out:
            raise CompilerError("compile", f"more than {LIMITS.wall_s:g} s")
        if (folder / PLAN).is_file() and ending.status == 0:
            return (folder / PLAN).read_bytes()
        raise _read_refusal(folder / REFUSAL, ending.status)


def _read_refusal(path: Path, status: int) -> UnsupportedOperator | CompilerError:
    """Return what the process wrote down; its words are data like any other."""
    if not path.is_file():
        return CompilerError("compile", f"it ended with status {status}")
    try:
        refusal = parse_json(path.read_bytes(), REFUSAL, REFUSAL_BYTES)
    except FindingsError:
        return CompilerError("compile", "an unreadable answer")
    match refusal:
        case {"operator": str(operator), "node": str(node), "why": str(why)}:
            return UnsupportedOperator(_plain(operator), _plain(node), _plain(why))
        case {"step": str(step), "kind": str(kind)}:
            return CompilerError(_plain(step), _plain(kind))
        case _:
            return CompilerError("compile", "an unreadable answer")


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "�" for character in text[:MOST_LETTERS])


def _import_paths() -> list[str]:
    package_root = str(Path(__file__).resolve().parents[2])
    others = [path for path in sys.path if Path(path).is_absolute() and path != package_root]
    return [package_root, *others]
