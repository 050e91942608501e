"""What can be said about a valid catalog without a network: locks, samples, licences, texts, evidence.

An entry that cannot be built yet, because nobody has locked it, gets warnings where a buildable one gets errors:
`check` stays green on a catalog whose remote entries wait for their first `lock`.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from webipred.catalog.entry import CatalogEntry
from webipred.catalog.loading import LoadedCatalog
from webipred.catalog.lock import Lock
from webipred.catalog.locking import is_stale, needs_lock
from webipred.catalog.node import LocalText
from webipred.catalog.source import FolderSource
from webipred.digests import hash_file
from webipred.findings import Finding

_UNSAFE_LINK: Final = re.compile(r"http://\S+")
_HTML: Final = re.compile(r"</?[a-zA-Z][^>]*>")


def lint_catalog(loaded: LoadedCatalog, lock: Lock, only: Collection[str] = ()) -> tuple[Finding, ...]:
    """Return everything worth saying about the catalog and its lock, in the order of the entries.

    `only` leaves out the other entries; empty: none.
    """
    findings: list[Finding] = []
    for entry in loaded.catalog.models:
        if not only or entry.id in only:
            findings += lint_entry(loaded, lock, entry)
    known = {entry.id for entry in loaded.catalog.models}
    for entry_id in sorted(lock.models.keys() - known):
        what = "the lock holds an entry that the catalog does not."
        fix = "Run `webipred-build lock` to remove it."
        findings.append(Finding(code="W-LOCK-ORPHAN", where=f"model_catalog.lock {entry_id}", what=what, fix=fix))
    return tuple(findings)


def lint_entry(loaded: LoadedCatalog, lock: Lock, entry: CatalogEntry) -> Iterator[Finding]:
    """Yield the findings about one entry."""
    yield from _lint_files(loaded, entry)
    yield from _lint_texts(loaded, entry)
    if entry.status != "published":
        what = f"the entry is {entry.status} and is not built: {entry.status_reason}"
        yield Finding(code="N-ENTRY-STATUS", where=loaded.locate(entry.id, "status"), what=what)
        return
    locks = list(_lint_lock(loaded, lock, entry))
    yield from locks
    buildable = not locks
    yield from _lint_license(loaded, entry, buildable=buildable)
    yield from _lint_samples(loaded, entry, buildable=buildable)
    yield from _lint_evidence(loaded, entry)


def _lint_license(loaded: LoadedCatalog, entry: CatalogEntry, *, buildable: bool) -> Iterator[Finding]:
    """Yield why the weights may not be published: an error for an entry that could be built, else a warning."""
    stated, allowed = entry.license.weights, loaded.catalog.policy.licenses.allow
    if stated in allowed:
        return
    if stated == "unknown":
        what = "the licence of the weights is unknown."
        fix = "Read what their publisher states (for Zenodo: the record) and write it into license.weights."
    else:
        what = f"the licence {stated!r} is not one of {', '.join(allowed)}."
        fix = "Add it to policy.licenses.allow if you may publish under it, or set status: draft."
    code = "E-LICENSE-POLICY" if buildable else "W-LICENSE-POLICY"
    yield Finding(code=code, where=loaded.locate(entry.id, "license.weights"), what=what, fix=fix)


def _lint_samples(loaded: LoadedCatalog, entry: CatalogEntry, *, buildable: bool) -> Iterator[Finding]:
    """Yield the classes without a sample: their place in the output is unproven."""
    shown = {sample.class_id for sample in entry.samples}
    missing = [model_class.id for model_class in entry.classes if model_class.id not in shown]
    if not missing:
        return
    what = f"no labelled sample shows the class {', '.join(missing)}, so the order of the classes is unproven."
    fix = "Add an image of each under samples, with its class, licence and sha256."
    code = "E-SAMPLE-CLASS" if buildable else "W-SAMPLE-CLASS"
    yield Finding(code=code, where=loaded.locate(entry.id, "samples"), what=what, fix=fix)


def _lint_lock(loaded: LoadedCatalog, lock: Lock, entry: CatalogEntry) -> Iterator[Finding]:
    if not needs_lock(entry):
        return
    where = loaded.locate(entry.id, "source")
    locked = lock.models.get(entry.id)
    fix = f"Run `webipred-build lock --only {entry.id}` on a machine with internet access."
    if locked is None:
        what = "the source is not locked; the entry is skipped when building."
        yield Finding(code="W-LOCK-MISSING", where=where, what=what, fix=fix)
    elif is_stale(entry, locked):
        what = f"the source was changed after it was locked (to {locked.file!r}); the entry is skipped when building."
        yield Finding(code="W-LOCK-STALE", where=where, what=what, fix=fix)


def _lint_files(loaded: LoadedCatalog, entry: CatalogEntry) -> Iterator[Finding]:
    for index, sample in enumerate(entry.samples):
        where = loaded.locate(entry.id, f"samples[{index}].file")
        path = loaded.folder / sample.file
        fault = _judge_path(path, loaded.folder, sample.file)
        if fault:
            yield Finding(code="E-SAMPLE-FILE", where=where, what=fault, fix="Put the image there or correct the path.")
            continue
        found = hash_file(path)
        if found != sample.sha256:
            what = f"{sample.file!r} has sha256 {found}, the catalog says {sample.sha256}."
            fix = "Restore the image, or correct sha256 if the change is wanted."
            yield Finding(code="E-SAMPLE-SHA256", where=where, what=what, fix=fix)
    notice = entry.license.notice
    fault = _judge_path(loaded.folder / notice, loaded.folder, notice) if notice else None
    if fault:
        where = loaded.locate(entry.id, "license.notice")
        yield Finding(code="E-LICENSE-NOTICE", where=where, what=fault, fix="Put the licence text there.")
    if isinstance(entry.source, FolderSource) and not (loaded.folder / entry.source.path).exists():
        what = f"{entry.source.path!r} does not exist beside the catalog."
        where = loaded.locate(entry.id, "source.path")
        yield Finding(code="E-FOLDER-MISSING", where=where, what=what, fix="Correct the path.")


def _judge_path(path: Path, folder: Path, shown: str) -> str | None:
    if not path.is_file():
        return f"{shown!r} does not exist beside the catalog, or is not a file."
    if not path.resolve().is_relative_to(folder):
        return f"{shown!r} is a link that leaves the catalog's folder."
    return None


def _lint_texts(loaded: LoadedCatalog, entry: CatalogEntry) -> Iterator[Finding]:
    for field, text in _list_texts(entry):
        where = loaded.locate(entry.id, field)
        languages = {"": text} if isinstance(text, str) else text
        for written in languages.values():
            link, tag = _UNSAFE_LINK.search(written), _HTML.search(written)
            if link:
                what = f"the link {link[0][:100]!r} is not encrypted."
                yield Finding(code="W-TEXT-HTTP", where=where, what=what, fix="Write https.")
            if tag:
                what = f"{tag[0][:60]!r} looks like HTML and will be shown as it stands."
                yield Finding(code="W-TEXT-HTML", where=where, what=what, fix="Use the Markdown subset.")
        missing = [] if isinstance(text, str) else [code for code in loaded.catalog.site.languages if code not in text]
        if missing:
            what = f"there is no text in {', '.join(missing)}; another language is shown instead."
            yield Finding(code="N-TEXT-LANGUAGE", where=where, what=what, fix="Translate it.")


def _list_texts(entry: CatalogEntry) -> Iterator[tuple[str, LocalText]]:
    yield "name", entry.name
    yield "summary", entry.summary
    for name, text in (("intended_use", entry.intended_use), ("out_of_scope", entry.out_of_scope)):
        if text is not None:
            yield name, text
    for name, texts in (("limitations", entry.limitations), ("cautions", entry.cautions)):
        for index, item in enumerate(texts):
            yield f"{name}[{index}]", item


def _lint_evidence(loaded: LoadedCatalog, entry: CatalogEntry) -> Iterator[Finding]:
    if not entry.cite:
        what = "nothing is cited."
        fix = "Name the publication of the model or of its data."
        yield Finding(code="W-CITE-MISSING", where=loaded.locate(entry.id, "cite"), what=what, fix=fix)
    if not any(evaluation.role in ("test", "external") for evaluation in entry.evaluation):
        what = "no evaluation on data that were held out from training."
        fix = "Add one with role test or external; until then the model card says that none is known."
        yield Finding(code="N-EVALUATION-ROLE", where=loaded.locate(entry.id, "evaluation"), what=what, fix=fix)
