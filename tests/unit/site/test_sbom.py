"""The bill of materials: valid by the official schema, complete, and the same for the same build."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from pydantic import JsonValue

import bundles
from webipred.catalog.catalog import Catalog
from webipred.site.assembly import assemble_site
from webipred.site.sbom import SBOM_PATH, render_sbom

PACKAGE = {"name": "@scope/thing", "version": "1.0.0", "license": "MIT", "sha512": "0" * 128}


def build_sbom(catalog: Catalog | None = None, packages: Mapping[str, object] | None = None) -> bytes:
    """Return the bill of the small site; `packages` replace what the scripts hold."""
    chosen = catalog or bundles.make_catalog()
    assets = bundles.make_assets()
    if packages:
        assets["components.json"] = json.dumps(packages).encode()
    site = assemble_site(
        chosen, bundles.make_bundles(chosen), bundles.make_unpublished(chosen), assets.__getitem__, notices=()
    )
    return site.table.read(SBOM_PATH)


@pytest.fixture(scope="module")
def text() -> bytes:
    return build_sbom()


def list_components(text: bytes, kind: str) -> list[dict[str, JsonValue]]:
    return [component for component in json.loads(text)["components"] if component["type"] == kind]


def test_the_official_schema_accepts_it(text: bytes) -> None:
    assert None is JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.decode())


def test_the_official_schema_would_refuse_a_wrong_one(text: bytes) -> None:
    wrong = text.replace(b'"alg": "SHA-256"', b'"alg": "SHA-257"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(wrong.decode()) is not None


def test_the_same_build_has_the_same_bill_and_another_build_another_serial_number(text: bytes) -> None:
    other = build_sbom(bundles.make_catalog(operator="Somebody else"))
    assert text == build_sbom()
    assert json.loads(text)["serialNumber"] != json.loads(other)["serialNumber"]


def test_every_model_has_a_component_with_licence_digests_converter_and_card(text: bytes) -> None:
    catalog = bundles.make_catalog()
    published = {bundle.entry.id: bundle for bundle in bundles.make_bundles(catalog)}
    models = {str(model["name"]): model for model in list_components(text, "machine-learning-model")}
    assert published.keys() == models.keys()
    for name, bundle in published.items():
        model = json.dumps(models[name])
        wanted = [bundle.source_sha256, bundle.model.sha256, bundle.model.converter, bundle.entry.license.weights]
        assert [] == [word for word in wanted if json.dumps(word)[1:-1] not in model]
        assert {"modelParameters", "quantitativeAnalysis", "considerations"} == set(json.loads(model)["modelCard"])


def test_the_doi_of_a_zenodo_record_is_the_origin_of_its_model(tmp_path: Path) -> None:
    catalog = bundles.make_catalog()
    first, *others = bundles.make_bundles(catalog)
    source = {"type": "zenodo", "record": 7785993, "file": "a.zip"}
    entry = first.entry.model_validate({**first.entry.model_dump(by_alias=True), "source": source})
    site = assemble_site(catalog, [first, *others], [], bundles.make_assets().__getitem__, notices=())
    changed = type(first)(**{name: getattr(first, name) for name in first.__slots__} | {"entry": entry})
    text = render_sbom(site.manifest, [changed, *others][: len(site.manifest.models)], b"{}", {})
    assert b"https://doi.org/10.5281/zenodo.7785993" in text


def test_a_package_is_listed_once_with_the_files_that_hold_it() -> None:
    text = build_sbom(packages={"shell.js": [PACKAGE], "engine.js": [PACKAGE]})
    (library,) = list_components(text, "library")
    assert ("pkg:npm/%40scope/thing@1.0.0", 2) == (library["purl"], str(library["evidence"]).count("location"))


def test_packages_of_an_unknown_script_stop_the_build() -> None:
    with pytest.raises(ValueError, match=r"new\.js holds packages"):
        build_sbom(packages={"new.js": [PACKAGE]})


def test_there_is_no_time_in_it(text: bytes) -> None:
    assert b"timestamp" not in text
