"""Classifiers as PyTorch exports them, with seeded weights: full size by default, narrower and shallower on request."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import NodeProto

from networks import Floats, floats, make_model, node


@dataclass
class Builder:
    """Collects nodes and constants; images are (batch, channel, height, width)."""

    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)
    channels: dict[str, int] = field(default_factory=dict)

    def name(self, stem: str) -> str:
        return f"{stem}{len(self.nodes) + len(self.constants)}"

    def constant(self, value: np.ndarray[Any, Any]) -> str:
        name = self.name("c")
        self.constants[name] = value
        return name

    def normal(self, *shape: int, scale: float = 1.0, offset: float = 0.0) -> str:
        return self.constant((self.random.standard_normal(shape) * scale + offset).astype(np.float32))

    def add(self, op: str, *inputs: str, channels: int | None = None, **attributes: Any) -> str:
        output = self.name(op.lower())
        self.nodes.append(node(op, inputs, output, **attributes))
        known = [self.channels[name] for name in inputs if name in self.channels]
        self.channels[output] = channels if channels is not None else (known or [0])[0]
        return output

    def start(self) -> str:
        return self.add("Transpose", "input", channels=3, perm=[0, 3, 1, 2])

    def convolve(
        self,
        x: str,
        outputs: int,
        kernel: int,
        stride: int = 1,
        group: int = 1,
        pad: int | None = None,
        bias: bool = False,
    ) -> str:
        inputs = self.channels[x] // group
        weights = self.normal(outputs, inputs, kernel, kernel, scale=(1.5 / (inputs * kernel * kernel)) ** 0.5)
        extra = [self.normal(outputs, scale=0.1)] if bias else []
        pads = [kernel // 2 if pad is None else pad] * 4
        return self.add("Conv", x, weights, *extra, channels=outputs, strides=[stride] * 2, pads=pads, group=group)

    def normalise(self, x: str, gain: float = 1.0) -> str:
        count = self.channels[x]
        statistics = [
            self.normal(count, scale=0.1 * gain, offset=gain),
            self.normal(count, scale=0.1),
            self.normal(count, scale=0.1),
        ]
        variance = self.constant(self.random.uniform(0.5, 1.5, count).astype(np.float32))
        return self.add("BatchNormalization", x, *statistics, variance)

    def swish(self, x: str) -> str:
        return self.add("Mul", x, self.add("Sigmoid", x))

    def activate(self, x: str, kind: str) -> str:
        return self.swish(x) if kind == "Swish" else self.add(kind, x)

    def excite(self, x: str, hidden: int, inner: str, outer: str) -> str:
        """Squeeze and excitation (Hu et al. 2018)."""
        squeezed = self.add("ReduceMean", x, self.constant(np.array([2, 3])), keepdims=1)
        reduced = self.activate(self.convolve(squeezed, hidden, 1, bias=True), inner)
        gate = self.convolve(reduced, self.channels[x], 1, bias=True)
        slope: dict[str, Any] = {"alpha": 1 / 6, "beta": 0.5} if outer == "HardSigmoid" else {}
        return self.add("Mul", x, self.add(outer, gate, **slope))

    def dense(self, x: str, inputs: int, outputs: int) -> str:
        matrix = self.normal(inputs, outputs, scale=inputs**-0.5)
        return self.add("Add", self.add("MatMul", x, matrix), self.normal(outputs, scale=0.02))

    def layer_norm(self, x: str, width: int) -> str:
        tables = [self.normal(width, scale=0.1, offset=1), self.normal(width, scale=0.1)]
        return self.add("LayerNormalization", x, *tables, epsilon=1e-6)

    def gelu(self, x: str) -> str:
        """As PyTorch's exporter spells it."""
        error = self.add("Erf", self.add("Div", x, self.constant(floats(2**0.5))))
        half = self.add("Mul", x, self.add("Add", error, self.constant(floats(1))))
        return self.add("Mul", half, self.constant(floats(0.5)))

    def reshape(self, x: str, *shape: int) -> str:
        return self.add("Reshape", x, self.constant(np.array(shape)))

    def finish(self, x: str, size: int, classes: int, inputs: int, gain: float = 3.0) -> bytes:
        """Add head and softmax; x is (1, inputs). `gain` makes logits spread, so that probabilities are no flat row."""
        weights, bias = self.normal(classes, inputs, scale=gain * inputs**-0.5), self.normal(classes, scale=0.1)
        self.nodes.append(node("Gemm", [x, weights, bias], "logits", transB=1))
        self.nodes.append(node("Softmax", ["logits"], "output", axis=-1))
        return make_model(self.nodes, (1, size, size, 3), self.constants)

    def pool(self, x: str) -> str:
        return self.add("Flatten", self.add("GlobalAveragePool", x))


