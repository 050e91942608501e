"""Guard of TFLite: offsets inside the file, no operator from elsewhere, nothing appended.

Flatbuffers are read in place, so that a wrong offset reads anywhere; every one is checked here before it is followed.
"""

import struct
from typing import Final

from webipred.errors import FindingsError, refuse

IDENTIFIER: Final = b"TFL3"
ZIP_END: Final = b"PK\x05\x06"
MAX_ITEMS: Final = 200_000
OPERATOR_CODES, SUBGRAPHS, BUFFERS = 1, 2, 4
TENSORS, OPERATORS = 0, 3
CUSTOM_CODE, OLD_CODE, CODE = 1, 0, 3
TENSOR_SHAPE, OPERATOR_INPUTS, OPERATOR_OUTPUTS, BUFFER_DATA = 0, 1, 2, 0
CUSTOM: Final = 32
EXPORT_FIX: Final = "Convert the model again with TFLiteConverter and its built-in operators alone."


class _OffsetError(Exception):
    """An offset that leads out of the file."""


def check_tflite(data: bytes, where: str) -> None:
    """Raise FindingsError: E-TFLITE-BROKEN, -CUSTOM (custom and flex operators), -APPENDED (a zip behind the model)."""
    if data[4:8] != IDENTIFIER:
        raise refuse("E-TFLITE-BROKEN", where, "the file does not say TFL3.", "Check source.file and format.")
    if ZIP_END in data[-66_000:]:
        what = "a zip archive is appended to the model; what it holds is not looked at here."
        raise refuse("E-TFLITE-APPENDED", where, what, "Publish the model without associated files.")
    try:
        custom = _Walk(data).find_custom()
    except (_OffsetError, struct.error) as error:
        what = f"an offset leads out of the file ({error})."
        raise refuse("E-TFLITE-BROKEN", where, what, "The file is damaged; get it again from its origin.") from error
    if custom is not None:
        raise _refuse_custom(custom, where)


def _refuse_custom(name: str, where: str) -> FindingsError:
    what = f"the operator {name[:80]!a} is a custom one; its code is not in the file."
    return refuse("E-TFLITE-CUSTOM", where, what, EXPORT_FIX)


class _Walk:
    """Follows the offsets that a converter would follow."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._items = 0

    def find_custom(self) -> str | None:
        """Return the name of the first custom operator, or None. Raises _OffsetError."""
        model = self._follow(0)
        custom = None
        for code in self._list_tables(model, OPERATOR_CODES):
            custom = custom or self._read_custom(code)
        for graph in self._list_tables(model, SUBGRAPHS):
            for table in self._list_tables(graph, TENSORS):
                self._check_vector(table, TENSOR_SHAPE, 4)
            for table in self._list_tables(graph, OPERATORS):
                self._check_vector(table, OPERATOR_INPUTS, 4)
                self._check_vector(table, OPERATOR_OUTPUTS, 4)
        for buffer in self._list_tables(model, BUFFERS):
            self._check_vector(buffer, BUFFER_DATA, 1)
        return custom

    def _read_custom(self, code: int) -> str | None:
        numbers = [self._read_small(code, OLD_CODE, "b"), self._read_small(code, CODE, "i")]
        field = self._find(code, CUSTOM_CODE)
        if field is None:
            return "CUSTOM" if CUSTOM in numbers else None
        start = self._follow(field)
        size = self._read("I", start)
        return bytes(self._take(start + 4, size)).decode("utf-8", "backslashreplace")

    def _list_tables(self, table: int, field: int) -> list[int]:
        at = self._find(table, field)
        if at is None:
            return []
        start = self._follow(at)
        count = self._read("I", start)
        self._take(start + 4, 4 * count)
        self._items += count
        if self._items > MAX_ITEMS:
            raise _OffsetError(f"more than {MAX_ITEMS} objects")
        return [self._follow(start + 4 + 4 * number) for number in range(count)]

    def _check_vector(self, table: int, field: int, item: int) -> None:
        at = self._find(table, field)
        if at is not None:
            start = self._follow(at)
            self._take(start + 4, item * self._read("I", start))

    def _read_small(self, table: int, field: int, kind: str) -> int:
        at = self._find(table, field)
        return self._read(kind, at) if at is not None else 0

    def _find(self, table: int, field: int) -> int | None:
        vtable = table - self._read("i", table)
        size = self._read("H", vtable)
        self._take(vtable, size)
        slot = 4 + 2 * field
        offset = self._read("H", vtable + slot) if slot + 2 <= size else 0
        if offset:
            self._take(table + offset, 1)
        return table + offset if offset else None

    def _follow(self, at: int) -> int:
        target = at + self._read("I", at)
        self._take(target, 4)
        return target

    def _read(self, kind: str, at: int) -> int:
        size = struct.calcsize(f"<{kind}")
        return int(struct.unpack(f"<{kind}", self._take(at, size))[0])

    def _take(self, at: int, size: int) -> bytes:
        if at < 0 or size < 0 or at + size > len(self._data):
            raise _OffsetError(f"{size} bytes at {at} of {len(self._data)}")
        return self._data[at : at + size]
