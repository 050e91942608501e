"""A bounded reader of FlatBuffers: every offset is checked against the buffer before a byte is read.

Layout after the FlatBuffers internals document: a table starts with the signed distance to its vtable; the vtable
holds its own size, the table's size and one 16-bit offset per field (0: absent, the default holds); vectors start
with their length.
"""

import struct
from collections.abc import Iterator
from typing import Final

from webipred.errors import FindingsError, refuse

DAMAGED_FIX: Final = "The file is damaged, cut off or made to do harm; get it again from its origin."
LARGEST_VTABLE: Final = 1 << 10


class Buffer:
    """The bytes of one file, how much of them may be read, and where findings point to.

    Vectors may overlap in a hostile file, so that few bytes could stand for a huge structure: `budget` counts elements.
    """

    def __init__(self, data: bytes, where: str, budget: int) -> None:
        self.data = memoryview(data)
        self.where = where
        self._budget = budget

    def unpack(self, kind: str, position: int) -> int | float:
        """Return one little-endian number of the `struct` kind. Raises FindingsError beyond the buffer."""
        self.check(position, struct.calcsize(kind))
        number: int | float = struct.unpack_from("<" + kind, self.data, position)[0]
        return number

    def integer(self, kind: str, position: int) -> int:
        """Return one whole number."""
        return int(self.unpack(kind, position))

    def check(self, position: int, size: int) -> None:
        """Refuse a range that is not wholly inside of the buffer."""
        if not 0 <= position <= position + size <= len(self.data):
            raise self.refuse(f"it points to bytes {position} to {position + size} of {len(self.data)}")

    def spend(self, elements: int) -> None:
        """Count elements that are read."""
        self._budget -= elements
        if self._budget < 0:
            raise self.refuse("its structure repeats itself without end")

    def root(self) -> "Table":
        """Return the outermost table."""
        return Table(self, self.integer("I", 0))

    def refuse(self, what: str) -> FindingsError:
        """Return the refusal of damaged bytes."""
        return refuse("E-FLATBUFFER-DAMAGED", self.where, f"the file is not a sound FlatBuffer: {what}.", DAMAGED_FIX)


class Table:
    """One table; fields are read by their number in the schema. `unread` tells which present ones nobody asked for."""

    def __init__(self, buffer: Buffer, position: int) -> None:
        self._buffer = buffer
        self._position = position
        buffer.spend(1)
        vtable = position - buffer.integer("i", position)
        size, extent = buffer.integer("H", vtable), buffer.integer("H", vtable + 2)
        if size < 4 or size % 2 or size > LARGEST_VTABLE or extent < 4:
            raise buffer.refuse(f"a vtable of {size} bytes describes a table of {extent} bytes")
        buffer.check(vtable, size)
        buffer.check(position, extent)
        self._extent = extent
        self._offsets = [buffer.integer("H", vtable + 4 + 2 * number) for number in range((size - 4) // 2)]
        self._read: set[int] = set()

    def integer(self, field: int, kind: str, default: int = 0) -> int:
        """Return a whole number of the `struct` kind (b, B, h, H, i, I, q, Q)."""
        position = self._find(field, struct.calcsize(kind))
        return default if position is None else self._buffer.integer(kind, position)

    def number(self, field: int, default: float = 0.0) -> float:
        """Return a float32."""
        position = self._find(field, 4)
        return default if position is None else float(self._buffer.unpack("f", position))

    def flag(self, field: int) -> bool:
        """Return a boolean, false by default."""
        return bool(self.integer(field, "B"))

    def table(self, field: int) -> "Table | None":
        """Return an inner table, or None."""
        position = self._follow(field)
        return None if position is None else Table(self._buffer, position)

    def tables(self, field: int) -> "list[Table]":
        """Return a vector of tables; an absent one is empty."""
        starts = self._elements(field, 4)
        return [Table(self._buffer, start + self._buffer.integer("I", start)) for start in starts]

    def integers(self, field: int, kind: str = "i") -> list[int]:
        """Return a vector of whole numbers; an absent one is empty."""
        return [self._buffer.integer(kind, start) for start in self._elements(field, struct.calcsize(kind))]

    def numbers(self, field: int) -> list[float]:
        """Return a vector of float32; an absent one is empty."""
        return [float(self._buffer.unpack("f", start)) for start in self._elements(field, 4)]

    def has(self, field: int) -> bool:
        """Whether a field is written out."""
        return field < len(self._offsets) and self._offsets[field] != 0

    def raw(self, field: int) -> memoryview:
        """Return the bytes of a vector of bytes, without copying; an absent one is empty."""
        position = self._follow(field)
        if position is None:
            return self._buffer.data[:0]
        length = self._buffer.integer("I", position)
        self._buffer.check(position + 4, length)
        return self._buffer.data[position + 4 : position + 4 + length]

    def text(self, field: int) -> str:
        """Return a text; bytes that are not UTF-8 are replaced."""
        raw = self.raw(field)
        self._buffer.spend(len(raw))
        return bytes(raw).decode("utf-8", "replace")

    def unread(self) -> list[int]:
        """Return the numbers of the fields that are written out and that nobody asked for."""
        return [number for number, offset in enumerate(self._offsets) if offset and number not in self._read]

    def _find(self, field: int, size: int) -> int | None:
        self._read.add(field)
        offset = self._offsets[field] if field < len(self._offsets) else 0
        if not offset:
            return None
        if offset + size > self._extent:
            raise self._buffer.refuse(f"field {field} lies outside of its table")
        return self._position + offset

    def _follow(self, field: int) -> int | None:
        position = self._find(field, 4)
        return None if position is None else position + self._buffer.integer("I", position)

    def _elements(self, field: int, size: int) -> Iterator[int]:
        position = self._follow(field)
        if position is None:
            return iter(())
        length = self._buffer.integer("I", position)
        self._buffer.check(position + 4, length * size)
        self._buffer.spend(length)
        return iter(range(position + 4, position + 4 + length * size, size))
