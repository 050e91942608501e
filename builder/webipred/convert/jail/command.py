"""How a jailed process is started: its command line, and what of this installation it may read."""

import dataclasses
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from webipred.convert.limits import ConversionLimits

# `-I -S -B`: no user site, no .pth code, no PYTHON… variables, nothing written beside the sources; the paths arrive as
# arguments instead, so that it works from a wheel, an editable install and a source tree alike.
FLAGS: Final = ("-I", "-S", "-B")
BOOTSTRAP: Final = (
    "import sys; sys.path.extend(sys.argv[2:]); from webipred.convert.jail.entrance import enter;"
    " raise SystemExit(enter(sys.argv[1]))"
)
SITE_FOLDERS: Final = ("site-packages", "dist-packages")
NEEDED: Final = ("numpy", "onnx", "h5py", "onnxruntime", "google.protobuf", "ml_dtypes", "typing_extensions")


def build_command(
    module: str,
    limits: ConversionLimits,
    *,
    jailed: bool,
    python: str = sys.executable,
    paths: Sequence[str] | None = None,
    readable: Sequence[str] = (),
) -> list[str]:
    """Return the command that runs `module.main()` in the current folder, inside the jail or with limits alone.

    `python` may belong to another environment; `paths` are then its folders of packages (default: those of this one).
    They are readable inside, as are the files and folders in `readable`. The module prints nothing before its work.
    """
    places = [find_package_root(), *(find_package_folders() if paths is None else paths)]
    request = {
        "module": module,
        "jailed": jailed,
        "limits": dataclasses.asdict(limits),
        "readable": [*places, *readable],
    }
    return [python, *FLAGS, "-c", BOOTSTRAP, json.dumps(request), *places]


def find_package_root() -> str:
    """Return the folder that holds the package `webipred`."""
    return str(Path(__file__).resolve().parents[3])


def find_package_folders() -> list[str]:
    """Return the folders of installed packages, and no other entry of `sys.path`, such as somebody's home folder."""
    folders = [path for path in sys.path if Path(path).name in SITE_FOLDERS and Path(path).is_absolute()]
    for name in NEEDED:  # installed elsewhere, for instance by `pip install --target`
        found = _find_origin(name)
        if found is not None and not any(found.is_relative_to(folder) for folder in folders):
            folders.append(str(found.parents[name.count(".") + (found.name == "__init__.py")]))
    return folders


def _find_origin(name: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.origin and Path(spec.origin).is_file() else None
