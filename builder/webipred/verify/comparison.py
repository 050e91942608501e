"""The files of a copy against the list of digests: changed, missing and extra ones by name."""

from collections.abc import Iterable
from dataclasses import dataclass

from webipred.findings import Finding
from webipred.site.listing import SUMS_PATH
from webipred.verify.copy import SiteCopy
from webipred.verify.sums import DigestList

_COPY_AGAIN = "Copy the built site again, whole; if it happens again, find out who changes it."


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDifferences:
    """Paths in order. `unread` could not be looked at, for the reasons in the copy's problems."""

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    unread: tuple[str, ...]


def compare_files(copy: SiteCopy, sums: DigestList) -> FileDifferences:
    """Return how the files of `copy` differ from the listed ones."""
    unread = {problem.where.removeprefix(copy.where) for problem in copy.problems}
    listed, found = set(sums.files), set(copy.files)
    return FileDifferences(
        changed=tuple(sorted(path for path in listed & found if copy.files[path].sha256 != sums.files[path])),
        missing=tuple(sorted(listed - found - unread)),
        extra=tuple(sorted((found | unread) - listed - {SUMS_PATH})),
        unread=tuple(sorted(unread & listed)),
    )


def describe_differences(differences: FileDifferences, copy: SiteCopy, sums: DigestList) -> Iterable[Finding]:
    """Yield a finding for every changed, missing and extra file; unread ones have theirs in the copy."""
    for path in differences.changed:
        what = f"is not the built file: sha256 {copy.files[path].sha256}, listed {sums.files[path]}."
        yield Finding(code="E-VERIFY-CHANGED", where=path, what=what, fix=_COPY_AGAIN)
    for path in differences.missing:
        yield Finding(code="E-VERIFY-MISSING", where=path, what="is listed and not there.", fix=_COPY_AGAIN)
    for path in differences.extra:
        fix = "Remove it; a site holds nothing but what was built."
        yield Finding(code="E-VERIFY-EXTRA", where=path, what="is there and not listed.", fix=fix)
