"""Environment: one framework in a virtual environment that this tool makes, finds again and removes."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final

from webipred.errors import FindingsError, UsageError, refuse

NAMES: Final = ("tensorflow", "torch")
FOLDER: Final = "environments"
MARK: Final = "webipred-environment"
INSTALL_S: Final = 3600
LAST_LINES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A complete environment: what the lock lists is installed, nothing else.

    `folder` carries the digest of the lock and the version of Python, so that another lock is another environment.
    """

    name: str
    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    @property
    def packages(self) -> Path:
        """The folder of installed packages."""
        if sys.platform == "win32":
            return self.folder / "Lib" / "site-packages"
        return self.folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def find_environment(name: str, cache_dir: Path) -> Environment | None:
    """Return the environment of the lock that this release carries, or None if it was not created completely."""
    environment = _place(name, cache_dir)
    return environment if (environment.folder / MARK).is_file() else None


def require_environment(name: str, cache_dir: Path, where: str) -> Environment:
    """Return the environment; raises FindingsError with the command that creates it."""
    environment = find_environment(name, cache_dir)
    if environment is not None:
        return environment
    what = f"this format needs the {name} environment, which is not there."
    raise refuse("E-ENVIRONMENT-MISSING", where, what, f"Run `webipred-build env create {name}`.")


def create_environment(name: str, cache_dir: Path) -> Environment:
    """Make the environment, or return it if it is there. Raises FindingsError E-ENVIRONMENT-INSTALL.

    Every file must have a digest of the lock; dependencies are not resolved, the lock is the whole list.
    """
    environment = _place(name, cache_dir)
    if (environment.folder / MARK).is_file():
        return environment
    shutil.rmtree(environment.folder, ignore_errors=True)
    environment.folder.parent.mkdir(parents=True, exist_ok=True)
    _run([sys.executable, "-m", "venv", str(environment.folder)], name)
    lock = environment.folder / "requirements.lock"
    lock.write_text(read_lock_text(name), encoding="utf-8")
    options = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--disable-pip-version-check", "--no-input")
    _run([str(environment.python), "-m", "pip", "install", "--quiet", *options, "-r", str(lock)], name)
    (environment.folder / MARK).write_text("Made by webipred-build env create; may be removed.\n", encoding="utf-8")
    return environment


def list_environments(cache_dir: Path) -> list[tuple[str, Path, bool]]:
    """Return (folder name, place, whether it is complete) of every environment in the cache, older ones included."""
    root = cache_dir / FOLDER
    found = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    return [(path.name, path, (path / MARK).is_file()) for path in found]


def remove_environment(name: str, cache_dir: Path) -> list[Path]:
    """Remove every environment of that name, older and broken ones included; return their places."""
    _check_name(name)
    removed = [path for folder, path, _ in list_environments(cache_dir) if folder.startswith(f"{name}-")]
    for path in removed:
        shutil.rmtree(path)
    return removed


def read_lock_text(name: str) -> str:
    """Return the lock file of an environment."""
    _check_name(name)
    return files("webipred.environments").joinpath(f"{name}.lock").read_text(encoding="utf-8")


def _check_name(name: str) -> None:
    if name not in NAMES:
        raise UsageError(f"env: there is no environment {name!r}, only {' and '.join(NAMES)}.")


def _place(name: str, cache_dir: Path) -> Environment:
    digest = sha256(read_lock_text(name).encode()).hexdigest()[:12]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Environment(name=name, folder=cache_dir.resolve() / FOLDER / f"{name}-py{version}-{digest}")


def _run(command: Sequence[str], name: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_S)
    except subprocess.TimeoutExpired as error:
        raise _refuse(name, f"it took more than {INSTALL_S} s") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()[-LAST_LINES:]
        raise _refuse(name, " ".join(" ".join(lines).split())[:600] or f"status {done.returncode}")


def _refuse(name: str, why: str) -> FindingsError:
    what = f"the {name} environment could not be made: {why}"
    fix = "Check the connection to the package index and the version of Python (3.11 is tested), then run it again."
    return refuse("E-ENVIRONMENT-INSTALL", f"env {name}", what.rstrip(".") + ".", fix)
