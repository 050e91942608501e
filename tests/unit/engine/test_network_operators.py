"""Operators that few classifiers have, each on a tiny graph against native onnxruntime."""

from typing import Any

import numpy as np
import pytest

from networks import difference, draw, floats, in_planes, make_model, node, run_engine
from webipred.engine.compiler.compilation import compile_network
from webipred.engine.compiler.graph import UnsupportedOperator

TOLERANCE = 5e-6  # relative to values above 1: sums of up to a few hundred products in another order


def codes_of(model: bytes) -> list[str]:
    return [code.name for code in compile_network(model).codes]


@pytest.mark.parametrize(
    ("kernel", "attributes"),
    [
        ((2, 2), {"strides": [2, 2]}),
        ((3, 3), {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),
        ((4, 4), {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ((3, 2), {"strides": [3, 1], "pads": [0, 1, 1, 0]}),
        ((3, 3), {"dilations": [2, 1]}),
        ((3, 3), {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ((2, 2), {"strides": [2, 2], "group": 2}),
        ((3, 3), {"strides": [2, 2], "output_shape": [11, 13]}),
    ],
)
def test_transposed_convolutions_agree(net_wasm: bytes, kernel: tuple[int, int], attributes: dict[str, Any]) -> None:
    constants = {"w": draw(1, 6, 4 // attributes.get("group", 1), *kernel, scale=0.3), "b": draw(2, 4)}
    model = make_model(in_planes([node("ConvTranspose", ["x", "w", "b"], "y", **attributes)]), (1, 5, 6, 6), constants)
    assert difference(net_wasm, model, draw(3, 1, 5, 6, 6)) <= TOLERANCE


@pytest.mark.parametrize("attributes", [{}, {"pads": [2, 2]}, {"strides": [2], "pads": [1, 0]}, {"dilations": [2]}])
def test_convolutions_along_one_axis_agree(net_wasm: bytes, attributes: dict[str, Any]) -> None:
    model = make_model(
        [node("Conv", ["input", "w"], "output", **attributes)], (1, 3, 20), {"w": draw(1, 5, 3, 4, scale=0.3)}
    )
    assert difference(net_wasm, model, draw(3, 1, 3, 20)) <= TOLERANCE


@pytest.mark.parametrize("channels", [4, 5, 7, 24])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (17, 9)])
def test_instance_normalisation_agrees(net_wasm: bytes, channels: int, size: tuple[int, int]) -> None:
    constants = {"s": draw(1, channels), "b": draw(2, channels)}
    model = make_model(
        in_planes([node("InstanceNormalization", ["x", "s", "b"], "y", epsilon=1e-3)]), (1, *size, channels), constants
    )
    assert difference(net_wasm, model, 3 + draw(3, 1, *size, channels)) <= TOLERANCE


@pytest.mark.parametrize(("channels", "groups"), [(12, 1), (12, 3), (12, 12), (20, 4), (9, 3)])
def test_group_normalisation_agrees(net_wasm: bytes, channels: int, groups: int) -> None:
    constants = {"s": draw(1, channels), "b": draw(2, channels)}
    nodes = [node("GroupNormalization", ["x", "s", "b"], "y", num_groups=groups)]
    model = make_model(in_planes(nodes), (1, 7, 5, channels), constants)
    assert difference(net_wasm, model, 2 + draw(3, 1, 7, 5, channels)) <= TOLERANCE


def test_group_normalisation_as_pytorch_spells_it_is_one_kernel_and_an_affine(net_wasm: bytes) -> None:
    constants: dict[str, Any] = {
        "to": np.array([0, 4, -1]), "ones": floats(np.ones(4)), "zeros": floats(np.zeros(4)),
        "back": np.array([1, 12, 6, 5]), "s": draw(1, 12, 1, 1), "b": draw(2, 12, 1, 1),
    }  # fmt: skip
    nodes = [
        node("Reshape", ["x", "to"], "r"),
        node("InstanceNormalization", ["r", "ones", "zeros"], "n"),
        node("Reshape", ["n", "back"], "i"),
        node("Mul", ["i", "s"], "m"),
        node("Add", ["m", "b"], "y"),
    ]
    model = make_model(in_planes(nodes), (1, 6, 5, 12), constants)
    assert difference(net_wasm, model, 1 + draw(3, 1, 6, 5, 12)) <= TOLERANCE
    assert ["GROUP_NORM", "AFFINE"] == codes_of(model)


def test_instance_normalisation_of_a_row_of_values_agrees(net_wasm: bytes) -> None:
    constants = {"s": draw(1, 3), "b": draw(2, 3)}
    model = make_model([node("InstanceNormalization", ["input", "s", "b"], "output")], (1, 3, 50), constants)
    assert difference(net_wasm, model, draw(3, 1, 3, 50)) <= TOLERANCE


@pytest.mark.parametrize(
    ("channels", "attributes"),
    [
        (9, {"size": 5}),
        (6, {"size": 3, "alpha": 0.02, "beta": 0.5, "bias": 2.0}),
        (4, {"size": 1, "alpha": 1.0}),
        (5, {"size": 11, "alpha": 0.3}),
    ],
)
def test_local_response_normalisation_agrees(net_wasm: bytes, channels: int, attributes: dict[str, Any]) -> None:
    model = make_model(in_planes([node("LRN", ["x"], "y", **attributes)]), (1, 4, 3, channels))
    assert difference(net_wasm, model, draw(3, 1, 4, 3, channels, scale=5)) <= TOLERANCE


@pytest.mark.parametrize(
    "op", ["ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceMean"]
)
@pytest.mark.parametrize(
    ("axes", "keepdims"),
    [([-1], 0), ([-1], 1), ([1], 0), ([1, 2], 1), ([2, 3], 0), ([1, 3], 1), ([1, 3], 0), (None, 1)],
)
def test_reductions_agree(net_wasm: bytes, op: str, axes: list[int] | None, keepdims: int) -> None:
    constants = {} if axes is None else {"axes": np.array(axes)}
    inputs = ["input"] if axes is None else ["input", "axes"]
    model = make_model([node(op, inputs, "output", keepdims=keepdims)], (1, 4, 3, 6), constants)
    assert difference(net_wasm, model, 1 + draw(3, 1, 4, 3, 6, scale=0.2)) <= TOLERANCE


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMax"])
@pytest.mark.parametrize("axes", [[1], [2, 3], [1, 2, 3]])
def test_reductions_of_images_agree(net_wasm: bytes, op: str, axes: list[int]) -> None:
    constants = {"w": draw(1, 6, 5, 3, 3, scale=0.2), "axes": np.array(axes)}
    nodes = in_planes([node("Conv", ["x", "w"], "c", pads=[1, 1, 1, 1]), node(op, ["c", "axes"], "y")])
    # onnxruntime adds 378 values in single precision, the engine in double
    assert difference(net_wasm, make_model(nodes, (1, 9, 7, 5), constants), draw(2, 1, 9, 7, 5)) <= 4 * TOLERANCE


@pytest.mark.parametrize("op", ["ReduceMax", "ReduceMin"])
@pytest.mark.parametrize("place", [0, 2, 5])
def test_extremes_keep_what_is_no_number(net_wasm: bytes, op: str, place: int) -> None:
    image = np.arange(6, dtype=np.float32)[np.newaxis]
    image[0, place] = np.nan
    model = make_model([node(op, ["input", "axes"], "output")], (1, 6), {"axes": np.array([1])})
    assert np.isnan(run_engine(net_wasm, model, image)[0]).all()


def test_logarithms_are_rounded_once(net_wasm: bytes) -> None:
    values = np.concatenate([np.geomspace(1e-38, 1e38, 4001), np.linspace(0.9, 1.1, 999), [1e-42, 0, np.inf]])
    image = floats(values)[np.newaxis]
    with np.errstate(divide="ignore"):
        expected = np.log(image.astype(np.float64)).astype(np.float32)
    actual = run_engine(net_wasm, make_model([node("Log", ["input"], "output")], image.shape), image)[0]
    np.testing.assert_array_equal(expected, actual)


@pytest.mark.parametrize("exponent", [-2.0, -1.0, -0.5, 1 / 3, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 2.5])
def test_powers_agree(net_wasm: bytes, exponent: float) -> None:
    values = [-3.5, -1, -0.0, 0, 1e-3, 0.5, 1, 2, 7.25, np.inf, -np.inf]
    image = floats(values)[np.newaxis]
    with np.errstate(all="ignore"):
        expected = np.power(image.astype(np.float64), np.float64(floats(exponent))).astype(np.float32)
    model = make_model([node("Pow", ["input", "e"], "output")], image.shape, {"e": floats(exponent)})
    np.testing.assert_allclose(run_engine(net_wasm, model, image)[0], expected, rtol=2e-7)


def test_generalised_mean_pooling_agrees(net_wasm: bytes) -> None:
    constants = {"three": floats(3), "third": floats(1 / 3), "low": floats(1e-6), "axes": np.array([2, 3])}
    nodes = [
        node("Transpose", ["input"], "x", perm=[0, 3, 1, 2]),
        node("Clip", ["x", "low"], "c"),
        node("Pow", ["c", "three"], "p"),
        node("ReduceMean", ["p", "axes"], "m"),
        node("Pow", ["m", "third"], "output"),
    ]
    model = make_model(nodes, (1, 7, 7, 8), constants)
    assert difference(net_wasm, model, draw(1, 1, 7, 7, 8)) <= TOLERANCE


@pytest.mark.parametrize("axis", [1, -1])
def test_the_logarithm_of_a_softmax_agrees_where_probabilities_vanish(net_wasm: bytes, axis: int) -> None:
    model = make_model([node("LogSoftmax", ["input"], "output", axis=axis)], (1, 9, 5))
    assert difference(net_wasm, model, draw(1, 1, 9, 5, scale=80)) <= TOLERANCE


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_channels_become_blocks_of_pixels(net_wasm: bytes, mode: str) -> None:
    model = make_model(in_planes([node("DepthToSpace", ["x"], "y", blocksize=2, mode=mode)]), (1, 3, 4, 12))
    assert difference(net_wasm, model, draw(1, 1, 3, 4, 12)) == 0


def test_blocks_of_pixels_become_channels(net_wasm: bytes) -> None:
    model = make_model(in_planes([node("SpaceToDepth", ["x"], "y", blocksize=2)]), (1, 6, 4, 3))
    assert difference(net_wasm, model, draw(1, 1, 6, 4, 3)) == 0


@pytest.mark.parametrize(
    ("index", "axis"),
    [([0, 2, 4], 3), ([4, 1, 1, 0, -1], 3), ([[0, 1], [3, 2]], 2), ([1], 1), (np.arange(3)[::-1], 1), (-2, 2)],
)
def test_gathers_of_several_indices_agree(net_wasm: bytes, index: object, axis: int) -> None:
    constants = {"i": np.array(index, np.int64)}
    model = make_model([node("Gather", ["input", "i"], "output", axis=axis)], (1, 3, 4, 5), constants)
    assert difference(net_wasm, model, draw(1, 1, 3, 4, 5)) == 0


def test_a_gather_beyond_the_end_is_refused() -> None:
    model = make_model([node("Gather", ["input", "i"], "output", axis=1)], (1, 3), {"i": np.array([0, 3])})
    with pytest.raises(UnsupportedOperator, match="an index lies outside"):
        compile_network(model)


def test_tiles_agree(net_wasm: bytes) -> None:
    model = make_model([node("Tile", ["input", "n"], "output")], (1, 3, 2), {"n": np.array([1, 2, 3])})
    assert difference(net_wasm, model, draw(1, 1, 3, 2)) == 0


def test_the_mean_of_several_values_agrees(net_wasm: bytes) -> None:
    nodes = [node("Tanh", ["input"], "t"), node("Mean", ["input", "t", "input"], "output")]
    assert difference(net_wasm, make_model(nodes, (1, 3, 5)), draw(1, 1, 3, 5)) <= TOLERANCE


@pytest.mark.parametrize(
    ("equation", "left", "right"),
    [
        ("bhid,bhjd->bhij", (1, 2, 5, 4), (1, 2, 3, 4)),
        ("bhij,bhjd->bhid", (1, 2, 5, 3), (1, 2, 3, 4)),
        ("bid,dhe->bhie", (1, 5, 4), (4, 2, 3)),
        ("bchw,kc->bkhw", (1, 6, 3, 2), (4, 6)),
        ("bij,bjk->bki", (1, 5, 3), (1, 3, 4)),
    ],
)
def test_sums_over_products_agree(
    net_wasm: bytes, equation: str, left: tuple[int, ...], right: tuple[int, ...]
) -> None:
    model = make_model([node("Einsum", ["input", "r"], "output", equation=equation)], left, {"r": draw(2, *right)})
    assert difference(net_wasm, model, draw(1, *left)) <= TOLERANCE


@pytest.mark.parametrize("equation", ["bij->bji", "bii,bij->bj", "bij,bjk", "...ij,...jk->...ik"])
def test_other_equations_are_refused(equation: str) -> None:
    inputs = ["input", "r"] if "," in equation else ["input"]
    model = make_model([node("Einsum", inputs, "output", equation=equation)], (1, 3, 3), {"r": draw(2, 1, 3, 3)})
    with pytest.raises(UnsupportedOperator, match="the equation"):
        compile_network(model)


@pytest.mark.parametrize(("left", "right"), [((1, 4, 6), (1, 6, 5)), ((1, 4, 6), (6,)), ((1, 6), (1, 6, 3))])
def test_products_with_constants_of_any_rank_agree(
    net_wasm: bytes, left: tuple[int, ...], right: tuple[int, ...]
) -> None:
    model = make_model([node("MatMul", ["input", "r"], "output")], left, {"r": draw(2, *right)})
    assert difference(net_wasm, model, draw(1, *left)) <= TOLERANCE


def test_a_constant_matrix_on_the_left_agrees(net_wasm: bytes) -> None:
    model = make_model([node("MatMul", ["l", "input"], "output")], (1, 6, 5), {"l": draw(2, 4, 6)})
    assert difference(net_wasm, model, draw(1, 1, 6, 5)) <= TOLERANCE


@pytest.mark.parametrize("attributes", [{}, {"transA": 1, "alpha": 0.5}, {"transB": 1, "beta": 2.0}])
def test_general_products_of_computed_matrices_agree(net_wasm: bytes, attributes: dict[str, Any]) -> None:
    nodes = [
        node("Reshape", ["input", "square"], "a"),
        node("Tanh", ["a"], "t"),
        node("Gemm", ["a", "t", "t"], "output", **attributes),
    ]
    model = make_model(nodes, (1, 16), {"square": np.array([4, 4])})
    assert difference(net_wasm, model, draw(1, 1, 16)) <= TOLERANCE


def make_layer_norm(inverse: bool, squared: str) -> bytes:
    """LayerNormalization over channels as graphs spell it, on an image of channels first."""
    constants = {
        "axes": np.array([1]), "two": floats(2), "eps": floats(1e-6), "s": draw(1, 12, 1, 1), "b": draw(2, 12, 1, 1),
    }  # fmt: skip
    square = node("Pow", ["d", "two"], "q") if squared == "Pow" else node("Mul", ["d", "d"], "q")
    quotient = (
        [node("Reciprocal", ["root"], "i"), node("Mul", ["d", "i"], "n")]
        if inverse
        else [node("Div", ["d", "root"], "n")]
    )
    nodes = [
        node("ReduceMean", ["x", "axes"], "mean"), node("Sub", ["x", "mean"], "d"), square,
        node("ReduceMean", ["q", "axes"], "v"), node("Add", ["v", "eps"], "e"), node("Sqrt", ["e"], "root"),
        *quotient, node("Mul", ["n", "s"], "m"), node("Add", ["m", "b"], "y"),
    ]  # fmt: skip
    return make_model(in_planes(nodes), (1, 5, 4, 12), constants)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("squared", ["Pow", "Mul"])
def test_a_layer_normalisation_that_is_spelled_out_is_one_kernel(net_wasm: bytes, inverse: bool, squared: str) -> None:
    model = make_layer_norm(inverse, squared)
    assert difference(net_wasm, model, 2 + draw(3, 1, 5, 4, 12)) <= TOLERANCE
    assert ["LAYER_NORM"] == codes_of(model)


def test_layer_normalisation_over_several_axes_agrees(net_wasm: bytes) -> None:
    constants = {"s": draw(1, 4, 6), "b": draw(2, 4, 6)}
    model = make_model([node("LayerNormalization", ["input", "s", "b"], "output", axis=2)], (1, 3, 4, 6), constants)
    assert difference(net_wasm, model, draw(3, 1, 3, 4, 6)) <= TOLERANCE
