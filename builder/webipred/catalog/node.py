"""What every catalog node has in common, and the small text types."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Node(BaseModel):
    """Base of every catalog node: frozen, unknown keys refused, field docstrings are its documentation."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False, validate_default=True
    )


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
LocalText = Text | Annotated[dict[Language, Text], Field(min_length=1)]


def translate(text: LocalText, language: str) -> str:
    """Return `text` in `language`, else in English, else in its first language."""
    if isinstance(text, str):
        return text
    return text.get(language) or text.get("en") or next(iter(text.values()))
