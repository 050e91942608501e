"""What a server sends beside the bytes, against the policy model: media types and headers of every address."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from webipred.findings import Finding
from webipred.site.headers import OTHER_TYPE, find_media_type, read_serving_policy
from webipred.verify.copy import CopiedFile, SiteCopy
from webipred.verify.pages import parse_policy

ExpectedHeaders = Callable[[str], Mapping[str, tuple[str, ...]]]
"""Path of a file → name → right values of every header that the server must send with it."""

_POLICY: Final = "content-security-policy"
_ALSO_RIGHT: Final[Mapping[str, frozenset[str]]] = {
    "text/javascript": frozenset({"application/javascript", "application/x-javascript"}),
    "image/bmp": frozenset({"image/x-ms-bmp", "image/x-bmp"}),
}
_CACHING: Final = frozenset({"cache-control"})
_NOT_ISOLATING: Final = frozenset({"content-type", "cache-control", "referrer-policy", "strict-transport-security"})
_FIX: Final = "Use the configuration for this server in policies/ of the site."


def check_types(copy: SiteCopy) -> list[Finding]:
    """Return a finding for every file that is sent with a media type that browsers refuse or misread."""
    return [finding for file in copy.files.values() for finding in _check_type(file)]


def expect_headers(copy: SiteCopy) -> ExpectedHeaders:
    """Return what a server must send with the files of `copy`, by the policy model and the pages' own policies.

    A host that knows no rules by file (`_headers`) may send the policy that serves any page with all of them.
    Raises ValueError when the policy of a page would open it.
    """
    policy = read_serving_policy((file.path, file.data) for file in copy.files.values() if file.data is not None)
    anywhere = {"Content-Security-Policy": str(policy.any_page), "Connection-Allowlist": "(response-origin)"}

    def expect(path: str) -> dict[str, tuple[str, ...]]:
        exact = policy.list_headers(path)
        return {name: tuple({value, anywhere.get(name, value)}) for name, value in exact.items()}

    return expect


def check_headers(copy: SiteCopy, expect: ExpectedHeaders) -> list[Finding]:
    """Return how the headers differ from the expected ones: one finding a header and value, with the first address.

    A server that sends none of them is one warning, W-VERIFY-HEADERLESS: such hosts exist, and the page is made for
    them. A difference in caching is a warning, every other one an error.
    """
    answered = [file for file in copy.files.values() if file.answer is not None]
    expected = {file.path: _fold(expect(file.path), copy.where) for file in answered}
    names = {name for headers in expected.values() for name in headers} - _NOT_ISOLATING
    if answered and not any(name in file.answer.headers for file in answered if file.answer for name in names):
        return [_explain_headerless(copy)]
    wrong: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for file in answered:
        for name, values in expected[file.path].items():
            actual = file.answer.headers.get(name) if file.answer else None
            if not any(_agree(name, actual, value) for value in values):
                wrong[name, actual].append(file.path)
    return [_describe(name, actual, paths) for (name, actual), paths in sorted(wrong.items(), key=str)]


def _check_type(file: CopiedFile) -> Iterator[Finding]:
    if file.answer is None:
        return
    sent = file.answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    wanted = find_media_type(file.path).partition(";")[0]
    fits = sent in {wanted} | _ALSO_RIGHT.get(wanted, frozenset()) if wanted != OTHER_TYPE else sent != "text/html"
    if not fits:
        what = f"is sent as {sent or 'nothing'!r}, expected {wanted!r}."
        yield Finding(code="E-VERIFY-TYPE", where=file.path, what=what, fix=_FIX)


def _fold(headers: Mapping[str, tuple[str, ...]], where: str) -> dict[str, tuple[str, ...]]:
    folded = {name.lower(): values for name, values in headers.items() if name.lower() != "content-type"}
    if not where.startswith("https:"):
        folded.pop("strict-transport-security", None)  # browsers ignore it over http
    return folded


def _agree(name: str, actual: str | None, value: str) -> bool:
    if actual is None:
        return False
    if name == _POLICY:
        return parse_policy(actual) == parse_policy(value)
    return "".join(actual.split()).lower() == "".join(value.split()).lower()


def _describe(name: str, actual: str | None, paths: list[str]) -> Finding:
    sent = "is not sent" if actual is None else f"is {actual[:200]!r}, which is not the value of the policy,"
    what = f"the header {name} {sent} at {len(paths)} of the addresses."
    code = "W-VERIFY-CACHE" if name in _CACHING else "E-VERIFY-HEADER"
    return Finding(code=code, where=paths[0], what=what, fix=_FIX)


def _explain_headerless(copy: SiteCopy) -> Finding:
    return Finding(
        code="W-VERIFY-HEADERLESS",
        where=copy.where,
        what="served without headers: isolation comes from the service worker; the air gap itself stands in the pages.",
        fix="Where the server is yours, use the configuration in policies/ of the site.",
    )
