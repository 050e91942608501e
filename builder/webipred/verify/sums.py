"""DigestList: the content of SHA256SUMS, the root that every verification of a copy hangs on."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from webipred.digests import hash_bytes
from webipred.errors import FindingsError, refuse
from webipred.findings import Finding
from webipred.site.listing import SUMS_PATH
from webipred.site.table import FileTable

_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")
_FIX = "Get the list from who built the site; without it nothing can be compared."


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestList:
    """Path → SHA-256 of every file of a site but the list itself; `sha256` is the digest of the list."""

    sha256: str
    files: Mapping[str, str]


def parse_sums(data: bytes, where: str) -> DigestList:
    """Return the list in `data`, the bytes of SHA256SUMS.

    Raises FindingsError E-VERIFY-SUMS when a line is not a digest, two spaces and a path, when a path stands twice or
    leads out of the site, and when the list is empty or names itself.
    """
    text = data.decode("utf-8", errors="replace")
    matches = [_LINE.fullmatch(line) for line in text.splitlines()]
    wrong = [number for number, match in enumerate(matches, 1) if match is None]
    if wrong or not matches:
        what = f"line {wrong[0]} is not a digest, two spaces and a path." if wrong else "is empty."
        raise refuse("E-VERIFY-SUMS", where, what, _FIX)
    pairs = [(match[2], match[1]) for match in matches if match]
    findings = [
        Finding(code="E-VERIFY-SUMS", where=where, what=f"names {path!r}, which cannot be in it.", fix=_FIX)
        for path, _ in pairs
        if path == SUMS_PATH
    ]
    if findings:
        raise FindingsError(findings)
    FileTable((path, b"") for path, _ in pairs)  # refuses paths that lead out, and doubles
    return DigestList(sha256=hash_bytes(data), files=MappingProxyType(dict(pairs)))
