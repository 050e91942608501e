"""Load and run mutated plans under the address and undefined-behaviour sanitizers; print how each number of them ended.

    python scripts/fuzz_plans.py --count 1000000 [--seed 1]

Builds the engine's sources natively with `cc` (gcc or clang with their sanitizers). Half of the plans are mutations of
each of the two in tests/plans.py, which together hold every operator. The default tests do some thousands on the
WebAssembly build.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
NET = ROOT / "builder/engine/net"
sys.path.insert(0, str(ROOT / "tests"))  # the plans are the tests' own

from plans import make_image_plan, make_rare_plan  # noqa: E402  # found by the line above
from webipred.engine.compiler.plan_format import Status  # noqa: E402

FLAGS = ("-O1", "-g", "-std=c11", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Wno-unknown-pragmas")
CHUNK = 50_000


def build(folder: Path) -> Path:
    """Return the native fuzzer."""
    sources = [NET / "native/fuzz.c", NET / "native/memory.c"]
    sources += sorted(path for path in NET.glob("*.c") if path.name != "memory.c")
    program = folder / "fuzz"
    compiler = shutil.which("cc")
    if compiler is None:
        raise SystemExit("there is no C compiler cc on the PATH; install gcc or clang with their sanitizers")
    subprocess.run([compiler, *FLAGS, "-o", str(program), *map(str, sources), "-lm"], check=True)
    return program


def run(program: Path, plan: Path, count: int, seed: int) -> list[int]:
    """Run one chunk and return how many plans ended with each status. A sanitizer's report ends everything."""
    command = [str(program), str(plan), str(count), str(seed)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"stopped with status {done.returncode}: {plan.name}, {count} plans, seed {seed}")
    return [int(number) for number in done.stdout.split()]


def main() -> None:
    """Fuzz and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    totals = dict.fromkeys(Status, 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = build(folder)
        for plan, data in (("image", make_image_plan()), ("rare", make_rare_plan())):
            (folder / plan).write_bytes(data)
            left = arguments.count // 2
            for seed in range(arguments.seed, arguments.seed + -(-left // CHUNK)):
                numbers = run(program, folder / plan, min(CHUNK, left), seed)
                left -= CHUNK
                for status in Status:
                    totals[status] += numbers[status]
                print(f"{sum(totals.values())} plans", file=sys.stderr, flush=True)
    print(f"{sum(totals.values())} plans: {totals[Status.OK]} ran to their end, the others were refused:")
    for status, number in totals.items():
        if number and status != Status.OK:
            print(f"  {number:8d} {status.name}")


if __name__ == "__main__":
    main()
