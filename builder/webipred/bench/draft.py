"""Drawing a convolutional network layer by layer, with made-up weights that keep its values in a sane range."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from webipred.convert.finishing import finish_network
from webipred.convert.graph import Attribute, GraphBuilder, Value
from webipred.convert.limits import ConversionLimits
from webipred.convert.model import INPUT_NAME
from webipred.convert.target import ConversionTarget

CHANNELS = 3
RELU_GAIN = 2.0
"""Variance of a weight times its fan-in that keeps the second moment through ReLU (He et al. 2015, equation 10)."""
EPSILON = 1e-3


class Draft:
    """A network for RGB images of `side` × `side` pixels; the weights depend on `seed` and the order of the layers."""

    def __init__(self, name: str, side: int, classes: int, seed: int) -> None:
        limits = ConversionLimits()
        self._target = ConversionTarget(
            entry_id=name, file=f"{name}.onnx", format="onnx", height=side, width=side, channels=CHANNELS,
            classes=classes, activation="softmax", limits=limits,
        )  # fmt: skip
        self._graph = GraphBuilder(name, limits)
        self._random = np.random.default_rng(seed)
        self.input = self._graph.as_planes(Value(name=INPUT_NAME, shape=(side, side, CHANNELS)))

    def convolve(
        self,
        x: Value,
        filters: int,
        kernel: int,
        *,
        stride: int = 1,
        pads: tuple[int, int] | None = None,
        groups: int = 1,
        gain: float = RELU_GAIN,
    ) -> Value:
        """Append a convolution without bias; `pads` before and after each axis, default: as many outputs as inputs."""
        height, width, channels = x.shape
        before, after = pads if pads is not None else (kernel // 2, kernel // 2)
        fan_in = channels // groups * kernel * kernel
        weights = self._constant("weights", self._draw((filters, channels // groups, kernel, kernel), gain / fan_in))
        rows, columns = ((size + before + after - kernel) // stride + 1 for size in (height, width))
        attributes: Mapping[str, Attribute] = {
            "kernel_shape": (kernel, kernel),
            "strides": (stride, stride),
            "pads": (before, before, after, after),
            "group": groups,
        }
        return self._emit("Conv", [x, weights], (rows, columns, filters), attributes)

    def normalise(self, x: Value, scale: float = 1.0) -> Value:
        """Append a batch normalisation with statistics near 0 and 1."""
        channels = x.shape[-1]
        gamma = scale * self._random.uniform(0.9, 1.1, channels)
        beta = self._random.uniform(-0.1, 0.1, channels)
        mean = self._random.uniform(-0.1, 0.1, channels)
        variance = self._random.uniform(0.9, 1.1, channels)
        names = [self._constant("statistics", value.astype(np.float32)) for value in (gamma, beta, mean, variance)]
        return self._emit("BatchNormalization", [x, *names], x.shape, {"epsilon": EPSILON})

    def rectify(self, x: Value, limit: float | None = None) -> Value:
        """Append ReLU, or a ReLU that ends at `limit`."""
        if limit is None:
            return self._emit("Relu", [x], x.shape)
        return self._emit("Clip", [x, self._graph.scalar("zero", 0), self._graph.scalar("limit", limit)], x.shape)

    def swish(self, x: Value) -> Value:
        """Append x · sigmoid(x)."""
        return self.multiply(x, self._emit("Sigmoid", [x], x.shape))

    def multiply(self, x: Value, y: Value) -> Value:
        return self._emit("Mul", [x, y], x.shape)

    def add(self, x: Value, y: Value) -> Value:
        return self._emit("Add", [x, y], x.shape)

    def concatenate(self, x: Value, y: Value) -> Value:
        """Join channels."""
        return self._emit("Concat", [x, y], (*x.shape[:2], x.shape[2] + y.shape[2]), {"axis": 1})

    def pool_largest(self, x: Value) -> Value:
        """Append a maximum over 3 × 3 pixels, stride 2."""
        attributes = {"kernel_shape": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1)}
        return self._emit("MaxPool", [x], (x.shape[0] // 2, x.shape[1] // 2, x.shape[2]), attributes)

    def pool_average(self, x: Value) -> Value:
        """Append an average over 2 × 2 pixels, stride 2."""
        attributes = {"kernel_shape": (2, 2), "strides": (2, 2)}
        return self._emit("AveragePool", [x], (x.shape[0] // 2, x.shape[1] // 2, x.shape[2]), attributes)

    def squeeze_and_excite(self, x: Value, hidden: int) -> Value:
        """Weigh channels by a gate of two 1 × 1 convolutions over their averages (Hu et al. 2018), with swish."""
        averages = self._emit("GlobalAveragePool", [x], (1, 1, x.shape[-1]))
        gate = self.convolve(self.swish(self.convolve(averages, hidden, 1)), x.shape[-1], 1)
        return self.multiply(x, self._emit("Sigmoid", [gate], gate.shape))

    def classify(self, x: Value, gain: float = 1.0) -> bytes:
        """Append average pooling, a dense layer and softmax; return the ONNX file in canonical form.

        A `gain` below 1 keeps the probabilities of large features away from 0 and 1.
        """
        channels, classes = x.shape[-1], self._target.classes
        averages = self._emit("GlobalAveragePool", [x], (1, 1, channels))
        flat = self._graph.emit("Flatten", [averages], (channels,), wish="averages", attributes={"axis": 1})
        weights = self._constant("head", self._draw((channels, classes), gain / channels))
        bias = self._constant("bias", np.zeros(classes, np.float32))
        scores = self._graph.emit("Gemm", [flat, weights, bias], (classes,), wish="scores")
        return finish_network(self._graph, scores, self._target)

    def _draw(self, shape: tuple[int, ...], variance: float) -> NDArray[np.float32]:
        return self._random.standard_normal(shape, np.float32) * np.float32(variance**0.5)

    def _constant(self, kind: str, value: NDArray[np.float32]) -> str:
        return self._graph.constant(f"{kind}.{len(self._graph.constants)}", value)

    def _emit(
        self,
        op: str,
        inputs: list[Value | str],
        shape: tuple[int, ...],
        attributes: Mapping[str, Attribute] | None = None,
    ) -> Value:
        return self._graph.emit(op, inputs, shape, wish=op.lower(), planes=True, attributes=attributes)
