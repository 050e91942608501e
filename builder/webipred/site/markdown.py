"""The Markdown subset of catalog texts: emphasis, strong, code, links, paragraphs, lists. HTML is shown as text."""

import re
from collections.abc import Sequence
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

_RULES = ("emphasis", "link", "backticks", "list", "escape", "newline")
_CODE_SPAN = re.compile(r"`([^`]+)`")
_HTTPS = re.compile(r"https://[A-Za-z0-9]", re.ASCII)


def render_markdown(text: str) -> Markup:
    """Return `text` as HTML of p, ul, ol, li, em, strong, code, br and a with an https address; all else is escaped.

    A `doi:10.…` address becomes its https://doi.org/ page. Links open without referrer and without opener.
    """
    return Markup(_make_parser().render(text))  # noqa: S704  # the parser escapes; test_markdown.py holds it to that


def mark_code(text: str) -> Markup:
    """Return `text` as HTML in which only `spans between backticks` become code; for the sentences of findings."""
    return Markup(_CODE_SPAN.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  # escaped one call before


def strip_markdown(text: str) -> str:
    """Return the words of `text` without marks, paragraphs separated by a line feed."""
    blocks = [_join_words(token.children or []) for token in _make_parser().parse(text) if token.type == "inline"]
    return "\n".join(blocks)


def _join_words(tokens: Sequence[Token]) -> str:
    words = [" " if token.type in ("softbreak", "hardbreak") else token.content for token in tokens]
    return "".join(words).strip()


class _SafeMarkdown(MarkdownIt):
    def normalizeLink(self, url: str) -> str:  # noqa: N802  # overrides the library's method
        return super().normalizeLink("https://doi.org/" + url[4:] if url.lower().startswith("doi:10.") else url)

    def validateLink(self, url: str) -> bool:  # noqa: N802  # overrides the library's method
        return bool(_HTTPS.match(url))


@cache
def _make_parser() -> MarkdownIt:
    parser = _SafeMarkdown("zero", {"html": False, "linkify": False, "typographer": False})
    parser.enable(list(_RULES))
    parser.core.ruler.push("link_relation", _mark_links)
    return parser


def _mark_links(state: object) -> None:
    tokens: Sequence[Token] = getattr(state, "tokens", ())
    for token in tokens:
        for child in token.children or []:
            if child.type == "link_open":
                child.attrs = {"href": child.attrs["href"], "rel": "noopener noreferrer"}
