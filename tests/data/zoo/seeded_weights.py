"""Weights and inputs of the converter zoo, derived from a seed and a name instead of being stored.

Needs numpy only. Raw PCG64 words become uniform numbers through exact or correctly rounded float32
steps, so the same (seed, name, shape) gives the same bytes on every machine and numpy version.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Correction = Sequence[float | Sequence[float]]
"""(factor, offset), each a number or one number per last-axis element: value × factor + offset."""

KERNELS: Final = ("kernel", "depthwise_kernel", "pointwise_kernel")
RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "bias": (-0.1, 0.1),
    "beta": (-0.1, 0.1),
    "gamma": (0.9, 1.1),
    "layer_scale_gamma": (0.5, 1.0),
    "moving_mean": (-0.2, 0.2),
    "moving_variance": (0.5, 1.5),
    "mean": (0.4, 0.6),  # of a Normalization layer behind a rescaling to 0..1
    "variance": (0.04, 0.09),
}


def draw_uniform(seed: int, name: str, shape: Sequence[int], low: float, high: float) -> NDArray[np.float32]:
    """Draw float32 numbers in [low, high) that depend on seed, name and shape only."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    count = math.prod(shape)
    words = np.random.PCG64(int.from_bytes(digest[:16], "little")).random_raw((count + 1) // 2)
    halves = words.astype("<u8", copy=False).view("<u4")[:count]
    unit = (halves >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    unit *= np.float32(high - low)
    unit += np.float32(low)
    return unit.reshape(tuple(shape))


def fan_in(leaf: str, shape: Sequence[int]) -> int:
    """Count the inputs that one output of a kernel sums over (Keras axis order)."""
    return math.prod(shape[:2] if leaf == "depthwise_kernel" else shape[:-1])


def value_range(name: str, shape: Sequence[int]) -> tuple[float, float]:
    """Choose the interval of a weight by the last part of its name.

    Kernels get He's uniform interval (He et al. 2015, gain 2 for convolutions, 1 for dense layers),
    the other roles a fixed one. Raises KeyError for a role that the zoo does not know.
    """
    leaf = name.removesuffix(":0").rsplit("/", 1)[-1]
    if leaf in KERNELS:
        limit = math.sqrt(3.0 * (2.0 if len(shape) == 4 else 1.0) / fan_in(leaf, shape))
        return -limit, limit
    if leaf == "gamma" and "layer_scale" in name:
        leaf = "layer_scale_gamma"
    return RANGES[leaf]


def make_weight(
    seed: int, name: str, shape: Sequence[int], dtype: str, correction: Correction = (1.0, 0.0)
) -> NDArray[np.generic]:
    """Make one weight of the given Keras name, shape and dtype; integers (counters) are all one."""
    if dtype != "float32":
        return np.ones(tuple(shape), dtype)
    value = draw_uniform(seed, name, shape, *value_range(name, shape))
    factor, offset = (np.asarray(part, np.float32) for part in correction)
    return value * factor + offset


def make_input(seed: int, shape: Sequence[int], low: float, high: float, number: int) -> NDArray[np.float32]:
    """Make input image `number` (0, 1, …), float32 (1, height, width, channel), inside [low, high).

    A 3×3 grid of random colours, stretched, plus noise: images of one fixture differ in their
    coarse colours, because pooled features of pure noise would hardly differ between images.
    """
    height, width, channels = shape
    grid = draw_uniform(seed, f"grid{number}", (3, 3, channels), 0.0, 0.75)
    coarse = grid[np.ix_(np.arange(height) * 3 // height, np.arange(width) * 3 // width)]
    unit = coarse + draw_uniform(seed, f"noise{number}", tuple(shape), 0.0, 0.25)
    return (unit * np.float32(high - low) + np.float32(low))[np.newaxis]
