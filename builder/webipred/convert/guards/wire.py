"""Protobuf messages as fields, read without a schema and without recursion; every length is checked first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

VARINT: Final = 0
EIGHT_BYTES: Final = 1
LENGTH: Final = 2
FOUR_BYTES: Final = 5
LONGEST_VARINT: Final = 10


class WireError(Exception):
    """The bytes are not a message."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its number, and its bytes (a message, text or packed numbers) or its number."""

    number: int
    value: "memoryview | int"


def read_fields(data: memoryview) -> Iterator[Field]:
    """Yield the fields of one message in order. Raises WireError at the first byte that does not fit."""
    position = 0
    while position < len(data):
        tag, position = _read_varint(data, position)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise WireError("field number 0")
        if kind == VARINT:
            value, position = _read_varint(data, position)
            yield Field(number, value)
            continue
        if kind == LENGTH:
            size, position = _read_varint(data, position)
        elif kind in (EIGHT_BYTES, FOUR_BYTES):
            size = 8 if kind == EIGHT_BYTES else 4
        else:
            raise WireError(f"wire type {kind}")
        if size > len(data) - position:
            raise WireError("a field is longer than its message")
        yield Field(number, data[position : position + size])
        position += size


def find_messages(data: memoryview, number: int) -> Iterator[memoryview]:
    """Yield every field of that number that has bytes."""
    for item in read_fields(data):
        if item.number == number and isinstance(item.value, memoryview):
            yield item.value


def _read_varint(data: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(LONGEST_VARINT):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, position
    raise WireError("a number does not end")
