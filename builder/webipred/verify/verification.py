"""Verification: what was compared about a copy and what came out, as data for the reports."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from webipred.findings import Finding
from webipred.site.listing import GENERATOR_NAME, MANIFEST_PATH
from webipred.site.manifest import FileRef
from webipred.validate.report import Check
from webipred.verify.comparison import FileDifferences, compare_files, describe_differences
from webipred.verify.copy import SiteCopy
from webipred.verify.folder import read_folder, read_folder_sums
from webipred.verify.headers import ExpectedHeaders, check_headers, check_types, expect_headers
from webipred.verify.pages import check_pages, check_policies
from webipred.verify.sums import DigestList
from webipred.verify.web import WebSite

PinKind = Literal["digest", "reference", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What the list of digests is held against: a digest that somebody handed over, or another copy's list.

    Without either, `kind` is `none`: the copy is only compared with its own list, which whoever changes a file can
    change as well. `sha256` is the expected digest of SHA256SUMS, `source` says where it comes from.
    """

    kind: PinKind
    sha256: str
    source: str


NO_PIN = Pin(kind="none", sha256="", source="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The checks of one copy in the order they ran; `generator` and `build_id` are what its manifest says,
    `digests` what its SHA256SUMS lists.
    """

    where: str
    kind: Literal["folder", "address"]
    verifier: str
    generator: str
    build_id: str
    sums_sha256: str
    pin: Pin
    digests: Mapping[str, str]
    read_bytes: int
    differences: FileDifferences
    checks: tuple[Check, ...]

    @property
    def listed_files(self) -> int:
        """How many files SHA256SUMS names."""
        return len(self.digests)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for check in self.checks for finding in check.findings)

    def judge(self, *, strict: bool) -> bool:
        """Whether the copy passed: no errors, and no warnings either where they count."""
        counting = ("error", "warning") if strict else ("error",)
        return not any(finding.severity in counting for finding in self.findings)


class _Listing(BaseModel):
    """What is read of manifest.json; other versions of webipred may write more."""

    generator: str
    build_id: str
    files: list[FileRef]


def pin_reference(folder: Path) -> Pin:
    """Return a pin to the list of another copy in `folder`; raises FindingsError where it has none."""
    return Pin(kind="reference", sha256=read_folder_sums(folder).sha256, source=str(folder))


def verify_folder(folder: Path, verifier: str, pin: Pin = NO_PIN, jobs: int = 2) -> Verification:
    """Return what is to say about the copy in `folder`; `verifier` is the name and version of this program.

    Raises FindingsError when there is no list of digests.
    """
    sums = read_folder_sums(folder)
    return _verify(read_folder(folder, jobs), sums, verifier, pin, ())


def verify_address(
    url: str, verifier: str, pin: Pin = NO_PIN, jobs: int = 4, expect: ExpectedHeaders | None = None
) -> Verification:
    """Return what is to say about the copy that a server delivers at `url`; every listed file is fetched.

    `expect` replaces the headers of the policy model. Files that are there without being listed cannot be seen from
    outside. Raises NetworkError when the server cannot
    be reached, FindingsError when it has no list of digests, UsageError for an address that cannot be one.
    """
    with WebSite(url) as site:
        sums = site.read_sums()
        copy = site.read_files(sums.files, jobs)
    checks = (
        _check("types", "the media type of every answer", check_types(copy)),
        _check("headers", "every header of the policy, at every address", _judge_headers(copy, expect)),
    )
    return _verify(copy, sums, verifier, pin, checks)


def _judge_headers(copy: SiteCopy, expect: ExpectedHeaders | None) -> list[Finding]:
    try:
        return check_headers(copy, expect or expect_headers(copy))
    except ValueError as error:
        what = f"a page has a policy that would open it ({error}), so there are no right headers for this copy."
        fix = "Do not use this copy; build the site again and compare."
        return [Finding(code="E-VERIFY-HEADER", where=copy.where, what=what, fix=fix)]


def _verify(copy: SiteCopy, sums: DigestList, verifier: str, pin: Pin, more: Iterable[Check]) -> Verification:
    differences = compare_files(copy, sums)
    listing = _read_listing(copy)
    found = [*describe_differences(differences, copy, sums), *copy.problems]
    size = sum(file.size_bytes for file in copy.files.values())
    return Verification(
        where=copy.where,
        kind=copy.kind,
        verifier=verifier,
        generator=listing.generator if isinstance(listing, _Listing) else "unknown",
        build_id=listing.build_id if isinstance(listing, _Listing) else "unknown",
        sums_sha256=sums.sha256,
        pin=pin,
        digests=sums.files,
        read_bytes=size,
        differences=differences,
        checks=(
            _check_pin(pin, sums),
            _check("files", f"{len(sums.files)} files, {size / 1e6:.1f} MB", found),
            _check_listing(listing, sums),
            _check("pages", "no code that no policy pins, no address of another host but links", check_pages(copy)),
            _check_policies(copy, listing, verifier),
            *more,
        ),
    )


def _check(name: str, detail: str, findings: Iterable[Finding]) -> Check:
    listed = tuple(findings)
    failed = any(finding.severity == "error" for finding in listed)
    return Check(name=name, outcome="failed" if failed else "passed", detail=detail, findings=listed)


def _check_pin(pin: Pin, sums: DigestList) -> Check:
    if pin.kind == "none":
        what = f"the list itself (sha256 {sums.sha256}) was not compared with anything: it came with the copy."
        fix = "Pass --digest with the digest that the builder published, or --reference with a copy of your own."
        warning = Finding(code="W-VERIFY-UNPINNED", where="SHA256SUMS", what=what, fix=fix)
        return Check(name="list", outcome="skipped", detail="not pinned", findings=(warning,))
    if pin.sha256 == sums.sha256:
        return Check(name="list", outcome="passed", detail=f"as {pin.source}")
    what = f"is another list: sha256 {sums.sha256}, expected {pin.sha256} ({pin.source})."
    fix = "This is another build, or a changed one; do not use it before its builder has explained it."
    finding = Finding(code="E-VERIFY-PIN", where="SHA256SUMS", what=what, fix=fix)
    return Check(name="list", outcome="failed", detail="another list", findings=(finding,))


def _read_listing(copy: SiteCopy) -> "_Listing | Finding":
    file = copy.files.get(MANIFEST_PATH)
    try:
        return _Listing.model_validate_json((file.data if file else None) or b"")
    except ValidationError:
        what = "is not there, or no manifest that this version reads."
        return Finding(code="E-VERIFY-MANIFEST", where=MANIFEST_PATH, what=what, fix="Copy the site again, whole.")


def _check_listing(listing: "_Listing | Finding", sums: DigestList) -> Check:
    if isinstance(listing, Finding):
        return _check("manifest", "not readable", [listing])
    named = {file.path: file.sha256 for file in listing.files}
    listed = {path: digest for path, digest in sums.files.items() if path != MANIFEST_PATH}
    differing = sorted(path for path in named.keys() | listed.keys() if named.get(path) != listed.get(path))
    findings = [
        Finding(
            code="E-VERIFY-MANIFEST",
            where=path,
            what="manifest.json and SHA256SUMS do not say the same of this file.",
            fix="Do not use this copy; no build makes two lists that differ.",
        )
        for path in differing
    ]
    return _check("manifest", f"build {listing.build_id}, same files as SHA256SUMS", findings)


def _check_policies(copy: SiteCopy, listing: "_Listing | Finding", verifier: str) -> Check:
    """Compare the policies with this version's model; a site of another version may rightly have others."""
    generator = listing.generator if isinstance(listing, _Listing) else ""
    if generator and generator != verifier and generator.startswith(f"{GENERATOR_NAME} "):
        what = f"the site was built by {generator}; its policies were not compared with those of {verifier}."
        fix = f"Verify with {generator}, too."
        warning = Finding(code="W-VERIFY-VERSION", where=MANIFEST_PATH, what=what, fix=fix)
        return Check(name="policies", outcome="skipped", detail="another version", findings=(warning,))
    return _check("policies", "the policy of every page is that of its content", check_policies(copy))
