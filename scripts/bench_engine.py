"""Measure the compiled engine against native onnxruntime and onnxruntime-web, interleaved, one thread each; print
medians and ratios.

    python scripts/bench_engine.py --engine net.wasm [--relaxed net-relaxed.wasm] [--web node_modules/onnxruntime-web]
    MODEL.onnx…

Only ratios mean something: absolute times change with the machine and its load. Needs `node`.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime

from webipred.engine.compiler.compilation import Compilation, compile_network

WORKER = Path(__file__).with_name("bench_engine_worker.mjs")


class Worker:
    """A Node process that holds one network."""

    def __init__(self, *arguments: str, relaxed: bool = False) -> None:
        flags = ["--experimental-wasm-relaxed-simd"] if relaxed else []
        command = ["node", *flags, str(WORKER), *arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # node of the PATH is meant
        self.ready_ms = float(self._read()["ready"])

    def _read(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the Node process ended")
        answer: dict[str, float] = json.loads(line)
        return answer

    def ask(self, what: str) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return self._read()

    def run(self, clock: str) -> float:
        return self.ask("run")[clock]

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def open_native(data: bytes, image: np.ndarray, clock: str) -> Callable[[], float]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run() -> float:
        now = time.perf_counter if clock == "wall" else time.process_time
        started = now()
        session.run(None, {name: image})
        return (now() - started) * 1000

    return run


def measure(runs: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Return the median of each, after three warm-up runs; one run of each per round."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 3):
        for name, run in runs.items():
            spent = run()
            if number >= 3:
                times[name].append(spent)
    return {name: statistics.median(values) for name, values in times.items()}


def print_profile(worker: Worker, compilation: Compilation, top: int) -> None:
    rounds = [worker.ask("profile") for _ in range(7)]
    times = [statistics.median(values) for values in zip(*rounds, strict=True)]
    sums: dict[str, float] = {}
    for code, spent in zip(compilation.codes, times, strict=True):
        sums[code.name] = sums.get(code.name, 0.0) + spent
    print(
        "  by kernel:",
        ", ".join(f"{name} {spent:.2f}" for name, spent in sorted(sums.items(), key=lambda item: -item[1])),
    )
    for spent, name, code in sorted(zip(times, compilation.names, compilation.codes, strict=True), reverse=True)[:top]:
        print(f"  {spent:8.3f} ms {code.name:12} {name}")


def bench(path: Path, options: argparse.Namespace, folder: Path) -> dict[str, float]:
    data = path.read_bytes()
    compilation = compile_network(data)
    session_shape = [
        size if isinstance(size, int) else 1 for size in onnxruntime.InferenceSession(data).get_inputs()[0].shape
    ]
    image = np.random.default_rng(1).random(session_shape, np.float32)
    (folder / "plan").write_bytes(compilation.data)
    (folder / "input").write_bytes(image.tobytes())
    files = (str(folder / "plan"), str(folder / "input"))
    workers = {"plain": Worker("own", str(options.engine), *files)}
    if options.relaxed:
        workers["relaxed"] = Worker("own", str(options.relaxed), *files, relaxed=True)
    if options.web:
        workers["web"] = Worker(
            "web", str(options.web), str(path.resolve()), files[1], ",".join(map(str, session_shape))
        )
    runs: dict[str, Callable[[], float]] = {"native": open_native(data, image, options.clock)} | {
        name: partial(worker.run, options.clock) for name, worker in workers.items()
    }
    medians = measure(runs, options.rounds)
    print(path.stem, " ".join(f"{name} {value:.1f} ms" for name, value in medians.items()),
          " ready:", " ".join(f"{name} {worker.ready_ms:.0f} ms" for name, worker in workers.items()),
          flush=True)  # fmt: skip
    if options.profile:
        print_profile(workers["plain"], compilation, options.profile)
    for worker in workers.values():
        worker.stop()
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--engine", type=Path, required=True)
    parser.add_argument("--relaxed", type=Path)
    parser.add_argument("--web", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="cpu", help="cpu ignores what other processes take")
    parser.add_argument("--profile", type=int, default=0, help="print the slowest kernel calls of the plain build")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = [bench(path, options, Path(folder)) for path in options.models]
    for name in results[0]:
        for other in ("native", "web"):
            if name in ("native", other) or other not in results[0]:
                continue
            ratios = [result[name] / result[other] for result in results]
            single = ", ".join(f"{ratio:.2f}" for ratio in ratios)
            print(f"{name} / {other}: geomean {statistics.geometric_mean(ratios):.2f}  ({single})")


if __name__ == "__main__":
    main()
