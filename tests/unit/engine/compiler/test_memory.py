"""Placing buffers."""

from hypothesis import given
from hypothesis import strategies as st

from webipred.engine.compiler.memory import Lifetime, find_gap, measure_peak, place_buffers


def test_buffers_of_different_times_share_memory() -> None:
    lifetimes = {"a": Lifetime(size_bytes=100, first=0, last=1), "b": Lifetime(size_bytes=100, first=2, last=3)}
    assert ({"a": 0, "b": 0}, 128) == place_buffers(lifetimes)


def test_a_buffer_that_is_read_while_another_is_written_keeps_its_place() -> None:
    lifetimes = {"a": Lifetime(size_bytes=64, first=0, last=1), "b": Lifetime(size_bytes=64, first=1, last=2)}
    assert 128 == place_buffers(lifetimes)[1]


def test_the_smallest_gap_that_fits_is_taken() -> None:
    assert 256 == find_gap([(0, 64), (192, 64), (320, 64)], 64)


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(0, 20), st.integers(0, 20)), max_size=30))
def test_buffers_that_live_together_never_overlap(rows: list[tuple[int, int, int]]) -> None:
    lifetimes = {
        str(index): Lifetime(size_bytes=size, first=min(a, b), last=max(a, b))
        for index, (size, a, b) in enumerate(rows)
    }
    offsets, total = place_buffers(lifetimes)
    for one, first in lifetimes.items():
        assert offsets[one] + first.size_bytes <= total
        for other, second in lifetimes.items():
            if one < other and first.overlaps(second):
                assert (
                    offsets[one] + first.size_bytes <= offsets[other]
                    or offsets[other] + second.size_bytes <= offsets[one]
                )


def test_the_peak_is_the_largest_sum_of_what_lives_at_once() -> None:
    lifetimes = {
        "a": Lifetime(size_bytes=100, first=0, last=1),
        "b": Lifetime(size_bytes=10, first=1, last=2),
        "c": Lifetime(size_bytes=200, first=3, last=3),
        "d": Lifetime(size_bytes=5, first=2, last=3),
    }
    assert 205 == measure_peak(lifetimes)
