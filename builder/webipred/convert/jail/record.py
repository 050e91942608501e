"""JailRecord: which layers held while a model was converted, as data for the report and the bill of materials."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ISOLATION: Final = ("landlock", "seccomp", "namespaces")
LIMITS: Final = "rlimits"
MARK: Final = b"webipred-jail "


@dataclass(frozen=True, slots=True, kw_only=True)
class JailRecord:
    """Layers that held around one conversion.

    `held` and `missing` are names of ISOLATION and LIMITS; `reasons` says why each missing one is, in the same order.
    `waived` when the builder asked for no jail; a record without any layer and not waived is of a network that was
    not converted in a process at all. Kernel versions stay out of `held`, so that sites are equal on most machines.
    """

    held: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    waived: bool = False

    @property
    def isolated(self) -> bool:
        """Whether at least one layer beyond mere limits held."""
        return any(layer in self.held for layer in ISOLATION)

    @property
    def complete(self) -> bool:
        """Whether every layer held."""
        return set(self.held) >= {*ISOLATION, LIMITS}

    def __str__(self) -> str:
        """The layers in a few words, for the report and the bill of materials."""
        layers = ", ".join(self.held) or "none"
        return f"--no-jail, {layers}" if self.waived else layers

    def to_line(self) -> bytes:
        """Return the line that a jailed process prints before it touches anything untrusted."""
        fields = {"held": self.held, "missing": self.missing, "reasons": self.reasons, "waived": self.waived}
        return MARK + json.dumps(fields).encode("ascii") + b"\n"


UNJAILED: Final = JailRecord()


def parse_record(printed: bytes) -> tuple[JailRecord | None, bytes]:
    """Return the record in the first line of what a process printed, if it is there, and the rest."""
    first, _, rest = printed.partition(b"\n")
    if not first.startswith(MARK):
        return None, printed
    try:
        fields = json.loads(first.removeprefix(MARK))
        record = JailRecord(
            held=_read_texts(fields["held"]),
            missing=_read_texts(fields["missing"]),
            reasons=_read_texts(fields["reasons"]),
            waived=fields["waived"] is True,
        )
    except (ValueError, KeyError, TypeError):
        return None, printed
    return record, rest


def _read_texts(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(ascii(str(value)[:200])[1:-1] for value in values)
