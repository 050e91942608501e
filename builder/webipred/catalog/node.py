"""What every catalog node has in common, and the small text types."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

DEVICE_NAMES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{device}{number}" for device in ("com", "lpt") for number in range(10))]
)


class Node(BaseModel):
    """Base of every catalog node: frozen, unknown keys refused, field docstrings are its documentation."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False, validate_default=True
    )


class RuleError(ValueError):
    """Rules between the fields of one node are broken; `problems` holds (path below the node, sentence) pairs."""

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {what}" if path else what for path, what in self.problems))


def raise_problems(problems: Iterable[tuple[str, str]]) -> None:
    """Raise RuleError with all `problems`, (path below the node, sentence) pairs, if there is at least one."""
    found = tuple(problems)
    if found:
        raise RuleError(found)


def describe_repeated_id(repeated: str) -> str:
    """Return the sentence about an entry id that stands twice."""
    return f"{repeated!r} stands twice; every entry needs its own id"


def describe_unsafe_path(path: str) -> str | None:
    """Return why `path` does not stay below the catalog's folder on every system, or None if it does."""
    parts = path.split("/")
    if path.startswith("/") or ":" in path or "\\" in path or ".." in parts:
        return f"{path!r} may leave the catalog's folder; write a path below it, with / between its parts"
    return None


def _refuse_device_name(slug: str) -> str:
    if slug in DEVICE_NAMES:
        raise ValueError(f"{slug!r} is a device name on Windows; choose another one")
    return slug


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$"), AfterValidator(_refuse_device_name)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
LocalText = Text | Annotated[dict[Language, Text], Field(min_length=1)]


def translate(text: LocalText, language: str) -> str:
    """Return `text` in `language`, else in English, else in its first language."""
    if isinstance(text, str):
        return text
    return text.get(language) or text.get("en") or next(iter(text.values()))