def make_vision_transformer(
    size: int = 224, patch: int = 16, width: int = 768, depth: int = 12, heads: int = 12, classes: int = 1000
) -> bytes:
    """ViT-B/16 (Dosovitskiy et al. 2021)."""
    net = Builder()
    side = size // patch
    patches = net.convolve(net.start(), width, patch, stride=patch, pad=0, bias=True)
    rows = net.add("Transpose", net.reshape(patches, 1, width, side * side), perm=[0, 2, 1])
    x = net.add("Concat", net.normal(1, 1, width, scale=0.02), rows, axis=1)
    tokens, each = side * side + 1, width // heads
    x = net.add("Add", x, net.normal(1, tokens, width, scale=0.02))
    for _ in range(depth):
        normed = net.layer_norm(x, width)
        packed = net.reshape(net.dense(normed, width, 3 * width), 1, tokens, 3, heads, each)
        turned = net.add("Transpose", packed, perm=[2, 0, 3, 1, 4])
        q, k, v = (net.add("Gather", turned, net.constant(np.array(part)), axis=0) for part in range(3))
        scores = net.add("MatMul", q, net.add("Transpose", k, perm=[0, 1, 3, 2]))
        weights = net.add("Softmax", net.add("Mul", scores, net.constant(floats(each**-0.5))), axis=-1)
        joined = net.add("Transpose", net.add("MatMul", weights, v), perm=[0, 2, 1, 3])
        x = net.add("Add", x, net.dense(net.reshape(joined, 1, tokens, width), width, width))
        hidden = net.gelu(net.dense(net.layer_norm(x, width), width, 4 * width))
        x = net.add("Add", x, net.dense(hidden, 4 * width, width))
    first = net.add("Gather", net.layer_norm(x, width), net.constant(np.array(0)), axis=1)
    return net.finish(first, size, classes, width)


def make_convnext(
    size: int = 224,
    widths: Sequence[int] = (96, 192, 384, 768),
    depths: Sequence[int] = (3, 3, 9, 3),
    classes: int = 1000,
) -> bytes:
    """ConvNeXt-Tiny (Liu et al. 2022); its two-dimensional layer normalisation is spelled out."""
    net = Builder()
    x = spell_norm(net, net.convolve(net.start(), widths[0], 4, stride=4, pad=0, bias=True))
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        if stage:
            x = net.convolve(spell_norm(net, x), width, 2, stride=2, pad=0, bias=True)
        for _ in range(depth):
            deep = net.convolve(x, width, 7, group=width, bias=True)
            rows = net.layer_norm(net.add("Transpose", deep, perm=[0, 2, 3, 1]), width)
            hidden = net.gelu(net.dense(rows, width, 4 * width))
            scaled = net.add("Mul", net.dense(hidden, 4 * width, width), net.normal(width, scale=0.3))
            x = net.add("Add", net.add("Transpose", scaled, perm=[0, 3, 1, 2]), x)
            net.channels[x] = width
    pooled = net.layer_norm(net.pool(x), widths[-1])
    return net.finish(pooled, size, classes, widths[-1])


def spell_norm(net: Builder, x: str) -> str:
    """Layer normalisation over channels as arithmetic."""
    axes, count = net.constant(np.array([1])), net.channels[x]
    distance = net.add("Sub", x, net.add("ReduceMean", x, axes, keepdims=1))
    square = net.add("Pow", distance, net.constant(floats(2)))
    variance = net.add("Add", net.add("ReduceMean", square, axes, keepdims=1), net.constant(floats(1e-6)))
    normed = net.add("Div", distance, net.add("Sqrt", variance))
    scaled = net.add("Mul", net.normal(count, 1, 1, scale=0.1, offset=1), normed, channels=count)
    return net.add("Add", scaled, net.normal(count, 1, 1, scale=0.1), channels=count)


