"""Plans are read back as they were written, and refused by the name of what is wrong."""

import struct

import pytest

from plans import make_image_plan, repair
from webipred.engine.compiler.plan_format import HEADER_BYTES, NO_TENSOR, TENSOR_BYTES, Status, write_plan
from webipred.engine.compiler.plan_reading import PlanError, check_plan, read_plan


def change(place: int, word: int) -> bytes:
    """Return the plan with one word changed and right sums."""
    plan = bytearray(make_image_plan())
    struct.pack_into("<I", plan, place, word)
    return repair(bytes(plan))


def test_a_plan_that_is_read_and_written_is_the_same_file() -> None:
    assert make_image_plan() == write_plan(read_plan(make_image_plan()))


def test_bytes_behind_the_plan_do_not_matter() -> None:
    assert read_plan(make_image_plan()) == read_plan(make_image_plan() + bytes(1))


@pytest.mark.parametrize("length", [0, 127, 128, -4])
def test_a_cut_plan_is_refused(length: int) -> None:
    with pytest.raises(PlanError, match="shorter than its header says"):
        check_plan(make_image_plan()[:length])


FIRST_TENSOR = HEADER_BYTES


@pytest.mark.parametrize(
    ("place", "word", "status"),
    [
        (0, 1, Status.MAGIC),
        (4, 2, Status.VERSION),
        (20, 0, Status.SECTION),
        (32, 1, Status.SECTION),
        (36, 0xFFFFFFFC, Status.SECTION),
        (48, 9999, Status.OPERAND),
        (FIRST_TENSOR, 3, Status.TENSOR),
        (FIRST_TENSOR + 4, 0xFFFFFFFC, Status.TENSOR),
        (FIRST_TENSOR + 8, 7, Status.TENSOR),
        (FIRST_TENSOR + 12, 0, Status.TENSOR),
        (FIRST_TENSOR + 16, 1 << 28, Status.TENSOR),
        (FIRST_TENSOR + 36, 1 << 20, Status.TENSOR),
    ],
)
def test_a_number_out_of_range_is_refused_by_name(place: int, word: int, status: Status) -> None:
    with pytest.raises(PlanError) as caught:
        check_plan(change(place, word))
    assert status == caught.value.status


@pytest.mark.parametrize(
    ("word", "value", "status"), [(0, 0, Status.OPERATOR), (1, 9999, Status.OPERAND), (6, NO_TENSOR, Status.OPERAND)]
)
def test_an_operator_that_points_nowhere_is_refused(word: int, value: int, status: Status) -> None:
    start = HEADER_BYTES + len(read_plan(make_image_plan()).tensors) * TENSOR_BYTES
    with pytest.raises(PlanError) as caught:
        check_plan(change(start + 4 * word, value))
    assert status == caught.value.status


def test_a_result_in_the_weights_is_refused() -> None:
    plan = read_plan(make_image_plan())
    weights = next(number for number, tensor in enumerate(plan.tensors) if tensor.space != 0)
    start = HEADER_BYTES + len(plan.tensors) * TENSOR_BYTES
    with pytest.raises(PlanError) as caught:
        check_plan(change(start + 24, weights))
    assert Status.OPERAND == caught.value.status
