"""Catalog and bundles → Site: the last pure step before the disk."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from webipred import __version__
from webipred.assets import read_asset
from webipred.catalog.catalog import Catalog
from webipred.catalog.node import translate
from webipred.digests import hash_bytes, hash_json
from webipred.errors import FindingsError
from webipred.findings import Finding
from webipred.site.bundles import BundleFiles, publish_bundle
from webipred.site.emission import check_emission, find_addresses
from webipred.site.icon import ICON_SVG
from webipred.site.listing import GENERATOR_NAME, complete_table
from webipred.site.manifest import FORMAT_VERSION, EngineRef, FallbackRef, NetworksRef, SiteManifest
from webipred.site.measuring import list_measured, place_worker, render_bench_script
from webipred.site.notices import Notice, read_notices
from webipred.site.outcomes import EntryOutcome, Unpublished, describe_bundle, describe_unpublished
from webipred.site.pages import File, PageContent, render_pages
from webipred.site.proof import ProofReport
from webipred.site.rendering import Layout
from webipred.site.sbom import COMPONENTS_ASSET, SBOM_PATH, render_sbom
from webipred.site.serving import add_serving_files
from webipred.site.table import FileTable, describe_file, place_asset
from webipred.site.templates import hash_templates
from webipred.site.tools import list_tools
from webipred.site.workspace import render_workspace
from webipred.validate.bundle import ModelBundle

__all__ = ["ReadAsset", "Site", "Unpublished", "assemble_site"]

ReadAsset = Callable[[str], bytes]
"""Returns a built asset by name; raises FindingsError when it is missing."""

WORKSPACE_PATH = "predict/index.html"
ENGINE_ASSETS = ("engine.js", "engine.wasm")
NETWORK_ASSETS = ("net.wasm", "net-threads.wasm", "net-relaxed.wasm", "net-relaxed-threads.wasm")
FALLBACK_ASSETS = ("engine-ort.js", "ort.wasm")
_CODE_ASSETS = (
    *("shell.js", "vault.js", "sw.js", "catalog.js", "privacy.js", "bench.js", "bench-engine.js"),
    *("site.css", "workspace.css", "vault.css"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A complete site: every file, the manifest baked into its workspace, and what became of every entry."""

    table: FileTable
    manifest: SiteManifest
    outcomes: tuple[EntryOutcome, ...]

    @property
    def build_id(self) -> str:
        return self.manifest.build_id


def assemble_site(
    catalog: Catalog,
    bundles: Sequence[ModelBundle],
    unpublished: Sequence[Unpublished],
    assets: ReadAsset = read_asset,
    notices: tuple[Notice, ...] | None = None,
    proof: ProofReport | None = None,
) -> Site:
    """Return the site of `catalog` with the models of `bundles`; the same inputs give the same bytes everywhere.

    Entries that are neither in `bundles` nor in `unpublished` are listed as not built. `notices` default to the
    licence texts of the installed package. `proof` is shown on the privacy page; the build id does not cover it, so
    that a report about a build can be put into the same build. Raises FindingsError for a language without page
    texts, for bad paths, and for output that breaks its own policy.
    """
    order = {entry.id: position for position, entry in enumerate(catalog.models)}
    ordered = sorted(bundles, key=lambda bundle: order[bundle.entry.id])
    published = [publish_bundle(bundle, catalog.site.languages) for bundle in ordered]
    engine, engine_files = _place_engine(published, assets)
    manifest = _describe_site(catalog, published, engine, assets)
    measured = list_measured(published)
    content = PageContent(
        models=tuple(zip(ordered, published, strict=True)),
        engine=engine,
        outcomes=_list_outcomes(catalog, bundles, unpublished),
        notices=read_notices() if notices is None else notices,
        catalog_script=assets("catalog.js").decode(),
        privacy_script=assets("privacy.js").decode(),
        proof=proof,
        measured=tuple(measured),
        bench_script=render_bench_script(measured, engine, manifest.build_id, assets),
    )
    icon = place_asset(ICON_SVG, "svg")
    shared = {path: data for files in published for path, data in files.files}  # models may share an image
    layout = Layout(
        site=catalog.site,
        build_id=manifest.build_id,
        generator=manifest.generator,
        style=assets("site.css").decode(),
        icon_path=icon[0],
    )
    workspace = (WORKSPACE_PATH, render_workspace(manifest, assets))
    bill = (SBOM_PATH, render_sbom(manifest, ordered, assets(COMPONENTS_ASSET), list_tools()))
    worker = [place_worker(assets)] if measured else []
    pages = [*render_pages(layout, content), workspace]
    files = [*shared.items(), *engine_files, *worker, icon, *pages, bill, (".nojekyll", b"")]
    table = FileTable(files)
    _refuse_bad_output(table, catalog)
    served = add_serving_files(table, manifest, assets)
    _refuse_bad_output(FileTable(file for file in served if file[0] not in table.paths), catalog)
    return Site(table=complete_table(manifest, served), manifest=manifest, outcomes=content.outcomes)


