"""The plain build gives the same bits in wasmtime and in V8 (Node), and the same build in every folder."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from network_engine import build_network_engine
from networks import draw, in_planes, make_model, node, run_engine
from webipred.engine.compiler.compilation import compile_network

SCRIPT = """
const { readFileSync } = require("node:fs");
const [engine, plan, input] = process.argv.slice(1).map((path) => readFileSync(path));
WebAssembly.instantiate(engine, {}).then(({ instance: { exports: net } }) => {
  const words = net.reserve(32), place = net.reserve(plan.length);
  new Uint8Array(net.memory.buffer, place, plan.length).set(plan);
  if (net.net_load(place, plan.length) !== 0) throw new Error("net_load");
  const port = (index) => {
    if (net.net_port(index, words) !== 0) throw new Error("net_port");
    const [pointer, rank, ...sizes] = new Uint32Array(net.memory.buffer, words, 8);
    return new Uint8Array(net.memory.buffer, pointer, 4 * sizes.slice(0, rank).reduce((a, b) => a * b, 1));
  };
  port(0).set(input);
  net.net_run(0, -1);
  process.stdout.write(require("node:crypto").createHash("sha256").update(port(1)).digest("hex"));
});
"""


def make_mixture() -> bytes:
    """Every family of arithmetic: direct, depthwise and Winograd convolution, exp, tanh, erf, means, softmax."""
    constants = {
        "w": draw(1, 40, 5, 3, 3, scale=0.15),
        "v": draw(2, 40, 40, 3, 3, scale=0.05),
        "d": draw(3, 40, 1, 5, 5, scale=0.2),
    }
    nodes = [
        node("Conv", ["x", "w"], "a", pads=[1, 1, 1, 1]),
        node("Gelu", ["a"], "b"),
        node("Conv", ["b", "v"], "c", pads=[1, 1, 1, 1]),
        node("Tanh", ["c"], "e"),
        node("Conv", ["e", "d"], "f", group=40, pads=[2, 2, 2, 2]),
        node("Sigmoid", ["f"], "g"),
        node("GlobalAveragePool", ["g"], "h"),
        node("Mul", ["f", "h"], "i"),
        node("Softmax", ["i"], "y", axis=1),
    ]
    return make_model(in_planes(nodes), (1, 15, 14, 5), constants)


def test_wasmtime_and_v8_give_the_same_bits(net_wasm: bytes, tmp_path: Path) -> None:
    program = shutil.which("node")
    if program is None:
        pytest.skip("no Node on the PATH")
    image = draw(9, 1, 15, 14, 5)
    expected = hashlib.sha256(run_engine(net_wasm, make_mixture(), image)[0].tobytes()).hexdigest()
    files = {"net.wasm": net_wasm, "plan": compile_network(make_mixture()).data, "input": image.tobytes()}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    command = [program, "-e", SCRIPT, *(str(tmp_path / name) for name in files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert expected == done.stdout


def test_a_second_build_of_the_engine_is_the_same_file(net_wasm: bytes) -> None:
    assert net_wasm == build_network_engine.__wrapped__()


def test_the_relaxed_build_differs_by_rounding_only(net_wasm: bytes, relaxed_wasm: bytes) -> None:
    image = draw(9, 1, 15, 14, 5)
    plain = run_engine(net_wasm, make_mixture(), image)[0]
    relaxed = run_engine(relaxed_wasm, make_mixture(), image)[0]
    # probabilities of 40 classes; one rounding per product more or less
    assert np.abs(plain - relaxed).max() <= 1e-6
