"""Place buffers with known lifetimes into one arena."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ALIGNMENT: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """A buffer of `size_bytes` that is needed from step `first` to step `last`, both included."""

    size_bytes: int
    first: int
    last: int

    def overlaps(self, other: "Lifetime") -> bool:
        """Whether both are needed at some step."""
        return self.first <= other.last and other.first <= self.last


def place_buffers(lifetimes: Mapping[str, Lifetime]) -> tuple[dict[str, int], int]:
    """Return (byte offset of every buffer, bytes of the arena).

    Largest first, each into the smallest gap that fits between the buffers that live at the same time (greedy by size
    with best fit; Pisarchyk & Lee 2020, "Efficient Memory Management for Deep Neural Net Inference"). Equal sizes in
    the order given.
    """
    offsets: dict[str, int] = {}
    total = 0
    for name in sorted(lifetimes, key=lambda item: -lifetimes[item].size_bytes):
        size = round_up(lifetimes[name].size_bytes)
        taken = sorted(
            (offsets[other], round_up(lifetimes[other].size_bytes))
            for other in offsets
            if lifetimes[other].overlaps(lifetimes[name])
        )
        offsets[name] = find_gap(taken, size)
        total = max(total, offsets[name] + size)
    return offsets, total


def measure_peak(lifetimes: Mapping[str, Lifetime]) -> int:
    """Return the most bytes that are needed at one step: no arena can be smaller."""
    ends = {lifetime.last for lifetime in lifetimes.values()}
    return max(
        (sum(item.size_bytes for item in lifetimes.values() if item.first <= step <= item.last) for step in ends),
        default=0,
    )


def find_gap(taken: list[tuple[int, int]], size: int) -> int:
    """Return the offset of the smallest gap of at least `size`, else the end; `taken` is sorted by offset."""
    best, best_gap, end = -1, 0, 0
    for offset, length in taken:
        gap = offset - end
        if gap >= size and (best < 0 or gap < best_gap):
            best, best_gap = end, gap
        end = max(end, offset + length)
    return end if best < 0 else best


def round_up(size: int) -> int:
    """Round up to the alignment of buffers."""
    return -(-size // ALIGNMENT) * ALIGNMENT