def _place_engine(published: Iterable[BundleFiles], assets: ReadAsset) -> tuple[EngineRef, list[File]]:
    """Return the engine's files; onnxruntime-web is among them only if a model needs it."""
    needs_fallback = any(files.manifest.runtime == "onnxruntime-web" for files in published)
    names = ENGINE_ASSETS + NETWORK_ASSETS + (FALLBACK_ASSETS if needs_fallback else ())
    files = [place_asset(assets(name), name.rpartition(".")[2]) for name in names]
    script, preprocess, plain, plain_threads, relaxed, relaxed_threads, *others = (
        describe_file(path, data) for path, data in files
    )
    networks = NetworksRef(plain=plain, plain_threads=plain_threads, relaxed=relaxed, relaxed_threads=relaxed_threads)
    fallback = FallbackRef(script=others[0], runtime=others[1]) if others else None
    return EngineRef(script=script, preprocess=preprocess, networks=networks, fallback=fallback), files


def _describe_site(
    catalog: Catalog, published: Iterable[BundleFiles], engine: EngineRef, assets: ReadAsset
) -> SiteManifest:
    models = [files.manifest for files in published]
    generator = f"{GENERATOR_NAME} {__version__}"
    identity = {
        "generator": generator,
        "catalog": catalog.model_dump(mode="json", by_alias=True),
        "models": [model.model_dump(mode="json") for model in models],
        "engine": engine.model_dump(mode="json"),
        "code": {name: hash_bytes(assets(name)) for name in _CODE_ASSETS},
        "templates": hash_templates(),
        "tools": list_tools(),
    }
    return SiteManifest(
        format_version=FORMAT_VERSION,
        build_id=hash_json(identity)[:16],
        generator=generator,
        title={language: translate(catalog.site.title, language) for language in catalog.site.languages},
        operator=catalog.site.operator,
        languages=list(catalog.site.languages),
        engine=engine,
        models=models,
        service_worker="sw.js",
        idle_minutes=catalog.site.clear_after_idle_minutes,
    )


def _list_outcomes(
    catalog: Catalog, bundles: Iterable[ModelBundle], unpublished: Iterable[Unpublished]
) -> tuple[EntryOutcome, ...]:
    known = {bundle.entry.id: describe_bundle(bundle) for bundle in bundles}
    known |= {item.entry.id: describe_unpublished(item) for item in unpublished}
    for entry in catalog.models:
        if entry.id not in known:
            finding = Finding(code="N-ENTRY-UNSELECTED", where=entry.id, what="was not selected for this build.")
            known[entry.id] = describe_unpublished(Unpublished(entry=entry, findings=(finding,), report=None))
    return tuple(known[entry.id] for entry in catalog.models)


def _refuse_bad_output(table: FileTable, catalog: Catalog) -> None:
    findings = check_emission(table, find_addresses([catalog.model_dump_json()]))
    if findings:
        raise FindingsError(findings)
