"""Options: the config of one Keras layer, read key by key, so that no option is ever overlooked."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Never

from webipred.convert.json_text import JsonValue
from webipred.errors import refuse

# These keys say how a layer is trained or named; they do not change what it computes at prediction.
TRAINING_SUFFIXES: Final = ("_initializer", "_regularizer", "_constraint")
TRAINING_KEYS: Final = frozenset(
    [
        "name",
        "trainable",
        "activity_regularizer",
        "batch_input_shape",
        "batch_shape",
        "batch_size",
        "input_shape",
        "input_dtype",
        "autocast",
        "noise_shape",
        "seed",
        "weights",
    ]
)
LARGEST_SIZE: Final = 1 << 20
LARGEST_NUMBER: Final = 3.4e38  # beyond it float32 is infinite
EXPORT_FIX: Final = "Export the model without this option, or as ONNX."


class Options:
    """The config of one layer; `check_all_read` refuses every key that no reader asked for."""

    def __init__(self, config: Mapping[str, JsonValue], where: str) -> None:
        self._config = config
        self._where = where
        self._read = {key for key in config if key in TRAINING_KEYS or key.endswith(TRAINING_SUFFIXES)}

    def has(self, key: str) -> bool:
        """Whether the key stands in the config with a value other than null."""
        return self._config.get(key) is not None

    def raw(self, key: str, default: JsonValue = None) -> JsonValue:
        """Return a value of any type; null counts as absent."""
        self._read.add(key)
        value = self._config.get(key)
        return default if value is None else value

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self.raw(key, default)
        return value if isinstance(value, bool) else self._refuse_value(key, value, "true or false")

    def integer(self, key: str, default: int | None = None, least: int = 1) -> int:
        """Return a whole number of at least `least`; without a default the key is required."""
        value = self.raw(key, default)
        number = _whole(value, least)
        return number if number is not None else self._refuse_value(key, value, f"a whole number of at least {least}")

    def number(self, key: str, default: float | None = None) -> float:
        """Return a finite number; without a default the key is required."""
        value = self.raw(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
            self._refuse_value(key, value, "a finite number")
        return float(value)

    def pair(self, key: str, default: Sequence[int] | None = None) -> tuple[int, int]:
        """Return (vertical, horizontal), each at least 1; one number stands for both."""
        value = self.raw(key, list(default) if default is not None else None)
        sides = value if isinstance(value, list) else [value, value]
        numbers = [_whole(side, 1) for side in sides]
        if len(numbers) != 2 or not numbers[0] or not numbers[1]:
            self._refuse_value(key, value, "one or two whole numbers of at least 1")
        return numbers[0], numbers[1]

    def margins(self, key: str) -> tuple[int, int, int, int]:
        """Return (top, bottom, left, right) from the three notations of Keras: n, [v, h], [[t, b], [l, r]]."""
        value = self.raw(key, 1)
        axes = value if isinstance(value, list) else [value, value]
        pairs = [axis if isinstance(axis, list) else [axis, axis] for axis in axes]
        if len(pairs) != 2 or any(len(pair) != 2 for pair in pairs):
            self._refuse_value(key, value, "[[top, bottom], [left, right]]")
        flat = [side for pair in pairs for side in pair]
        if any(_whole(side, 0) is None for side in flat):
            self._refuse_value(key, value, "whole numbers of at least 0")
        top, bottom, left, right = (side for side in flat if isinstance(side, int))
        return top, bottom, left, right

    def word(self, key: str, allowed: Iterable[str], default: str) -> str:
        """Return one of the allowed words."""
        value = self.raw(key, default)
        if not isinstance(value, str) or value not in allowed:
            self._refuse_value(key, value, " or ".join(allowed))
        return value

    def require(self, key: str, *allowed: JsonValue) -> None:
        """Refuse any value but the allowed ones; absent and null are always allowed."""
        value = self.raw(key)
        if value is not None and not any(
            value == good and isinstance(value, bool) == isinstance(good, bool) for good in allowed
        ):
            self._refuse_value(key, value, " or ".join(map(repr, allowed)) or "null")

    def discard(self, *keys: str) -> None:
        """Read keys of training that do not change a prediction."""
        self._read.update(keys)

    def discard_all(self) -> None:
        """Read every key, for a layer that passes its input on at prediction whatever they say."""
        self._read.update(self._config)

    def check_all_read(self) -> None:
        """Refuse keys that nobody read: an unknown option might change the numbers."""
        unread = sorted(set(self._config) - self._read)
        unread = [key for key in unread if self._config[key] is not None]
        if unread:
            shown = ", ".join(f"{key[:60]}={_shorten(self._config[key])}" for key in unread[:5])
            raise refuse(
                "E-CONVERT-OPTION",
                self._where,
                f"unknown to this converter: {shown}; it might change the result.",
                EXPORT_FIX,
            )

    def _refuse_value(self, key: str, value: JsonValue, wanted: str) -> Never:
        shown = "missing" if value is None else _shorten(value)
        raise refuse("E-CONVERT-OPTION", self._where, f"{key} is {shown}, only {wanted} is converted.", EXPORT_FIX)


def _whole(value: JsonValue, least: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if value == int(value) and least <= value <= LARGEST_SIZE else None


def _shorten(value: JsonValue) -> str:
    text = ascii(value)
    return text if len(text) <= 80 else text[:80] + "…"
