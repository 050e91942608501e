"""Checks on what is about to be written: every HTML page keeps its own policy, no file names another host."""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser

from webipred.findings import Finding
from webipred.site.policy import parse_policy
from webipred.site.table import FileTable

_LITERAL = re.compile(r"""(?:https?|wss?|ftp):\\?/\\?/[^\s"'`<>\\)]*""", re.IGNORECASE)
_CSS_LITERAL = re.compile(r"""@import|url\(\s*["']?\s*(?!["']?data:)""", re.IGNORECASE)
_FOREIGN = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:|//|\\\\)", re.IGNORECASE)
_DATA_SCRIPT = re.compile(r"application/(?:[a-z.+-]*\+)?json", re.IGNORECASE)
_FETCHING = frozenset(
    {"src", "srcset", "data", "poster", "action", "formaction", "background", "manifest", "ping", "cite", "longdesc"}
)
_NAMESPACE = "http://www.w3.org/"
"""Start of the names of XML vocabularies, never fetched."""
_MESSAGES = ("https://web.dev/cross-origin-isolation-guide/",)
"""Addresses in messages of bundled libraries, never fetched: onnxruntime-web's hint on threads."""


def check_emission(table: FileTable, displayed: Iterable[str] = ()) -> list[Finding]:
    """Return what is wrong with the HTML, scripts and styles of `table`; an empty list lets the build go on.

    `displayed` are addresses that scripts may hold because they are shown as text: those of the catalog.
    """
    allowed = frozenset((*_MESSAGES, *displayed))
    return [finding for path, data in table for finding in _check_file(path, data, allowed)]


def find_addresses(texts: Iterable[str]) -> tuple[str, ...]:
    """Return every http(s) address that stands in `texts`, sorted."""
    return tuple(sorted({address for text in texts for address in _LITERAL.findall(text)}))


def hash_source(text: str) -> str:
    """Return the CSP source expression 'sha256-…' of an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _check_file(path: str, data: bytes, allowed: frozenset[str]) -> Iterator[Finding]:
    extension = path.rpartition(".")[2]
    if extension == "html":
        page = _Page(path, allowed)
        page.feed(data.decode())
        page.close()
        yield from page.conclude()
    elif extension in ("js", "css", "svg"):
        yield from _check_literals(path, data.decode(), allowed)


def _check_literals(path: str, text: str, allowed: frozenset[str]) -> Iterator[Finding]:
    for address in sorted({found for found in _LITERAL.findall(text) if not found.startswith(_NAMESPACE)} - allowed):
        yield _report(
            "E-EMIT-FOREIGN-URL", path, f"holds the address {address!r} of another host in a script or style."
        )


def _report(code: str, path: str, what: str, fix: str = "Correct the template; nothing was written.") -> Finding:
    return Finding(code=code, where=f"site: {path}", what=what, fix=fix)


def _judge_policy(text: str) -> str | None:
    try:
        parse_policy(text)
    except ValueError as error:
        return str(error)
    return None


class _Page(HTMLParser):
    """Reads one page and collects its findings."""

    def __init__(self, path: str, allowed: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._path, self._allowed = path, allowed
        self._findings: list[Finding] = []
        self._policy: str | None = None
        self._in_head = False
        self._head_children = 0
        self._raw_tag: str | None = None
        self._raw_text: list[str] = []

    def conclude(self) -> list[Finding]:
        if self._policy is None:
            self._add("E-EMIT-POLICY", "has no Content-Security-Policy as the first element of its head.")
        return self._findings

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if self._in_head:
            self._head_children += 1
            self._read_policy(tag, attributes)
        self._in_head = self._in_head or tag == "head"
        if tag == "body":
            self._in_head = False
        self._check_attributes(tag, attributes)
        if tag == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
            self._add("E-EMIT-REFRESH", f"leads away by itself, to {attributes.get('content', '')!r}.")
        if tag == "link" and attributes.get("rel", "").lower() != "icon":
            self._add("E-EMIT-LINK", f"loads {attributes.get('href', '')!r} by a link element that is no icon.")
        if tag == "base":
            self._add("E-EMIT-BASE", "has a base element, which changes what relative addresses mean.")
        if tag == "style" or (tag == "script" and not _DATA_SCRIPT.fullmatch(attributes.get("type", ""))):
            self._raw_tag, self._raw_text = tag, []
            if tag == "script" and "src" in attributes:
                self._add(
                    "E-EMIT-SCRIPT", f"loads the script {attributes['src']!r}; scripts stand inside, pinned by a hash."
                )

    def handle_data(self, data: str) -> None:
        if self._raw_tag is not None:
            self._raw_text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "head":
            self._in_head = False
        if tag == self._raw_tag:
            self._check_inline(tag, "".join(self._raw_text))
            self._raw_tag = None

    def _read_policy(self, tag: str, attributes: dict[str, str]) -> None:
        is_policy = tag == "meta" and attributes.get("http-equiv", "").lower() == "content-security-policy"
        if is_policy and self._head_children == 1:
            self._policy = attributes.get("content", "")
            if "default-src 'none'" not in self._policy:
                self._add("E-EMIT-POLICY", "has a policy without default-src 'none'.")
            elif (reason := _judge_policy(self._policy)) is not None:
                self._add("E-EMIT-POLICY", f"has a policy that permits too much: {reason}.")

    def _check_attributes(self, tag: str, attributes: dict[str, str]) -> None:
        for name, value in attributes.items():
            if name.startswith("on"):
                self._add("E-EMIT-HANDLER", f"has the inline handler {name} on <{tag}>; the policy blocks it.")
            elif name == "style":
                self._add("E-EMIT-STYLE", f"has a style attribute on <{tag}>; the policy blocks it.")
            elif name in _FETCHING or name in ("href", "xlink:href"):
                self._check_address(tag, name, value)

    def _check_address(self, tag: str, name: str, value: str) -> None:
        if value.startswith("/") and not value.startswith("//"):
            self._add(
                "E-EMIT-ROOT", f"has the address {value!r} from the root of the host; it breaks under a sub-path."
            )
        elif _FOREIGN.match(value):
            displayed = (tag, name) == ("a", "href") and value.startswith(("https://", "mailto:"))
            inert = (tag, name) == ("link", "href") and value.startswith("data:image/")
            if not displayed and not inert:
                self._add("E-EMIT-FOREIGN-URL", f"names the address {value!r} in {name} of <{tag}>.")

    def _check_inline(self, tag: str, text: str) -> None:
        if self._policy is None or hash_source(text) not in self._policy:
            self._add("E-EMIT-HASH", f"has an inline {tag} whose hash is not in the policy.")
        if tag == "style" and _CSS_LITERAL.search(text):
            self._add("E-EMIT-FOREIGN-URL", "has a style that loads something by @import or url().")
        self._findings.extend(_check_literals(self._path, text, self._allowed))

    def _add(self, code: str, what: str) -> None:
        self._findings.append(_report(code, self._path, what))
