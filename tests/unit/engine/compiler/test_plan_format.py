"""The plan's bytes, as docs/engine.md describes them."""

import struct

import pytest

from webipred.engine.compiler.plan_format import (
    Code,
    Operator,
    Plan,
    Space,
    Tensor,
    checksum,
    join_sections,
    word_of,
    write_plan,
)


def make_plan(outputs: tuple[int, ...] = (1,)) -> Plan:
    tensors = (
        Tensor(space=Space.ARENA, offset=0, dims=(1, 4), stride=4),
        Tensor(space=Space.ARENA, offset=64, dims=(1, 4), stride=8),
    )
    operator = Operator(code=Code.UNARY, inputs=(0,), output=1, parameters=(1, -1.0, 2.0))
    return Plan(
        tensors=tensors, operators=(operator,), arena_bytes=128, full=b"\1\2\3\4", half=b"", input=0, outputs=outputs
    )


def test_the_header_tells_where_everything_is() -> None:
    data = write_plan(make_plan())
    header = struct.unpack_from("<32I", data)
    assert (b"WPLN", 1, len(data)) == (data[:4], header[1], header[2])
    assert (2, 1, 128) == header[5:8]
    assert b"\1\2\3\4" == data[header[8] : header[8] + header[9]]
    assert 0 == header[8] % 64


def test_tensors_and_operators_follow_the_header() -> None:
    data = write_plan(make_plan())
    assert (0, 64, 2, 1, 4, 0, 0, 0, 0, 8, 0, 0) == struct.unpack_from("<12I", data, 128 + 48)
    words = struct.unpack_from("<32I", data, 128 + 96)
    assert (Code.UNARY, 0, 0xFFFFFFFF, 1, 1) == (words[0], words[1], words[2], words[6], words[7])
    assert 2.0 == struct.unpack_from("<f", data, 128 + 96 + 4 * 9)[0]


def test_the_sums_cover_everything_behind_them() -> None:
    data = write_plan(make_plan())
    assert struct.unpack_from("<2I", data, 12) == checksum(data)
    changed = bytearray(data)
    changed[-1] ^= 1
    assert checksum(data) != checksum(changed)


def test_two_changes_that_keep_the_sum_change_the_weighted_one() -> None:
    data = bytearray(write_plan(make_plan()))
    swapped = bytearray(data)
    swapped[24:28], swapped[28:32] = data[28:32], data[24:28]
    assert checksum(data)[0] == checksum(swapped)[0]
    assert checksum(data)[1] != checksum(swapped)[1]


@pytest.mark.parametrize("outputs", [(), tuple(range(9))])
def test_a_plan_has_one_to_eight_outputs(outputs: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="1 to 8 outputs"):
        write_plan(make_plan(outputs))


def test_parts_of_a_section_are_aligned() -> None:
    assert (b"a" + bytes(63) + b"b", (0, 64)) == join_sections([b"a", b"b"])


def test_floats_are_stored_as_their_bits() -> None:
    assert (3, 0x3F800000) == (word_of(3), word_of(1.0))
