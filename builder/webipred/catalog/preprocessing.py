"""Preprocessing as data: how a decoded image becomes the tensor that the network was trained on.

The steps run in the order given. Formulas follow AUCMEDI 0.11 and the libraries named in `like`;
docs/preprocessing.md states each one with its source.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from webipred.catalog.node import Node


class ToChannels(Node):
    """Change the number of channels in the middle of the chain."""

    op: Literal["to_channels"]
    channels: Literal["rgb", "gray"]
    """`rgb` repeats a gray channel three times; `gray` mixes red, green and blue to luma. No change where it fits."""
    like: Literal["aucmedi", "pillow"] = "aucmedi"
    """Luma `aucmedi`: .299 R + .587 G + .114 B as a float, not rounded; `pillow`: its 8-bit integer formula."""


class PadToSquare(Node):
    """Pad the shorter axis so that both are equal; the odd pixel goes to the end."""

    op: Literal["pad_to_square"]
    mode: Literal["edge", "constant"] = "edge"
    """`edge` repeats the border pixel; `constant` fills with `value`."""
    value: Annotated[float, Field(ge=0, le=255)] = 0
    """Fill value 0–255 of mode `constant`; a whole number while the image holds 8-bit values."""


class CropCenter(Node):
    """Cut the middle out: start = (size − crop) // 2. An image smaller than the crop is refused."""

    op: Literal["crop_center"]
    width: Annotated[int, Field(ge=1, le=4096)]
    """Pixels."""
    height: Annotated[int, Field(ge=1, le=4096)]
    """Pixels."""


class Resize(Node):
    """Resize; libraries differ, so the library is named. 8-bit images stay 8-bit where the library does so."""

    op: Literal["resize"]
    method: Literal["bilinear", "nearest", "bicubic", "area"] = "bilinear"
    """Interpolation. `area` exists for `opencv` and `tensorflow` only."""
    like: Literal["opencv", "pillow", "tensorflow", "torch"] = "opencv"
    """Whose arithmetic to follow, to the bit where the library works in integers."""
    antialias: bool = False
    """Widen the filter when shrinking; `tensorflow` and `torch` bilinear and bicubic only (`pillow` always does)."""
    pass_order: Literal["pillow-13", "horizontal-first"] = "pillow-13"
    """Order of the two `pillow` passes: the rule of Pillow ≥ 13, or horizontal first as in Pillow ≤ 11."""
    width: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Pixels; `input.width` when absent."""
    height: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Pixels; `input.height` when absent."""

    @model_validator(mode="after")
    def check_method(self) -> "Resize":
        if self.method == "area" and self.like not in ("opencv", "tensorflow"):
            raise ValueError(f"method 'area' does not exist for like: {self.like}; use opencv or tensorflow")
        if self.antialias and (self.like not in ("tensorflow", "torch") or self.method not in ("bilinear", "bicubic")):
            raise ValueError("antialias: true is for tensorflow and torch with bilinear or bicubic; leave it out")
        if (self.width is None) != (self.height is None):
            raise ValueError("give both width and height, or neither (then input.width and input.height are used)")
        return self


class Clip(Node):
    """Limit every value to min…max."""

    op: Literal["clip"]
    min: float
    """Smallest value that remains."""
    max: float
    """Largest value that remains."""

    @model_validator(mode="after")
    def check_order(self) -> "Clip":
        if self.min > self.max:
            raise ValueError(f"min {self.min} is greater than max {self.max}")
        return self


class Rescale(Node):
    """y = x · scale + offset, in float32."""

    op: Literal["rescale"]
    scale: float = 1.0
    """Factor; 0.00392156862745098 is 1/255."""
    divide_by: Annotated[float, Field(gt=0)] | None = None
    """Divisor instead of `scale`: y = x / divide_by + offset, for models trained with x / 255."""
    offset: float = 0.0
    """Added after the factor."""

    @model_validator(mode="after")
    def check_one_factor(self) -> "Rescale":
        if self.divide_by is not None and self.scale != 1.0:
            raise ValueError("give scale or divide_by, not both")
        return self


class Standardize(Node):
    """Standardize as AUCMEDI does; ε = 1e-6; statistics over all pixels and channels."""

    op: Literal["standardize"]
    mode: Literal["z-score", "minmax", "grayscale", "tf", "caffe", "torch", "none"]
    """z-score: (x − mean + ε)/(std + ε) · minmax: (x − min + ε)/(max − min + ε) · grayscale: round(255 · minmax) ·
    tf: x/127.5 − 1 · caffe: BGR, minus (103.939, 116.779, 123.68) · torch: (x/255 − mean)/std of ImageNet · none."""


Step = Annotated[
    ToChannels | PadToSquare | CropCenter | Resize | Clip | Rescale | Standardize, Field(discriminator="op")
]


class InputSpec(Node):
    """What the network takes, and how files are decoded for it."""

    width: Annotated[int, Field(ge=8, le=4096)]
    """Pixels."""
    height: Annotated[int, Field(ge=8, le=4096)]
    """Pixels."""
    channels: Literal["rgb", "gray"] = "rgb"
    """`rgb`: three channels, gray files are repeated. `gray`: one channel, colour files become Pillow's L."""
    exif: Literal["ignore", "apply"] = "ignore"
    """Whether the EXIF orientation turns the pixels. Most training code (AUCMEDI, Pillow, Keras) ignores it."""
    bit_depth: Literal["reject", "saturate", "shift"] = "reject"
    """16-bit files: refuse, cut off at 255 as Pillow does, or keep the upper 8 bits."""
    alpha: Literal["reject", "drop"] = "reject"
    """Files with transparent pixels: refuse, or drop the alpha channel and keep the colour below, as Pillow does."""
