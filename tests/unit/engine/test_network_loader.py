"""The loader refuses what is not a whole and sound plan, before anything runs; it never traps."""

import re
import struct
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from network_engine import build_network_engine
from networks import draw, floats, in_planes, make_model, node
from webipred.engine.compiler import plan_format
from webipred.engine.compiler.compilation import compile_network
from webipred.engine.compiler.plan_format import HEADER_BYTES, OPERATOR_BYTES, TENSOR_BYTES, Status, checksum
from webipred.engine.network import WHOLE, Instance, Network, PlanError


@cache
def make_plan() -> bytes:
    """A plan with an operator of nearly every kind."""
    constants = {
        "w": draw(1, 8, 5, 3, 3),
        "d": draw(2, 8, 1, 3, 3),
        "scales": floats([1, 1, 2, 2]),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        "g": draw(5, 1, 5, 1, 1),
    }
    nodes = in_planes([
        node("Mul", ["x", "g"], "affine"),
        node("Sigmoid", ["affine"], "gate"),
        node("Mul", ["affine", "gate"], "swish"),
        node("Conv", ["swish", "w"], "conv", pads=[1, 1, 1, 1]),
        node("Conv", ["conv", "d"], "deep", group=8, pads=[1, 1, 1, 1]),
        node("Add", ["conv", "deep"], "sum"),
        node("MaxPool", ["sum"], "most", kernel_shape=[2, 2], strides=[2, 2]),
        node("AveragePool", ["sum"], "mean", kernel_shape=[2, 2], strides=[2, 2]),
        node("Concat", ["most", "mean"], "both", axis=1),
        node("Resize", ["both", "", "scales"], "large", mode="linear"),
        node("Pad", ["large", "pads"], "wide"),
        node("Softmax", ["wide"], "y", axis=1),
    ])  # fmt: skip
    nodes[-1] = node("Transpose", ["y"], "t", perm=[0, 2, 3, 1])
    constants["shape"] = np.array([1, 64, 16])
    constants["lns"], constants["lnb"] = draw(1, 16), draw(2, 16)
    nodes += [
        node("Reshape", ["t", "shape"], "rows"),
        node("LayerNormalization", ["rows", "lns", "lnb"], "normed"),
        node("Transpose", ["normed"], "columns", perm=[0, 2, 1]),
        node("MatMul", ["columns", "normed"], "square"),
        node("ReduceMean", ["square"], "output", keepdims=0),
    ]
    return compile_network(make_model(nodes, (1, 6, 6, 5), constants)).data


def repair(data: bytes) -> bytes:
    """Return the plan with right sums, so that the checks behind them are reached."""
    changed = bytearray(data)
    if len(changed) >= HEADER_BYTES:
        struct.pack_into("<2I", changed, 12, *checksum(changed))
    return bytes(changed)


class Host(Instance):
    """One instance that loads plan after plan."""

    def load_and_run(self, plan: bytes) -> Status:
        """Load a plan and, if it is accepted, run it; a trap is an exception of wasmtime."""
        self.call("reset")
        status = Status(self.call("net_load", self.place(plan), len(plan)))
        if status == Status.OK:
            assert Status.OK == self.call("net_run", 0, WHOLE)
        return status


@cache
def host() -> Host:
    return Host(build_network_engine())


def test_the_plan_for_the_mutations_is_sound_and_has_many_operators(net_wasm: bytes) -> None:
    assert Status.OK == host().load_and_run(make_plan())
    count = struct.unpack_from("<I", make_plan(), 24)[0]
    assert count >= 14


@pytest.mark.parametrize("length", [0, 1, 127, 128, 1000, -4])
def test_a_cut_plan_is_refused(net_wasm: bytes, length: int) -> None:
    cut = make_plan()[:length]
    assert Status.TRUNCATED == host().load_and_run(cut)
    with pytest.raises(PlanError, match="shorter than its header says"):
        Network(net_wasm, cut)


