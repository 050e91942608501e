"""The four reference architectures at 224 × 224, drawn from their publications, with seeded weights.

They are what the field measures with; only speed and agreement matter here, so the weights are made up. Residual
branches end in a small scale, so that sums do not grow with depth.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from webipred.bench.draft import Draft
from webipred.convert.graph import Value

SIDE: Final = 224
CLASSES: Final = 5
SEED: Final = 7
BRANCH_SCALE: Final = 0.3
SWISH_GAIN: Final = 2.8
"""1 / E[swish(x)²] for normal x: the twin of 2 for ReLU."""
SQUEEZED_GAIN: Final = 11.2
"""Four times as much behind a gate near one half."""


def draw_mobilenet_v2() -> bytes:
    """MobileNetV2 (Sandler et al. 2018, table 2), 3.5 million parameters with a head of 1000 classes."""
    draft = Draft("MobileNetV2", SIDE, CLASSES, SEED)

    def activate(x: Value) -> Value:
        return draft.rectify(draft.normalise(x), limit=6)

    def bottleneck(x: Value, filters: int, stride: int, expansion: int) -> Value:
        width = x.shape[-1] * expansion
        y = activate(draft.convolve(x, width, 1)) if expansion > 1 else x
        y = activate(draft.convolve(y, width, 3, stride=stride, pads=_pad_strided(3, stride), groups=width))
        shortcut = stride == 1 and filters == x.shape[-1]
        y = draft.normalise(draft.convolve(y, filters, 1), BRANCH_SCALE if shortcut else 1)
        return draft.add(x, y) if shortcut else y

    x = activate(draft.convolve(draft.input, 32, 3, stride=2, pads=(0, 1)))
    stages = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expansion, filters, blocks, stride in stages:
        for block in range(blocks):
            x = bottleneck(x, filters, stride if block == 0 else 1, expansion)
    return draft.classify(activate(draft.convolve(x, 1280, 1)), gain=0.1)


def draw_densenet121() -> bytes:
    """DenseNet-121 (Huang et al. 2017, table 1), growth 32, 8 million parameters with a head of 1000 classes."""
    draft = Draft("DenseNet121", SIDE, CLASSES, SEED)

    def activate(x: Value) -> Value:
        return draft.rectify(draft.normalise(x))

    x = draft.pool_largest(activate(draft.convolve(draft.input, 64, 7, stride=2)))
    for stage, layers in enumerate((6, 12, 24, 16)):
        if stage > 0:
            x = draft.pool_average(draft.convolve(activate(x), x.shape[-1] // 2, 1))
        for _ in range(layers):
            y = activate(draft.convolve(activate(x), 128, 1))
            x = draft.concatenate(x, draft.convolve(y, 32, 3))
    return draft.classify(activate(x))


def draw_resnet50() -> bytes:
    """ResNet-50 (He et al. 2016, table 1), stride in the first 1 × 1, 25.6 million parameters with 1000 classes."""
    draft = Draft("ResNet50", SIDE, CLASSES, SEED)

    def activate(x: Value) -> Value:
        return draft.rectify(draft.normalise(x))

    x = draft.pool_largest(activate(draft.convolve(draft.input, 64, 7, stride=2)))
    for stage, blocks in enumerate((3, 4, 6, 3)):
        width = 64 << stage
        for block in range(blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            pads = (0, 0)
            y = activate(draft.convolve(x, width, 1, stride=stride, pads=pads))
            y = draft.convolve(activate(draft.convolve(y, width, 3)), 4 * width, 1)
            if block == 0:
                x = draft.normalise(draft.convolve(x, 4 * width, 1, stride=stride, pads=pads, gain=1))
            x = draft.rectify(draft.add(draft.normalise(y, BRANCH_SCALE), x))
    return draft.classify(x)


def draw_efficientnet_b0() -> bytes:
    """EfficientNet-B0 (Tan and Le 2019, table 1), 5.3 million parameters with a head of 1000 classes."""
    draft = Draft("EfficientNet-B0", SIDE, CLASSES, SEED)

    def activate(x: Value) -> Value:
        return draft.swish(draft.normalise(x))

    def block(x: Value, filters: int, kernel: int, stride: int, expansion: int) -> Value:
        inputs = x.shape[-1]
        width = inputs * expansion
        y = activate(draft.convolve(x, width, 1, gain=1)) if expansion > 1 else x
        pads = _pad_strided(kernel, stride)
        y = activate(draft.convolve(y, width, kernel, stride=stride, pads=pads, groups=width, gain=SWISH_GAIN))
        y = draft.convolve(draft.squeeze_and_excite(y, max(1, inputs // 4)), filters, 1, gain=SQUEEZED_GAIN)
        shortcut = stride == 1 and filters == inputs
        y = draft.normalise(y, BRANCH_SCALE if shortcut else 1)
        return draft.add(x, y) if shortcut else y

    x = activate(draft.convolve(draft.input, 32, 3, stride=2, pads=(0, 1)))
    stages = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
              (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))  # fmt: skip
    for expansion, filters, blocks, stride, kernel in stages:
        for position in range(blocks):
            x = block(x, filters, kernel, stride if position == 0 else 1, expansion)
    return draft.classify(activate(draft.convolve(x, 1280, 1, gain=1)))


def _pad_strided(kernel: int, stride: int) -> tuple[int, int]:
    """Return Keras' padding: even sizes with stride 2 get one pixel less in front."""
    return (kernel // 2, kernel // 2) if stride == 1 else (kernel // 2 - 1, kernel // 2)


ARCHITECTURES: Final[Mapping[str, Callable[[], bytes]]] = MappingProxyType(
    {
        "MobileNetV2": draw_mobilenet_v2,
        "DenseNet121": draw_densenet121,
        "ResNet50": draw_resnet50,
        "EfficientNet-B0": draw_efficientnet_b0,
    }
)
"""Name → ONNX file in canonical form, the same bytes at every call."""