def make_resnext(
    size: int = 224, depths: Sequence[int] = (3, 4, 6, 3), groups: int = 32, base: int = 128, classes: int = 1000
) -> bytes:
    """ResNeXt-50 32×4d (Xie et al. 2017)."""
    net = Builder()
    x = net.add("Relu", net.normalise(net.convolve(net.start(), base // 2, 7, stride=2)))
    x = net.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for stage, depth in enumerate(depths):
        inner = base << stage
        for block in range(depth):
            stride = 2 if stage and not block else 1
            y = net.add("Relu", net.normalise(net.convolve(x, inner, 1)))
            y = net.add("Relu", net.normalise(net.convolve(y, inner, 3, stride=stride, group=groups)))
            y = net.normalise(net.convolve(y, 2 * inner, 1), gain=0.2)
            shortcut = x if block else net.normalise(net.convolve(x, 2 * inner, 1, stride=stride))
            x = net.add("Relu", net.add("Add", y, shortcut))
    return net.finish(net.pool(x), size, classes, net.channels[x])


EFFICIENT_STAGES = (
    (False, 1, 24, 1, 2), (False, 4, 48, 2, 4), (False, 4, 64, 2, 4), (True, 4, 128, 2, 6), (True, 6, 160, 1, 9),
    (True, 6, 256, 2, 15),
)  # fmt: skip
"""EfficientNetV2-S: squeeze and excitation, expansion, channels, stride, blocks."""


def make_efficientnet(
    size: int = 300,
    stages: Sequence[tuple[bool, int, int, int, int]] = EFFICIENT_STAGES,
    last: int = 1280,
    classes: int = 1000,
) -> bytes:
    """EfficientNetV2-S (Tan & Le 2021)."""
    net = Builder()
    x = net.swish(net.normalise(net.convolve(net.start(), stages[0][2], 3, stride=2)))
    for excited, expansion, width, first_stride, depth in stages:
        for block in range(depth):
            stride, inputs = first_stride if not block else 1, net.channels[x]
            hidden = inputs * expansion
            if excited:
                y = net.swish(net.normalise(net.convolve(x, hidden, 1)))
                y = net.swish(net.normalise(net.convolve(y, hidden, 3, stride=stride, group=hidden)))
                y = net.normalise(
                    net.convolve(net.excite(y, max(1, inputs // 4), "Swish", "Sigmoid"), width, 1), gain=0.3
                )
            elif expansion == 1:
                y = net.swish(net.normalise(net.convolve(x, width, 3, stride=stride)))
            else:
                y = net.swish(net.normalise(net.convolve(x, hidden, 3, stride=stride)))
                y = net.normalise(net.convolve(y, width, 1), gain=0.3)
            x = net.add("Add", y, x) if stride == 1 and inputs == width else y
    x = net.swish(net.normalise(net.convolve(x, last, 1)))
    return net.finish(net.pool(x), size, classes, last, gain=9.0)


MOBILE_BLOCKS = (
    (3, 16, 16, False, "Relu", 1), (3, 64, 24, False, "Relu", 2), (3, 72, 24, False, "Relu", 1),
    (5, 72, 40, True, "Relu", 2), (5, 120, 40, True, "Relu", 1), (5, 120, 40, True, "Relu", 1),
    (3, 240, 80, False, "HardSwish", 2), (3, 200, 80, False, "HardSwish", 1), (3, 184, 80, False, "HardSwish", 1),
    (3, 184, 80, False, "HardSwish", 1), (3, 480, 112, True, "HardSwish", 1), (3, 672, 112, True, "HardSwish", 1),
    (5, 672, 160, True, "HardSwish", 2), (5, 960, 160, True, "HardSwish", 1), (5, 960, 160, True, "HardSwish", 1),
)  # fmt: skip
"""MobileNetV3-Large: kernel, expansion, channels, squeeze and excitation, activation, stride."""


def make_mobilenet(
    size: int = 224,
    blocks: Sequence[tuple[int, int, int, bool, str, int]] = MOBILE_BLOCKS,
    last: tuple[int, int] = (960, 1280),
    classes: int = 1000,
) -> bytes:
    """MobileNetV3-Large (Howard et al. 2019)."""
    net = Builder()
    x = net.add("HardSwish", net.normalise(net.convolve(net.start(), 16, 3, stride=2)))
    for kernel, hidden, width, excited, kind, stride in blocks:
        y = net.add(kind, net.normalise(net.convolve(x, hidden, 1))) if hidden != net.channels[x] else x
        y = net.add(kind, net.normalise(net.convolve(y, hidden, kernel, stride=stride, group=hidden)))
        if excited:
            y = net.excite(y, hidden // 4, "Relu", "HardSigmoid")
        y = net.normalise(net.convolve(y, width, 1))
        x = net.add("Add", y, x) if stride == 1 and net.channels[x] == width else y
    x = net.add("HardSwish", net.normalise(net.convolve(x, last[0], 1)))
    hidden_row = net.add("HardSwish", net.dense(net.pool(x), *last))
    return net.finish(hidden_row, size, classes, last[1], gain=15.0)


FULL = {
    "ViT-B/16": make_vision_transformer,
    "ConvNeXt-Tiny": make_convnext,
    "ResNeXt-50 32x4d": make_resnext,
    "EfficientNetV2-S": make_efficientnet,
    "MobileNetV3-Large": make_mobilenet,
}


def draw_image(size: int, seed: int = 7) -> Floats:
    """Return one image, float32 (1, size, size, 3), as standardised ones are."""
    return np.random.default_rng(seed).standard_normal((1, size, size, 3)).astype(np.float32)
