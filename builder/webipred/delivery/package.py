"""A verified site → the files of an archive for a network without internet: site, policies, reports, instructions."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from webipred.digests import hash_bytes
from webipred.errors import FindingsError, refuse
from webipred.site.listing import SUMS_PATH
from webipred.site.sbom import SBOM_PATH
from webipred.site.templates import read_page
from webipred.verify.report import render_verification_json, render_verification_text
from webipred.verify.sheet import render_sheet
from webipred.verify.verification import Verification

INSTRUCTIONS: Final = (("INSTALL.txt", "install.en.txt"), ("INSTALLATION.txt", "install.de.txt"))
_COPIED: Final = ("build/report.json", "build/report.txt", SBOM_PATH)
_POLICIES: Final = "policies/"


def package_site(folder: Path, verification: Verification) -> Iterator[tuple[str, bytes]]:
    """Yield (path, bytes) of every file of the archive; `verification` is that of the site in `folder`.

    Everything stands in one folder that is named after the build. Nothing tells time, place or user, so two archives
    of one build are the same bytes. Files are read one by one and compared once more while they are packed. Raises
    FindingsError for a copy that did not pass, and E-VERIFY-CHANGED for a file that changes meanwhile.
    """
    if not verification.judge(strict=False):
        raise FindingsError(verification.findings)
    root = f"webipred-{verification.build_id}/"
    lines: list[str] = []
    for path, data in [*_list_extras(folder, verification), *_read_site(folder, verification)]:
        lines.append(f"{hash_bytes(data)}  {path}\n")
        yield root + path, data
    yield root + SUMS_PATH, "".join(sorted(lines, key=lambda line: line[66:])).encode()


def _list_extras(folder: Path, verification: Verification) -> Iterator[tuple[str, bytes]]:
    told = dataclasses.replace(verification, where="site")  # not the folder of whoever packs
    for name, template in INSTRUCTIONS:
        text = (read_page(template) or "").replace("{build_id}", verification.build_id)
        yield name, text.replace("{sums_sha256}", verification.sums_sha256).encode()
    yield "reports/verification.json", render_verification_json(told, None, strict=False).encode()
    yield "reports/verification.txt", render_verification_text(told, None, strict=False).encode()
    for language in ("en", "de"):
        yield f"reports/verification.{language}.html", render_sheet(told, None, language, strict=False).encode()
    for path in (*_COPIED, *_list_policies(verification)):
        name = path if path.startswith(_POLICIES) else f"reports/{path.replace('/', '-')}"
        yield name, _read_file(folder, path, verification)


def _list_policies(verification: Verification) -> list[str]:
    return [path for path in sorted(verification.digests) if path.startswith(_POLICIES)]


def _read_site(folder: Path, verification: Verification) -> Iterator[tuple[str, bytes]]:
    for path in sorted(verification.digests):
        yield f"site/{path}", _read_file(folder, path, verification)
    data = (folder / SUMS_PATH).read_bytes()
    _compare(SUMS_PATH, data, verification.sums_sha256)
    yield f"site/{SUMS_PATH}", data


def _read_file(folder: Path, path: str, verification: Verification) -> bytes:
    data = (folder / path).read_bytes()
    _compare(path, data, verification.digests[path])
    return data


def _compare(path: str, data: bytes, sha256: str) -> None:
    if hash_bytes(data) != sha256:
        what = "changed while the archive was being made."
        raise refuse("E-VERIFY-CHANGED", path, what, "Find out who writes into the folder, then pack again.")
