"""Searching the memory of every process of a browser, as root may."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from proof.processes import describe_process, list_family

_BLOCK_BYTES = 32 << 20
_LONGEST_MAP = 8 << 30
"""Address space that is only reserved, such as V8's cage, is not readable as a whole; no needle is that far in."""
_NOT_MEMORY = ("[vvar]", "[vvar_vclock]", "[vsyscall]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessHits:
    """How often each needle was found in one process."""

    process: str
    counts: Mapping[str, int]


def scan_memory(root: int, needles: Mapping[str, bytes]) -> list[ProcessHits]:
    """Search `root` and its descendants; returns every process, also those without a hit."""
    found = []
    for pid in list_family(root):
        counts = _scan_process(pid, needles)
        if counts is not None:
            found.append(ProcessHits(process=f"{describe_process(pid)} {pid}", counts=counts))
    return found


def total_hits(scanned: Sequence[ProcessHits]) -> dict[str, int]:
    """Return the hits of each needle over all processes."""
    total: Counter[str] = Counter()
    for process in scanned:
        total.update(process.counts)
    return dict(total)


def _scan_process(pid: int, needles: Mapping[str, bytes]) -> dict[str, int] | None:
    counts = dict.fromkeys(needles, 0)
    overlap = max(map(len, needles.values())) - 1
    try:
        maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for line in maps:
                span, rights, *rest = line.split()
                start, end = (int(value, 16) for value in span.split("-"))
                if "r" not in rights or end - start > _LONGEST_MAP or rest[-1:][0] in _NOT_MEMORY:
                    continue
                tail = b""
                for at in range(start, end, _BLOCK_BYTES):
                    try:
                        memory.seek(at)
                        block = tail + memory.read(min(_BLOCK_BYTES, end - at))
                    except (OSError, OverflowError):
                        break  # guard pages and devices
                    for name, needle in needles.items():
                        counts[name] += block.count(needle)
                    tail = block[-overlap:]
    except OSError:
        return None  # it has ended
    return counts
