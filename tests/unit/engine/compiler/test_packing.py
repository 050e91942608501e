"""Weights as the kernels walk them, against plain loops."""

import numpy as np
import pytest

from networks import draw
from webipred.engine.compiler.packing import pack_bias, pack_convolution, pack_depthwise, pack_panels


@pytest.mark.parametrize(("outputs", "groups"), [(8, 1), (11, 1), (12, 2), (4, 4)])
def test_panels_hold_every_weight_once_and_zeros_beside(outputs: int, groups: int) -> None:
    matrix = draw(1, outputs, 5)
    packed = pack_panels(matrix, groups)
    per_group = outputs // groups
    assert (groups, -(-per_group // 8), 5, 8) == packed.shape
    for output in range(outputs):
        group, inside = divmod(output, per_group)
        np.testing.assert_array_equal(matrix[output], packed[group, inside // 8, :, inside % 8])
    assert np.count_nonzero(matrix) == np.count_nonzero(packed)


def test_depth_runs_over_rows_columns_and_inputs() -> None:
    weights = draw(1, 8, 3, 2, 4)
    assert weights[5, 2, 1, 3] == pack_convolution(weights)[0, 0, (1 * 4 + 3) * 3 + 2, 5]


def test_the_bias_is_padded_like_the_panels() -> None:
    assert [1, 2, 3, 0, 0, 0, 0, 0, 4, 5, 6, 0, 0, 0, 0, 0] == pack_bias(np.arange(1, 7), 2).tolist()


def test_depthwise_filters_have_channels_last() -> None:
    weights = draw(1, 5, 1, 3, 2)
    assert weights[4, 0, 2, 1] == pack_depthwise(weights)[2, 1, 4]
