"""Compile builder/engine/*.c to WebAssembly with the C compiler that the PyPI package `ziglang` brings.

The flags keep the result the same bytes on every machine and in every folder: sources are named relative to their own
folder, in sorted order, and nothing but code and constants remains in the module.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCES = Path(__file__).parent / "engine"
NETWORK_SOURCES = SOURCES / "net"
COMPILE_TIMEOUT_S = 600

FLAGS = (
    "--target=wasm32-freestanding",
    "-mcpu=generic+simd128+bulk_memory",
    "-std=c11",
    "-O3",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-nostdlib",
    "-Wl,--no-entry",
    "-Wl,--strip-all",
    "-Wl,--max-memory=2147483648",
    "-Wl,-z,stack-size=65536",
)
RELAXED_CPU = "-mcpu=generic+simd128+bulk_memory+relaxed_simd"
RELAXED_THREADS_CPU = "-mcpu=generic+simd128+bulk_memory+relaxed_simd+atomics+mutable_globals"
THREADS_CPU = "-mcpu=generic+simd128+bulk_memory+atomics+mutable_globals"
THREADS_FLAGS = (
    "-Wl,--import-memory",
    "-Wl,--shared-memory",
    "-Wl,--initial-memory=1048576",
    "-Wl,--export=__stack_pointer",  # every thread sets its own
)


class EngineBuildError(Exception):
    """The compiler refused the sources; the message is what it said."""


def build_engine(out: Path, sources: Path = SOURCES, flags: tuple[str, ...] = FLAGS) -> None:
    """Compile every C file of `sources` into the one module `out`; the folder of `out` is made.

    Raises EngineBuildError with the compiler's own words. Needs the package `ziglang` in this interpreter.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    names = sorted(path.name for path in sources.glob("*.c"))
    with tempfile.TemporaryDirectory(prefix="webipred-engine-") as scratch:
        command = [sys.executable, "-m", "ziglang", "cc", *flags, "-o", f"{scratch}/engine.wasm", *names]
        done = subprocess.run(
            command,
            cwd=sources,
            env=_compiler_environment(Path(scratch)),
            capture_output=True,
            text=True,
            timeout=COMPILE_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            raise EngineBuildError(f"the engine does not compile: {done.stderr.strip() or done.stdout.strip()}")
        module = Path(scratch, "engine.wasm").read_bytes()
    partial = out.with_name(out.name + ".partial")
    partial.write_bytes(module)
    partial.replace(out)


def build_network_engine(out: Path, *, relaxed: bool = False, threads: bool = False) -> None:
    """Compile the executor of plans (builder/engine/net).

    `relaxed` may fuse multiply-adds where the processor does; `threads` imports a memory that instances share.
    """
    build_engine(out, NETWORK_SOURCES, list_network_flags(relaxed=relaxed, threads=threads))


def list_network_flags(*, relaxed: bool, threads: bool) -> tuple[str, ...]:
    """Return the compiler's flags for one of the four variants of the executor."""
    if threads:
        return (*FLAGS, RELAXED_THREADS_CPU if relaxed else THREADS_CPU, *THREADS_FLAGS)
    return (*FLAGS, RELAXED_CPU) if relaxed else FLAGS


def _compiler_environment(scratch: Path) -> dict[str, str]:
    """Give the compiler cache folders that exist and can be written, whatever HOME is."""
    environment = dict(os.environ)
    environment.setdefault("ZIG_GLOBAL_CACHE_DIR", str(scratch / "global"))
    environment["ZIG_LOCAL_CACHE_DIR"] = str(scratch / "local")
    return environment