@pytest.mark.parametrize(
    ("offset", "status"), [(0, Status.MAGIC), (4, Status.VERSION), (200, Status.CHECKSUM), (-40, Status.CHECKSUM)]
)
def test_a_changed_byte_is_refused(net_wasm: bytes, offset: int, status: Status) -> None:
    changed = bytearray(make_plan())
    changed[offset] ^= 1
    assert status == host().load_and_run(bytes(changed))


WORDS = st.one_of(
    st.integers(0, 40),
    st.integers(0, 2**32 - 1),
    st.sampled_from([2**k for k in range(32)] + [2**k - 1 for k in range(1, 33)] + [2**32 - k for k in range(1, 70)]),
)


@st.composite
def mutations(draw_: st.DrawFn) -> bytes:
    """The plan with one to four words of header, tensors or operators changed, and right sums."""
    plan = bytearray(make_plan())
    tensors, operators = struct.unpack_from("<2I", plan, 20)
    words = (HEADER_BYTES + tensors * TENSOR_BYTES + operators * OPERATOR_BYTES) // 4
    for _ in range(draw_(st.integers(1, 4))):
        place = draw_(st.integers(0, words - 1))
        struct.pack_into("<I", plan, 4 * place, draw_(WORDS))
    return repair(bytes(plan))


@settings(max_examples=3000, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=mutations())
def test_mutated_plans_end_normally_or_are_refused(plan: bytes) -> None:
    assert isinstance(host().load_and_run(plan), Status)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_is_always_found(place: int, bit: int) -> None:
    changed = bytearray(make_plan())
    changed[place % len(changed)] ^= 1 << bit
    assert Status.OK != host().load_and_run(bytes(changed))


def test_running_without_a_plan_is_refused(net_wasm: bytes) -> None:
    fresh = Host(net_wasm)
    assert Status.STATE == fresh.call("net_run", 0, WHOLE)


@pytest.mark.parametrize(("place", "size"), [(0, 128), (64, 2**31 - 1), (-64, 64), (2**31 - 64, 2**31 - 1)])
def test_bytes_outside_reserved_memory_are_refused(net_wasm: bytes, place: int, size: int) -> None:
    fresh = Host(net_wasm)
    fresh.call("reserve", 4096)
    assert Status.ARGUMENT == fresh.call("net_load", place, size)


def test_too_little_memory_is_told_with_the_need(net_wasm: bytes) -> None:
    plan = bytearray(make_plan())
    struct.pack_into("<I", plan, 28, 0xF0000000)
    with pytest.raises(PlanError, match="needs 3840 MB of memory"):
        Network(net_wasm, repair(bytes(plan)))


def read_enumeration(repository: Path, prefix: str, limit: str = "") -> dict[str, int]:
    header = (repository / "builder/engine/net/plan.h").read_text(encoding="utf-8")
    found = {name: int(number) for name, number in re.findall(rf"{prefix}_(\w+) = (\d+)", header)}
    return {name: number for name, number in found.items() if name not in ("COUNT", "HALF_") and name != limit}


def test_python_has_the_numbers_of_the_c_header(repository: Path) -> None:
    assert read_enumeration(repository, "NET") == {status.name: status.value for status in Status}
    assert read_enumeration(repository, "CODE") == {code.name: code.value for code in plan_format.Code}
    assert read_enumeration(repository, "SPACE") == {space.name: space.value for space in plan_format.Space}
    activations = {name.upper(): number for number, name in enumerate(plan_format.ACTIVATIONS)}
    assert read_enumeration(repository, "ACT") == activations
    assert read_enumeration(repository, "BINARY") == {
        name.upper(): number for number, name in enumerate(plan_format.BINARIES)
    }


def test_the_documentation_lists_the_same_numbers(repository: Path) -> None:
    text = (repository / "docs/engine.md").read_text(encoding="utf-8")
    listed = {name: int(number) for number, name in re.findall(r"^\| (\d+) \| `(\w+)` \|", text, re.MULTILINE)}
    assert {status.name: status.value for status in Status} == listed
