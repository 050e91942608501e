"""The page texts of one language, and how numbers are written in it."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final

from webipred.errors import refuse
from webipred.site.templates import list_locales, read_locale

_DECIMAL_MARKS: Final = {"en": (".", ","), "de": (",", "\u202f")}
_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTexts:
    """Key → text of one language; made by `load_texts`."""

    language: str
    texts: dict[str, str]

    def say(self, key: str, **values: object) -> str:
        """Return the text of `key` with its {placeholders} filled; raises KeyError for an unknown one."""
        return _PLACEHOLDER.sub(lambda match: self._write(values[match[1]]), self.texts[key])

    def knows(self, key: str) -> bool:
        """Whether there is a text for `key`."""
        return key in self.texts

    def number(self, value: float, digits: int = 0) -> str:
        """Return `value` with `digits` decimals and the language's marks."""
        point, group = _DECIMAL_MARKS[self.language]
        text = f"{value:,.{digits}f}"
        return text.replace(",", "\0").replace(".", point).replace("\0", group)

    def exact(self, value: float) -> str:
        """Return `value` with all its decimals and no more."""
        text = repr(int(value)) if value.is_integer() else format(Decimal(repr(value)), "f")
        return text.replace(".", _DECIMAL_MARKS[self.language][0]).replace("-", "\u2212")

    def megabytes(self, size_bytes: int) -> str:
        """Return a size in MB (10⁶ bytes), or in kB (10³ bytes) below 0.1 MB."""
        if size_bytes < 100_000:
            return f"{self.number(size_bytes / 1e3, 1)}\u00a0kB"
        return f"{self.number(size_bytes / 1e6, 1)}\u00a0MB"

    def _write(self, value: object) -> str:
        return self.number(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


@cache
def load_texts(language: str) -> PageTexts:
    """Return the texts of `language`; raises FindingsError when the pages are not translated into it."""
    known = list_locales()
    if language not in known or language not in _DECIMAL_MARKS:
        raise refuse(
            "E-SITE-LANGUAGE",
            "catalog: site.languages",
            f"the pages are not translated into {language!r}.",
            f"Use {' or '.join(known)}.",
        )
    return PageTexts(language=language, texts=json.loads(read_locale(language)))
