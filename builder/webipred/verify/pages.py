"""What pages and scripts of a copy say: their policies against the policy model, and addresses of other hosts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from webipred.findings import Finding
from webipred.site.emission import check_emission, find_addresses, hash_source
from webipred.site.listing import MANIFEST_PATH
from webipred.site.pages import BENCH_PATH, PRIVACY_PATH
from webipred.site.policy import (
    bench_page_policy,
    privacy_page_policy,
    shell_policy,
    static_page_policy,
    vault_policy,
)
from webipred.site.table import FileTable
from webipred.verify.copy import CopiedFile, SiteCopy

WORKSPACE_PATH = "predict/index.html"
_FIX = "Do not use this copy; build the site again and compare."


def check_pages(copy: SiteCopy) -> list[Finding]:
    """Return what the emission checks find in pages, scripts and styles: open policies, code that no policy pins,
    and addresses of other hosts that are not links for people.
    """
    texts = [file for file in copy.files.values() if file.data is not None and not file.path.endswith(".json")]
    table = FileTable((file.path, _as_text(file).encode()) for file in texts)
    manifest = copy.files.get(MANIFEST_PATH)
    return check_emission(table, find_addresses([_as_text(manifest)] if manifest else []))


def check_policies(copy: SiteCopy) -> list[Finding]:
    """Return a finding for every page whose policy is not the one that this version writes for its content."""
    pages = [file for file in copy.files.values() if file.path.endswith(".html") and file.data is not None]
    return [finding for page in pages for finding in _check_policy(page)]


def parse_policy(text: str) -> dict[str, frozenset[str]]:
    """Return the directives of a policy: name → sources; as browsers do, the first of a name counts."""
    directives: dict[str, frozenset[str]] = {}
    for part in text.split(";"):
        words = part.split()
        if words:
            directives.setdefault(words[0].lower(), frozenset(words[1:]))
    return directives


def read_page_policy(file: CopiedFile) -> str:
    """Return the policy of a page's meta element, empty when there is none."""
    return _read_page(file).policy


def _check_policy(file: CopiedFile) -> Iterator[Finding]:
    page = _read_page(file)
    expected = _expect_workspace(page) if file.path == WORKSPACE_PATH else [_expect_own(page, file.path)]
    if parse_policy(page.policy) not in [parse_policy(policy) for policy in expected]:
        what = f"its policy is not the one that belongs to its content: {page.policy[:300]!r}."
        yield Finding(code="E-VERIFY-POLICY", where=file.path, what=what, fix=_FIX)


def _expect_own(page: "_Page", path: str) -> str:
    scripts, styles = list(map(hash_source, page.scripts)), list(map(hash_source, page.styles))
    if path.endswith(PRIVACY_PATH):
        return privacy_page_policy(scripts, styles)
    if path.endswith(BENCH_PATH) and scripts:
        return bench_page_policy(scripts, styles)
    return static_page_policy(scripts, styles)


def _expect_workspace(page: "_Page") -> list[str]:
    """Return the shell's policy if the page holds one script and one style, and in it a vault with its own policy."""
    if len(page.scripts) != 1 or len(page.styles) != 1:
        return []
    shell_script, shell_style = hash_source(page.scripts[0]), hash_source(page.styles[0])
    directives = parse_policy(page.policy)
    return [
        str(
            shell_policy(
                shell_script=shell_script, vault_script=vault_script, shell_style=shell_style, vault_style=vault_style
            )
        )
        for vault_script in _list_hashes(directives.get("script-src"), shell_script)
        for vault_style in _list_hashes(directives.get("style-src"), shell_style)
        if str(vault_policy(script=vault_script, style=vault_style)) in page.scripts[0]
    ]


def _list_hashes(sources: Iterable[str] | None, own: str) -> list[str]:
    others = sorted(source for source in sources or () if source.startswith("'sha256-") and source != own)
    return others or [own]  # two that are equal stand in a policy as one


def _as_text(file: CopiedFile) -> str:
    return (file.data or b"").decode("utf-8", errors="replace")


def _read_page(file: CopiedFile) -> "_Page":
    reader = _PageReader()
    reader.feed(_as_text(file))
    reader.close()
    return reader.page


@dataclass(slots=True)
class _Page:
    policy: str = ""
    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = _Page()
        self._target: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "meta" and values.get("http-equiv", "").lower() == "content-security-policy":
            self.page.policy = self.page.policy or values.get("content", "")
        if tag in ("script", "style"):
            self._target = self.page.scripts if tag == "script" else self.page.styles
            self._target.append("")

    def handle_data(self, data: str) -> None:
        if self._target is not None:
            self._target[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._target = None
