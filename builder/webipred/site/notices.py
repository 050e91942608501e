"""Licence texts that every site carries: webipred's own, and those of the software inside it."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from webipred.errors import refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One licence text of the site."""

    title: str
    path: str
    text: bytes


_NOTICES: Final = (
    ("webipred: Apache License 2.0", "licenses/webipred.txt", "LICENSE"),
    ("webipred: notice", "licenses/notice.txt", "NOTICE"),
    ("Third-party notices", "licenses/third-party.txt", "THIRD_PARTY_NOTICES.md"),
)


def read_notices() -> tuple[Notice, ...]:
    """Return the licence texts of the installed package; raises FindingsError when one is missing."""
    return tuple(Notice(title=title, path=path, text=_read_text(name)) for title, path, name in _NOTICES)


def _read_text(name: str) -> bytes:
    checkout = Path(__file__).resolve().parents[3] / name
    if (checkout.parent / "pyproject.toml").is_file() and checkout.is_file():
        return checkout.read_bytes()
    try:
        text = distribution("webipred").read_text(f"licenses/{name}")
    except PackageNotFoundError:
        text = None
    if text is None:
        raise refuse(
            "E-SITE-NOTICE",
            f"webipred: {name}",
            "the licence text is missing; a site needs it.",
            "Install webipred again.",
        )
    return text.encode()
