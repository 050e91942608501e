"""All static pages of a site, in every language: catalog, model cards, reports, build report, privacy, licences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from webipred.site.bundles import BundleFiles
from webipred.site.cards import ModelCard, list_facets, make_card
from webipred.site.manifest import BundleManifest, EngineRef
from webipred.site.notices import Notice
from webipred.site.outcomes import EntryOutcome
from webipred.site.policy import bench_page_policy, privacy_page_policy, static_page_policy
from webipred.site.proof import PROOF_PATH, ProofReport
from webipred.site.rendering import Layout, MakePolicy, Place, render_page
from webipred.site.report_json import render_report_json, render_reports_json
from webipred.site.report_text import rank_findings, render_report_text, render_reports_text
from webipred.site.texts import load_texts
from webipred.validate.bundle import ModelBundle

File = tuple[str, bytes]

PRIVACY_PATH = "privacy/index.html"
BENCH_PATH = "bench/index.html"
"""Beside the workspace the pages that ask their own host for something; in every language's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContent:
    """What the pages tell: models and their files, engine, outcomes in catalog order, models that can be measured."""

    models: tuple[tuple[ModelBundle, BundleFiles], ...]
    engine: EngineRef
    outcomes: tuple[EntryOutcome, ...]
    notices: tuple[Notice, ...]
    catalog_script: str
    privacy_script: str
    proof: ProofReport | None
    measured: tuple[BundleManifest, ...]
    bench_script: str | None


def render_pages(layout: Layout, content: PageContent) -> Iterator[File]:
    """Yield (path, bytes) of every page and report file."""
    for language in layout.site.languages:
        yield from _render_language(layout, content, language)
    yield _render_missing(layout)
    yield "build/report.json", render_reports_json(content.outcomes).encode()
    yield "build/report.txt", render_reports_text(content.outcomes).encode()
    for outcome in content.outcomes:
        if outcome.status == "published":
            yield f"models/{outcome.entry.id}/report.json", render_report_json(outcome).encode()
            yield f"models/{outcome.entry.id}/report.txt", render_report_text(outcome).encode()
    if content.proof is not None:
        yield PROOF_PATH, content.proof.render()
    for notice in content.notices:
        yield notice.path, notice.text
    for bundle, _ in content.models:
        if bundle.licence_text is not None:
            yield f"licenses/models/{bundle.entry.id}.txt", bundle.licence_text.encode()


def _render_language(layout: Layout, content: PageContent, language: str) -> Iterator[File]:
    def render(
        path: str,
        template: str,
        values: Mapping[str, object],
        script: str | None = None,
        make_policy: MakePolicy = static_page_policy,
    ) -> File:
        place = Place(path=path, language=language, default_language=layout.site.languages[0])
        return render_page(layout, place, template, values, script, make_policy)

    cards = [make_card(bundle, files, content.engine, language) for bundle, files in content.models]
    listing = {"cards": cards, "facets": list_facets(cards), "unpublished": _select_unpublished(content.outcomes)}
    yield render("index.html", "catalog", listing, content.catalog_script if len(cards) > 1 else None)
    yield render("build/index.html", "build", {"outcomes": content.outcomes})
    yield render(PRIVACY_PATH, "privacy", {"proof": content.proof}, content.privacy_script, privacy_page_policy)
    yield render("licenses/index.html", "licenses", {"cards": cards, "notices": content.notices})
    bench_policy = bench_page_policy if content.bench_script else static_page_policy
    yield render(BENCH_PATH, "bench", {"models": content.measured}, content.bench_script, bench_policy)
    for card in cards:
        folder = f"models/{card.entry.id}"
        yield render(f"{folder}/index.html", "model", {"card": card})
        yield render(f"{folder}/report.html", "report", _describe_report(card))


def _describe_report(card: ModelCard) -> dict[str, object]:
    findings = rank_findings(card.outcome.findings)
    return {"outcome": card.outcome, "findings": findings, "goldens": card.bundle.goldens}


def _select_unpublished(outcomes: Sequence[EntryOutcome]) -> list[EntryOutcome]:
    return [outcome for outcome in outcomes if outcome.status != "published"]


def _render_missing(layout: Layout) -> File:
    """Return 404.html, once for all languages: a host shows it at any depth, so it links to nothing."""
    default, *others = layout.site.languages
    place = Place(path="404.html", language=default, default_language=default)
    return render_page(layout, place, "missing", {"other_texts": [load_texts(language) for language in others]})
