"""Where the page templates and texts are: in the wheel, or in a checkout beside the package."""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from webipred.digests import hash_bytes, hash_json
from webipred.errors import refuse

_LOCALE_PREFIX = "page."


@cache
def find_templates() -> Traversable:
    """Return the folder that holds pages/ and locales/."""
    packaged = files("webipred") / "_templates"
    if packaged.is_dir():
        return packaged
    checkout = Path(__file__).resolve().parents[3] / "site_templates"
    if checkout.is_dir():
        return checkout
    raise refuse("E-SITE-TEMPLATES", "webipred", "the page templates are missing.", "Install webipred again.")


def read_page(name: str) -> str | None:
    """Return the template pages/<name>, or None."""
    page = find_templates() / "pages" / name
    return page.read_text(encoding="utf-8") if page.is_file() else None


def read_locale(language: str) -> str:
    """Return the JSON text of locales/page.<language>.json."""
    return (find_templates() / "locales" / f"{_LOCALE_PREFIX}{language}.json").read_text(encoding="utf-8")


def hash_templates() -> str:
    """Return a digest over all page templates and texts."""
    items = [*(find_templates() / "pages").iterdir(), *(find_templates() / "locales").iterdir()]
    return hash_json(
        {item.name: hash_bytes(item.read_bytes()) for item in items if item.name.endswith((".jinja", ".json"))}
    )


def list_locales() -> list[str]:
    """Return the languages that the pages are translated into, sorted."""
    names = [item.name for item in (find_templates() / "locales").iterdir()]
    return sorted(name.split(".")[1] for name in names if name.startswith(_LOCALE_PREFIX) and name.endswith(".json"))
