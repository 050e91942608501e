"""The network under construction: nodes, constants and values with known shapes."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from webipred.convert.limits import ConversionLimits
from webipred.convert.model import INPUT_NAME, OUTPUT_NAME
from webipred.errors import refuse

Array: TypeAlias = NDArray[np.generic]
Attribute: TypeAlias = "int | float | str | Sequence[int] | Sequence[float]"

FLOAT_BYTES: Final = 4
TO_PLANES: Final = (0, 3, 1, 2)
FROM_PLANES: Final = (0, 2, 3, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One ONNX operator of the default domain."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A float32 tensor of batch 1: `shape` without the batch, in Keras order (height, width, channel).

    `planes` says that the stored order is (batch, channel, height, width) although `shape` stays as it is.
    """

    name: str
    shape: tuple[int, ...]
    planes: bool = False


class GraphBuilder:
    """Collects nodes and constants, gives every tensor a unique plain name and watches the size budget."""

    def __init__(self, where: str, limits: ConversionLimits) -> None:
        self.where = where
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self._limits = limits
        self._names: set[str] = {INPUT_NAME, OUTPUT_NAME}
        self._transposed: dict[tuple[str, bool], Value] = {}
        self._total_bytes = 0

    def claim_name(self, wish: str) -> str:
        """Return `wish`, reduced to plain characters, with a number behind it if it is taken."""
        plain = re.sub(r"[^A-Za-z0-9_./-]", "_", wish)[:100] or "value"
        name, number = plain, 1
        while name in self._names:
            number += 1
            name = f"{plain}_{number}"
        self._names.add(name)
        return name

    def constant(self, wish: str, value: Array) -> str:
        """Store a constant and return its name; the same array under the same wish is stored once."""
        present = self.constants.get(wish)
        if present is not None and present.dtype == value.dtype and np.array_equal(present, value):
            return wish
        self._spend(value.nbytes, f"the constant {wish}")
        name = self.claim_name(wish)
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def scalar(self, wish: str, number: float) -> str:
        """Store one float32 number."""
        return self.constant(wish, np.array(number, np.float32))

    def integers(self, wish: str, numbers: Sequence[int]) -> str:
        """Store a list of int64 numbers."""
        return self.constant(wish, np.array(numbers, np.int64))

    def emit(
        self,
        op: str,
        inputs: Sequence[Value | str],
        shape: Sequence[int],
        *,
        wish: str,
        planes: bool = False,
        attributes: Mapping[str, Attribute] | None = None,
    ) -> Value:
        """Append a node with one output and return its value. Raises FindingsError beyond the budgets."""
        self._spend(math.prod(shape) * FLOAT_BYTES, f"{op} {wish}, whose result has the shape {tuple(shape)},")
        if len(self.nodes) >= self._limits.nodes:
            raise refuse("E-CONVERT-SIZE", self.where, f"the network has more than {self._limits.nodes} nodes.")
        names = tuple(value.name if isinstance(value, Value) else value for value in inputs)
        output = self.claim_name(wish)
        self.nodes.append(Node(op=op, inputs=names, outputs=(output,), attributes=dict(attributes or {})))
        return Value(name=output, shape=tuple(shape), planes=planes)

    def append(
        self,
        op: str,
        inputs: Sequence[str],
        wishes: Sequence[str],
        sizes_bytes: Sequence[int],
        attributes: Mapping[str, Attribute],
    ) -> list[str]:
        """Append a node with any number of outputs, as it stands in an ONNX file; return the names of its outputs."""
        if len(self.nodes) >= self._limits.nodes:
            raise refuse("E-CONVERT-SIZE", self.where, f"the network has more than {self._limits.nodes} nodes.")
        for wish, size in zip(wishes, sizes_bytes, strict=True):
            self._spend(size, f"{op} {wish[:80]}")
        outputs = [self.claim_name(wish) if wish else "" for wish in wishes]
        self.nodes.append(Node(op=op, inputs=tuple(inputs), outputs=tuple(outputs), attributes=dict(attributes)))
        return outputs

    def as_planes(self, value: Value) -> Value:
        """Return the value in (batch, channel, height, width) order; ranks other than 3 stay as they are."""
        return value if value.planes or len(value.shape) != 3 else self._transpose(value, TO_PLANES)

    def as_pixels(self, value: Value) -> Value:
        """Return the value in (batch, height, width, channel) order."""
        return self._transpose(value, FROM_PLANES) if value.planes else value

    def _transpose(self, value: Value, order: tuple[int, ...]) -> Value:
        key = (value.name, value.planes)
        if key not in self._transposed:
            planes = not value.planes
            turned = self.emit(
                "Transpose",
                [value],
                value.shape,
                wish=f"{value.name}.{'nchw' if planes else 'nhwc'}",
                planes=planes,
                attributes={"perm": order},
            )
            self._transposed[key] = turned
            self._transposed[turned.name, planes] = value
        return self._transposed[key]

    def _spend(self, size_bytes: int, what: str) -> None:
        self._total_bytes += size_bytes
        if size_bytes > self._limits.tensor_bytes:
            raise refuse(
                "E-CONVERT-SIZE",
                self.where,
                f"{what} needs {size_bytes} bytes, more than {self._limits.tensor_bytes}.",
                "Publish the model for a smaller input.",
            )
        if self._total_bytes > self._limits.total_bytes:
            raise refuse(
                "E-CONVERT-SIZE",
                self.where,
                f"the tensors of the network need more than {self._limits.total_bytes} bytes together (at {what}).",
                "Publish the model for a smaller input.",
            )
