"""The loader refuses what is not a whole and sound plan, before anything runs; it never traps."""

import random
import re
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from network_engine import build_network_engine
from plans import make_image_plan, make_rare_plan, mutate, repair
from webipred.engine.compiler import plan_format
from webipred.engine.compiler.plan_format import Code, Status
from webipred.engine.compiler.plan_reading import check_plan, read_plan
from webipred.engine.network import WHOLE, Instance, Network, PlanError


class Host(Instance):
    """One instance that loads plan after plan."""

    def load_and_run(self, plan: bytes) -> Status:
        """Load a plan and, if it is accepted, run it; a trap is an exception of wasmtime."""
        self.call("reset")
        status = Status(self.call("net_load", self.place(plan), len(plan)))
        if status == Status.OK:
            assert Status.OK == self.call("net_run", 0, WHOLE)
        return status


HEADER_FAULTS = (Status.TRUNCATED, Status.MAGIC, Status.VERSION, Status.CHECKSUM, Status.SECTION)


def read_status(plan: bytes) -> Status:
    """Return what Python's reader says of a plan."""
    try:
        check_plan(plan)
    except PlanError as error:
        return error.status
    return Status.OK


@cache
def host() -> Host:
    return Host(build_network_engine())


def test_the_plans_for_the_mutations_are_sound_and_hold_every_operator(net_wasm: bytes) -> None:
    plans = [make_image_plan(), make_rare_plan()]
    assert [Status.OK] * 2 == [host().load_and_run(plan) for plan in plans]
    assert set(Code) == {operator.code for plan in plans for operator in read_plan(plan).operators}


@pytest.mark.parametrize("length", [0, 1, 127, 128, 1000, -4])
def test_a_cut_plan_is_refused(net_wasm: bytes, length: int) -> None:
    cut = make_image_plan()[:length]
    assert Status.TRUNCATED == host().load_and_run(cut)
    with pytest.raises(PlanError, match="shorter than its header says"):
        Network(net_wasm, cut)


@pytest.mark.parametrize(
    ("offset", "status"), [(0, Status.MAGIC), (4, Status.VERSION), (200, Status.CHECKSUM), (-40, Status.CHECKSUM)]
)
def test_a_changed_byte_is_refused(net_wasm: bytes, offset: int, status: Status) -> None:
    changed = bytearray(make_image_plan())
    changed[offset] ^= 1
    assert status == host().load_and_run(bytes(changed))


@pytest.mark.parametrize(("plan", "count", "seed"), [(make_image_plan, 3000, 1), (make_rare_plan, 2000, 2)])
def test_mutated_plans_end_normally_or_are_refused_and_python_agrees(
    plan: Callable[[], bytes], count: int, seed: int
) -> None:
    """scripts/fuzz_plans.py does a million of the same under sanitizers."""
    source = random.Random(seed)  # not for secrets
    for _ in range(count):
        mutant = mutate(plan(), source)
        status, structure = host().load_and_run(mutant), read_status(mutant)
        if structure in HEADER_FAULTS:
            assert structure == status
        elif structure != Status.OK:  # an earlier operator's own check may have refused it first, or memory
            assert status not in (Status.OK, *HEADER_FAULTS)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_is_always_found(place: int, bit: int) -> None:
    changed = bytearray(make_image_plan())
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
    plan = bytearray(make_image_plan())
    struct.pack_into("<I", plan, 28, 0xF0000000)
    with pytest.raises(PlanError, match="needs 4027 MB of memory"):
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
