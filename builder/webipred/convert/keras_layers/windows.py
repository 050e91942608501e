"""Windows that slide over an image: size, strides, dilation and TensorFlow's padding."""

from dataclasses import dataclass

from webipred.convert.keras_layers.layer import Layer

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Size, strides and dilation as (vertical, horizontal); `same` pads so that the result has ⌈size / stride⌉."""

    size: Pair
    strides: Pair
    dilation: Pair
    same: bool

    @staticmethod
    def unit() -> "Window":
        """A window of one pixel."""
        return Window(size=(1, 1), strides=(1, 1), dilation=(1, 1), same=False)

    def result_size(self, layer: Layer, height: int, width: int) -> Pair:
        """Return (height, width) of the result. Raises FindingsError if the window does not fit."""
        sizes = [self._result_side(side, axis) for axis, side in enumerate((height, width))]
        if min(sizes) < 1:
            raise layer.refuse_graph(f"its window {list(self.size)} does not fit into {height} × {width} pixels.")
        return sizes[0], sizes[1]

    def pads(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Return ONNX pads (top, left, bottom, right); the odd pixel goes to the end, as in TensorFlow."""
        (top, bottom), (left, right) = self._pad_side(height, 0), self._pad_side(width, 1)
        return top, left, bottom, right

    def _result_side(self, side: int, axis: int) -> int:
        if self.same:
            return -(-side // self.strides[axis])
        return (side - self._span(axis)) // self.strides[axis] + 1

    def _pad_side(self, side: int, axis: int) -> Pair:
        if not self.same:
            return 0, 0
        missing = (self._result_side(side, axis) - 1) * self.strides[axis] + self._span(axis) - side
        total = max(missing, 0)
        return total // 2, total - total // 2

    def _span(self, axis: int) -> int:
        return (self.size[axis] - 1) * self.dilation[axis] + 1


def read_window(layer: Layer, size: Pair, default_strides: Pair = (1, 1)) -> Window:
    """Read strides, dilation_rate and padding of a layer."""
    options = layer.options
    return Window(
        size=size,
        strides=options.pair("strides", default_strides),
        dilation=options.pair("dilation_rate", (1, 1)),
        same=options.word("padding", ("valid", "same"), "valid") == "same",
    )
