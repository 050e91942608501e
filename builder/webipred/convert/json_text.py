"""Strict reading of untrusted JSON: size, depth, duplicate keys and non-finite numbers are refused."""

import json
import re
from typing import Final, TypeAlias

from webipred.errors import FindingsError, refuse

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_DEPTH: Final = 100
STRING_OR_BRACKET: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
DAMAGED: Final = "Get the file again from its origin, or export the model again."


def parse_json(data: bytes, where: str, max_bytes: int) -> JsonValue:
    """Return the value of a UTF-8 JSON text.

    Raises FindingsError: E-JSON-SIZE, E-JSON-DEPTH, E-JSON-DUPLICATE, E-JSON-BROKEN.
    """
    if len(data) > max_bytes:
        raise refuse("E-JSON-SIZE", where, f"the JSON text has {len(data)} bytes, the limit is {max_bytes}.", DAMAGED)
    if nesting_depth(data) > MAX_DEPTH:
        raise refuse("E-JSON-DEPTH", where, f"the JSON text is nested deeper than {MAX_DEPTH} levels.", DAMAGED)
    try:
        value: JsonValue = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=lambda pairs: _unique_object(pairs, where),
            parse_constant=lambda word: _refuse_constant(word, where),
        )
    except (ValueError, RecursionError) as error:
        raise refuse("E-JSON-BROKEN", where, f"this is not JSON: {error}.", DAMAGED) from error
    return value


def nesting_depth(data: bytes) -> int:
    """Return the deepest nesting of brackets outside of strings."""
    depth = deepest = 0
    for match in STRING_OR_BRACKET.finditer(data):
        first = match[0][:1]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _unique_object(pairs: list[tuple[str, JsonValue]], where: str) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise refuse("E-JSON-DUPLICATE", where, f"the key {repeated[:80]!r} stands twice in one object.", DAMAGED)
    return result


def _refuse_constant(word: str, where: str) -> FindingsError:
    raise refuse("E-JSON-BROKEN", where, f"{word} is not a JSON number.", DAMAGED)
