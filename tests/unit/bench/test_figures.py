"""Arithmetic on fixed numbers."""

import math

import pytest

from webipred.bench.figures import (
    compare_rounds,
    find_difference,
    take_geometric_mean,
    take_median,
    take_ninetieth,
)


def test_the_median_of_an_even_number_lies_between_the_middle_two() -> None:
    assert 2.5 == take_median([4, 1, 3, 2])


def test_nine_in_ten_do_not_exceed_the_ninetieth_percentile() -> None:
    assert 9 == take_ninetieth([10, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert 5 == take_ninetieth([5])


@pytest.mark.parametrize("take", [take_median, take_ninetieth])
def test_no_values_have_no_median(take: object) -> None:
    assert callable(take)
    with pytest.raises(ValueError, match="no values"):
        take([])


def test_a_ratio_is_taken_within_each_round() -> None:
    # under load the third round takes ten times as long for both: its ratio is as good as the others
    assert 2.0 == compare_rounds([20.0, 22.0, 200.0], [10.0, 11.0, 100.0])
    assert 3.0 == compare_rounds([30.0, 22.0, 400.0], [10.0, 11.0, 100.0])


def test_rounds_of_different_number_do_not_compare() -> None:
    with pytest.raises(ValueError, match="zip"):
        compare_rounds([1.0], [1.0, 2.0])


def test_the_geometric_mean_of_two_and_eight_is_four() -> None:
    assert math.isclose(4.0, take_geometric_mean([2.0, 8.0]) or 0)
    assert take_geometric_mean([]) is None


def test_the_difference_is_the_largest() -> None:
    assert math.isclose(0.25, find_difference([0.5, 0.5], [0.25, 0.6]))


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.0], [0.5, math.nan], [0.5, math.inf]])
def test_what_cannot_be_compared_differs_infinitely(values: list[float]) -> None:
    assert math.inf == find_difference(values, [0.5, 0.5])
