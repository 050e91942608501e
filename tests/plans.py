"""Sound plans with operators of every kind, and seeded mutations of them whose sums hold again."""

import random
import struct
from functools import cache
from typing import Any, Final

import numpy as np

from networks import draw, floats, in_planes, make_model, node
from webipred.engine.compiler.compilation import compile_network
from webipred.engine.compiler.plan_format import HEADER_BYTES, OPERATOR_BYTES, TENSOR_BYTES, checksum

WORD: Final = 1 << 32


@cache
def make_image_plan() -> bytes:
    """Convolutions, pools, resize, softmax, normalisation and a product of matrices."""
    constants: dict[str, Any] = {
        "w": draw(1, 8, 5, 3, 3),
        "d": draw(2, 8, 1, 3, 3),
        "scales": floats([1, 1, 2, 2]),
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
        "g": draw(5, 1, 5, 1, 1),
        "shape": np.array([1, 64, 16]),
        "lns": draw(1, 16),
        "lnb": draw(2, 16),
    }
    nodes = in_planes([
        node("Mul", ["x", "g"], "affine"),
        node("Sigmoid", ["affine"], "gate"),
        node("Mul", ["affine", "gate"], "swish"),
        node("Conv", ["swish", "w"], "conv", pads=[1, 1, 1, 1]),
        node("Conv", ["conv", "d"], "deep", group=8, pads=[1, 1, 1, 1]),
        node("Add", ["conv", "deep"], "sum"),
        node("MaxPool", ["sum"], "most", kernel_shape=[2, 2], strides=[2, 2]),
        node("AveragePool", ["sum"], "mean", kernel_shape=[2, 2], strides=[2, 2]),
        node("Concat", ["most", "mean"], "both", axis=1),
        node("Resize", ["both", "", "scales"], "large", mode="linear"),
        node("Pad", ["large", "pads"], "wide"),
        node("Softmax", ["wide"], "y", axis=1),
    ])  # fmt: skip
    nodes[-1] = node("Transpose", ["y"], "t", perm=[0, 2, 3, 1])
    nodes += [
        node("Reshape", ["t", "shape"], "rows"),
        node("LayerNormalization", ["rows", "lns", "lnb"], "normed"),
        node("Transpose", ["normed"], "columns", perm=[0, 2, 1]),
        node("MatMul", ["columns", "normed"], "square"),
        node("ReduceMean", ["square"], "output", keepdims=0),
    ]
    return compile_network(make_model(nodes, (1, 6, 6, 5), constants)).data


@cache
def make_rare_plan() -> bytes:
    """Winograd, transposed and grouped convolutions, group and response normalisation, reductions, powers; float16."""
    constants: dict[str, Any] = {
        "w": draw(1, 32, 32, 3, 3, scale=0.1), "u": draw(2, 32, 4, 2, 2, scale=0.1), "g": draw(3, 6, 2, 3, 3),
        "s": draw(4, 4), "b": draw(5, 4), "first": np.array([0, 3, 1]), "axes": np.array([2, 3]), "e": floats(1.5),
    }  # fmt: skip
    nodes = in_planes([
        node("Conv", ["x", "w"], "conv", pads=[1, 1, 1, 1]),
        node("ConvTranspose", ["conv", "u"], "up", strides=[2, 2]),
        node("InstanceNormalization", ["up", "s", "b"], "norm"),
        node("LRN", ["norm"], "response", size=3),
        node("Gather", ["response", "first"], "three", axis=1),
        node("Concat", ["three", "three"], "six", axis=1),
        node("Conv", ["six", "g"], "grouped", group=3),
        node("ReduceMax", ["grouped", "axes"], "top"),
        node("ReduceSum", ["grouped", "axes"], "total"),
        node("GlobalAveragePool", ["grouped"], "mean"),
        node("Add", ["top", "mean"], "most"),
        node("Sub", ["most", "total"], "gap"),
        node("Softplus", ["gap"], "soft"),
        node("Pow", ["soft", "e"], "power"),
        node("Log", ["power"], "y"),
    ])  # fmt: skip
    return compile_network(make_model(nodes, (1, 12, 12, 32), constants), "float16").data


def repair(data: bytes) -> bytes:
    """Return the plan with right sums, so that the checks behind them are reached."""
    changed = bytearray(data)
    if len(changed) >= HEADER_BYTES:
        struct.pack_into("<2I", changed, 12, *checksum(changed))
    return bytes(changed)


def count_words(plan: bytes) -> int:
    """Return the number of words of header, tensors and operators."""
    tensors, operators = struct.unpack_from("<2I", plan, 20)
    return int(HEADER_BYTES + tensors * TENSOR_BYTES + operators * OPERATOR_BYTES) // 4


def mutate(plan: bytes, source: random.Random) -> bytes:
    """Return the plan with one to four words of header, tensors or operators changed, and right sums."""
    changed, words = bytearray(plan), count_words(plan)
    for _ in range(source.randint(1, 4)):
        place = 4 * (source.randrange(32) if source.random() < 0.125 else source.randrange(words))
        (present,) = struct.unpack_from("<I", changed, place)
        struct.pack_into("<I", changed, place, draw_word(present, source) % WORD)
    return repair(bytes(changed))


def draw_word(present: int, source: random.Random) -> int:
    """Return a number that is small, a power of two, near the present one, near 2³², or anything."""
    match source.randrange(5):
        case 0:
            return source.randrange(40)
        case 1:
            return (WORD >> source.randrange(1, 33)) - source.randrange(2)
        case 2:
            return present + source.randint(-4, 4)
        case 3:
            return WORD - 1 - source.randrange(70)
        case _:
            return source.randrange(WORD)
