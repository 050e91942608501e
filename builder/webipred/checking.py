"""What can be known of a catalog before anything is fetched: its lint, and what `build` could never make of it."""

from collections.abc import Collection
from dataclasses import replace

from webipred.catalog.entry import CatalogEntry
from webipred.catalog.linting import lint_catalog
from webipred.catalog.loading import LoadedCatalog
from webipred.catalog.lock import Lock
from webipred.convert.framework_route import ENVIRONMENTS
from webipred.convert.worker import CONVERTERS
from webipred.engine.program import compile_program
from webipred.errors import FindingsError
from webipred.findings import Finding
from webipred.site.texts import load_texts


def check_catalog(loaded: LoadedCatalog, lock: Lock, only: Collection[str] = ()) -> tuple[Finding, ...]:
    """Return the lint of the catalog and everything that `build` would refuse without looking at a weight.

    `only` keeps the findings about these entries and about the catalog as a whole; empty: about all entries.
    """
    findings = [*find_language_faults(loaded), *lint_catalog(loaded, lock, only)]
    for entry in loaded.catalog.models:
        if entry.status == "published" and (not only or entry.id in only):
            findings += find_obstacles(loaded, entry)
    return tuple(findings)


def find_obstacles(loaded: LoadedCatalog, entry: CatalogEntry) -> tuple[Finding, ...]:
    """Return why the entry can never be built as it stands, whatever its weights are."""
    return (*_compile_steps(loaded, entry), *_judge_format(loaded, entry))


def find_language_faults(loaded: LoadedCatalog) -> tuple[Finding, ...]:
    """Return the languages of the site that the pages are not translated into."""
    findings: list[Finding] = []
    for language in loaded.catalog.site.languages:
        try:
            load_texts(language)
        except FindingsError as error:
            findings += [replace(finding, where=loaded.locate("site", "languages")) for finding in error.findings]
    return tuple(findings)


def refuse_languages(loaded: LoadedCatalog) -> None:
    """Raise FindingsError E-SITE-LANGUAGE if the pages are not translated into a language of the site."""
    findings = find_language_faults(loaded)
    if findings:
        raise FindingsError(findings)


def _compile_steps(loaded: LoadedCatalog, entry: CatalogEntry) -> tuple[Finding, ...]:
    try:
        compile_program(entry.preprocessing, entry.input)
    except FindingsError as error:
        return tuple(replace(finding, where=loaded.locate(entry.id, finding.where)) for finding in error.findings)
    return ()


def _judge_format(loaded: LoadedCatalog, entry: CatalogEntry) -> tuple[Finding, ...]:
    known = (*CONVERTERS, *ENVIRONMENTS)
    if entry.format in known:
        return ()
    what = f"format {entry.format!r} is not converted yet, only {', '.join(known)}."
    fix = "Publish the model in one of these formats, or set status: draft."
    return (Finding(code="E-CONVERT-FORMAT", where=loaded.locate(entry.id, "format"), what=what, fix=fix),)
