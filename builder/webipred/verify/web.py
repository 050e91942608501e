"""An address → SiteCopy: the listed files, fetched one by one as a browser would and hashed while they arrive."""

import hashlib
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import httpx

from webipred.errors import NetworkError, UsageError, refuse
from webipred.findings import Finding
from webipred.site.listing import SUMS_PATH
from webipred.site.table import MAX_FILE_BYTES
from webipred.sources.connection import TRY_LATER, fail
from webipred.verify.copy import Answer, CopiedFile, SiteCopy, keeps_data
from webipred.verify.sums import DigestList, parse_sums

_ATTEMPTS: Final = 3
_TIMEOUT_S: Final = 30.0
_HIDDEN: Final = (".nojekyll", "_headers")
"""Files for the host itself, which many hosts do not deliver."""


class WebSite:
    """A site at an address; one client, closed at the end of the `with` block."""

    def __init__(self, url: str) -> None:
        self.url = _judge_url(url)
        context = ssl.create_default_context()  # the authorities that this machine trusts, a hospital's own among them
        self._client = httpx.Client(
            headers={"User-Agent": "webipred-build verify", "Accept-Encoding": "identity"},
            timeout=_TIMEOUT_S,
            follow_redirects=False,
            trust_env=False,
            verify=context,
        )

    def __enter__(self) -> "WebSite":
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def read_sums(self) -> DigestList:
        """Return the digests that the site's SHA256SUMS lists.

        Raises NetworkError when the server cannot be reached, FindingsError E-VERIFY-SUMS when it has no such list.
        """
        found = self._fetch(SUMS_PATH, keep=True)
        if isinstance(found, Finding):
            raise NetworkError(found)
        status = found.answer.status if found.answer else 0
        if status != HTTPStatus.OK or found.data is None:
            what = f"the server answers {status}; this is no site of webipred, or not a whole one."
            raise refuse("E-VERIFY-SUMS", self.url + SUMS_PATH, what, "Name the address of the site's first page.")
        return parse_sums(found.data, self.url + SUMS_PATH)

    def read_files(self, paths: Iterable[str], jobs: int = 4) -> SiteCopy:
        """Return the files at `paths` as the server delivers them."""
        with ThreadPoolExecutor(jobs) as pool:
            found = list(pool.map(self._read, paths))
        files = {item.path: item for item in found if isinstance(item, CopiedFile)}
        problems = tuple(item for item in found if isinstance(item, Finding))
        return SiteCopy(where=self.url, kind="address", files=MappingProxyType(files), problems=problems)

    def _read(self, path: str) -> CopiedFile | Finding:
        found = self._fetch(path, keep=False)
        if isinstance(found, Finding) or found.answer is None or found.answer.status == HTTPStatus.OK:
            return found
        return _explain_status(path, found.answer)

    def _fetch(self, path: str, *, keep: bool) -> CopiedFile | Finding:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._fetch_once(path, keep=keep)
            except httpx.HTTPError as error:
                if attempt == _ATTEMPTS:
                    what = f"could not be fetched ({type(error).__name__}) in {attempt} attempts."
                    return fail("E-HTTP-GAVE-UP", self.url + path, what, TRY_LATER).finding
        raise AssertionError("the loop returns")

    def _fetch_once(self, path: str, *, keep: bool) -> CopiedFile:
        digest, size, pieces = hashlib.sha256(), 0, []
        with self._client.stream("GET", self.url + name_address(path)) as response:
            answer = Answer(status=response.status_code, headers=MappingProxyType(_join_headers(response.headers)))
            for piece in response.iter_bytes():
                digest.update(piece)
                size += len(piece)
                if keep or keeps_data(path, size):
                    pieces.append(piece)
                if size > MAX_FILE_BYTES:  # no file of a site is larger: the digest is wrong whatever follows
                    break
        data = b"".join(pieces) if keep or keeps_data(path, size) else None
        return CopiedFile(path=path, sha256=digest.hexdigest(), size_bytes=size, data=data, answer=answer)


def name_address(path: str) -> str:
    """Return the address of a file below the site's own: pages are asked for by their folder, as people do."""
    return path.removesuffix("index.html") if path == "index.html" or path.endswith("/index.html") else path


def is_address(target: str) -> bool:
    """Whether `target` is an address and no folder."""
    return target.lower().startswith(("http://", "https://"))


def _judge_url(url: str) -> str:
    parts = urlsplit(url)
    if not is_address(url) or not parts.hostname or parts.query or parts.fragment or parts.username is not None:
        raise UsageError(f"{url}: not the address of a site. Write https://host/path/ without query, # and user name.")
    return url.removesuffix("index.html").rstrip("/") + "/"


def _join_headers(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): headers[name] for name in headers}


def _explain_status(path: str, answer: Answer) -> Finding:
    name = path.rpartition("/")[2]
    what = f"the server answers {answer.status} in place of the file."
    if name in _HIDDEN and answer.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        return Finding(
            code="N-VERIFY-HIDDEN", where=path, what=f"{what} The file is for the host; no page asks for it."
        )
    if "location" in answer.headers:
        what = f"the server answers {answer.status} and sends visitors to {answer.headers['location']!r}."
    fix = "Copy the site again, whole; then look at the server's rules for this path."
    return Finding(code="E-VERIFY-STATUS", where=path, what=what, fix=fix)
