"""sbom.cdx.json: what a site consists of, as a bill of materials in CycloneDX 1.6.

Libraries are the packages of other people that are inside the emitted scripts; every model is a component of its own
with licence, digests, origin, converter and model card. There is no time and no random number in it: the serial number
is derived from the build id, so the same build has the same bill.
"""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypedDict

from pydantic import JsonValue

from webipred.catalog.entry import CatalogEntry, Evaluation
from webipred.catalog.node import LocalText, translate
from webipred.catalog.source import HuggingfaceSource, UrlSource, ZenodoSource
from webipred.site.manifest import BundleManifest, FileRef, SiteManifest
from webipred.site.markdown import strip_markdown
from webipred.validate.bundle import ModelBundle

SBOM_PATH: Final = "sbom.cdx.json"
COMPONENTS_ASSET: Final = "components.json"
_SITE: Final = "site"

Node = dict[str, JsonValue]


class Package(TypedDict):
    """One package of npm; `sha512` is the digest of its archive in the registry."""

    name: str
    version: str
    license: str
    sha512: str


def render_sbom(
    manifest: SiteManifest, bundles: Sequence[ModelBundle], components: bytes, tools: Mapping[str, str]
) -> bytes:
    """Return the bill of a site: `bundles` in the order of its models, `components` as the build of the scripts wrote
    them, `tools` the Python packages that made the bytes.

    Raises ValueError when a package is in a file that the site has no place for.
    """
    libraries = list(_list_libraries(manifest, json.loads(components)))
    files = [_describe_file(file) for file in _list_engine(manifest)]
    models = [
        _describe_model(bundle, model, manifest, tools) for bundle, model in zip(bundles, manifest.models, strict=True)
    ]
    listed = [*libraries, *files, *models]
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'webipred:{manifest.build_id}')}",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": _list_tools(manifest, tools)},
            "component": {
                "type": "application",
                "bom-ref": _SITE,
                "name": manifest.title[manifest.languages[0]],
                "version": manifest.build_id,
                "supplier": {"name": manifest.operator},
            },
        },
        "components": listed,
        "dependencies": [{"ref": _SITE, "dependsOn": [item["bom-ref"] for item in listed]}],
    }
    return (json.dumps(bill, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _list_tools(manifest: SiteManifest, tools: Mapping[str, str]) -> list[Node]:
    program, _, version = manifest.generator.partition(" ")
    own: Node = {"type": "application", "name": program, "version": version, "licenses": _license("Apache-2.0")}
    libraries: list[Node] = [{"type": "library", "name": name, "version": tools[name]} for name in sorted(tools)]
    return [own, *libraries]


def _list_libraries(manifest: SiteManifest, components: Mapping[str, Sequence[Package]]) -> Iterator[Node]:
    """Yield every package once, with the files of the site that hold it."""
    places = _locate_assets(manifest)
    packages: dict[str, Package] = {}
    found: dict[str, set[str]] = {}
    for asset, contained in components.items():
        if asset not in places:
            raise ValueError(f"{asset} holds packages, and the bill of materials knows no place for it")
        for package in contained if places[asset] else ():
            address = _name_package(package)
            packages[address] = package
            found.setdefault(address, set()).add(places[asset])
    for address in sorted(packages):
        yield _describe_package(address, packages[address], sorted(found[address]))


def _locate_assets(manifest: SiteManifest) -> dict[str, str]:
    """Return asset name → path of the file that it is in; empty for what this site does not hold."""
    engine, fallback = manifest.engine, manifest.engine.fallback
    measured = any(model.runtime == "compiled" for model in manifest.models)
    return {
        "bench.js": "bench/index.html" if measured else "",
        "bench-ort.js": "",  # of the command `bench` only
        "shell.js": "predict/index.html",
        "vault.js": "predict/index.html",
        "catalog.js": "index.html",
        "privacy.js": "privacy/index.html",
        "sw.js": "sw.js",
        "engine.js": engine.script.path,
        "engine-ort.js": fallback.script.path if fallback else "",
        "ort.wasm": fallback.runtime.path if fallback else "",
    }


def _name_package(package: Package) -> str:
    return f"pkg:npm/{package['name'].replace('@', '%40')}@{package['version']}"


def _describe_package(address: str, package: Package, paths: Iterable[str]) -> Node:
    return {
        "type": "library",
        "bom-ref": address,
        "name": package["name"],
        "version": package["version"],
        "purl": address,
        "licenses": _license(package["license"]),
        "hashes": [{"alg": "SHA-512", "content": package["sha512"]}],
        "evidence": {"occurrences": [{"location": path} for path in paths]},
    }


def _list_engine(manifest: SiteManifest) -> tuple[FileRef, ...]:
    return (manifest.engine.script, manifest.engine.preprocess, *manifest.engine.networks.list_builds())


def _describe_file(file: FileRef) -> Node:
    return {
        "type": "file",
        "bom-ref": file.path,
        "name": file.path,
        "licenses": _license("Apache-2.0"),
        "hashes": [_sha256(file.sha256)],
    }


def _describe_model(
    bundle: ModelBundle, model: BundleManifest, manifest: SiteManifest, tools: Mapping[str, str]
) -> Node:
    entry, language = bundle.entry, manifest.languages[0]
    properties = {
        "webipred:converter": bundle.model.converter,
        "webipred:converter-version": manifest.generator,
        **{f"webipred:converter-library:{name}": tools[name] for name in sorted(tools)},
        "webipred:jail": str(bundle.model.jail),
        "webipred:onnx-sha256": bundle.model.sha256,
        "webipred:runtime": bundle.runtime,
        "webipred:preprocessing-sha256": bundle.preprocessing_sha256,
        "webipred:license-of-data": entry.license.data,
        "webipred:license-of-code": entry.license.code,
    }
    publications: list[JsonValue] = [
        {"type": "documentation", "url": url, "comment": text} for url, text in _list_publications(entry)
    ]
    described: Node = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{entry.id}@{entry.version}",
        "name": entry.id,
        "version": entry.version,
        "description": _say(entry.summary, language),
        "licenses": _license(entry.license.weights),
        "hashes": [_sha256(model.weights.sha256)],
        "externalReferences": [{"type": "model-card", "url": f"models/{entry.id}/"}, *publications],
        "pedigree": {"ancestors": [_describe_origin(bundle)], "notes": "Converted and validated; see build/."},
        "modelCard": _describe_card(entry, language),
        "properties": [{"name": name, "value": value} for name, value in properties.items()],
    }
    if entry.authors:
        described["authors"] = [{"name": author.name} for author in entry.authors]
    return described


def _describe_origin(bundle: ModelBundle) -> Node:
    """Return the published weights that the network was converted from."""
    origin: Node = {
        "type": "machine-learning-model",
        "name": bundle.source_file,
        "licenses": _license(bundle.entry.license.weights),
        "hashes": [_sha256(bundle.source_sha256)],
    }
    addresses = list(_list_origins(bundle.entry))
    if addresses:
        origin["externalReferences"] = [{"type": "distribution", "url": url} for url in addresses]
    return origin


def _list_origins(entry: CatalogEntry) -> Iterator[str]:
    match entry.source:
        case ZenodoSource(record=record):
            yield f"https://doi.org/10.5281/zenodo.{record}"
        case HuggingfaceSource(repository=repository, commit=commit):
            yield f"https://huggingface.co/{repository}/tree/{commit}"
        case UrlSource(url=url):
            yield url
        case _:  # a folder beside the catalog has no address
            return


def _list_publications(entry: CatalogEntry) -> Iterator[tuple[str, str]]:
    for citation in entry.cite:
        if citation.doi:
            yield f"https://doi.org/{citation.doi}", citation.text


def _describe_card(entry: CatalogEntry, language: str) -> Node:
    limitations: list[JsonValue] = [_say(text, language) for text in (*entry.limitations, *entry.cautions)]
    if entry.out_of_scope:
        limitations.append(f"Out of scope: {_say(entry.out_of_scope, language)}")
    card: Node = {
        "modelParameters": {
            "task": entry.task,
            "inputs": [{"format": f"image {entry.input.width}x{entry.input.height} {entry.input.channels}"}],
            "outputs": [{"format": f"probability of {item.id}"} for item in entry.classes],
            "datasets": [_describe_dataset(evaluation, entry) for evaluation in entry.evaluation],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [metric for item in entry.evaluation for metric in _list_metrics(item)]
        },
        "considerations": {
            "useCases": [_say(entry.intended_use or "", language)],
            "technicalLimitations": limitations,
        },
    }
    return card


def _describe_dataset(evaluation: Evaluation, entry: CatalogEntry) -> Node:
    told = f"{evaluation.role}, {evaluation.n} images; {evaluation.source}"
    licensed = f"; licence of the data: {entry.license.data}" if evaluation.role != "external" else ""
    return {"type": "dataset", "name": evaluation.dataset, "description": told + licensed}


def _list_metrics(evaluation: Evaluation) -> Iterator[Node]:
    for name, value in evaluation.metrics.items():
        metric: Node = {"type": name, "value": repr(value), "slice": f"{evaluation.dataset} ({evaluation.role})"}
        interval = evaluation.intervals.get(name)
        if interval:
            metric["confidenceInterval"] = {"lowerBound": repr(interval[0]), "upperBound": repr(interval[1])}
        yield metric


def _license(identifier: str) -> list[JsonValue]:
    """Return an SPDX expression, which unlike an `id` may be a LicenseRef."""
    return [{"expression": identifier}]


def _sha256(digest: str) -> Node:
    return {"alg": "SHA-256", "content": digest}


def _say(text: LocalText, language: str) -> str:
    return strip_markdown(translate(text, language))
