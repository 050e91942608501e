"""Generated files agree with the types they come from, and the default catalog agrees with both."""

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it carries no types
import pytest
import yaml

from webipred.catalog.json_schema import render_schema
from webipred.catalog.linting import lint_catalog
from webipred.catalog.loading import LoadedCatalog, load_catalog
from webipred.catalog.locking import needs_lock, read_lock
from webipred.catalog.reference import render_reference
from webipred.findings import has_errors


@pytest.fixture
def default(repository: Path) -> LoadedCatalog:
    return load_catalog(repository / "model_catalog.yaml")


def test_the_shipped_schema_is_the_generated_one(repository: Path) -> None:
    shipped = repository / "builder/webipred/catalog/schema.json"
    assert json.loads(render_schema()) == json.loads(shipped.read_text(encoding="utf-8"))


def test_the_reference_is_the_generated_one(repository: Path) -> None:
    assert render_reference() == (repository / "docs/catalog.md").read_text(encoding="utf-8")


def test_every_field_says_what_it_is_for() -> None:
    schema = json.loads(render_schema())
    nodes = {"Catalog": schema, **schema["$defs"]}
    bare = [
        f"{name}.{field}"
        for name, node in nodes.items()
        for field, description in node.get("properties", {}).items()
        if "description" not in description and field not in ("type", "op")
    ]
    assert [] == bare


def test_the_default_catalog_fits_the_schema(repository: Path) -> None:
    text = (repository / "model_catalog.yaml").read_text(encoding="utf-8")
    jsonschema.validate(yaml.safe_load(text), json.loads(render_schema()))


def test_the_default_catalog_has_no_errors(repository: Path, default: LoadedCatalog) -> None:
    lock = read_lock(repository / "model_catalog.lock")
    assert not has_errors(lint_catalog(default, lock))


def test_the_default_catalog_holds_the_nine_models_of_the_original(default: LoadedCatalog) -> None:
    records = {
        entry.legacy_id: entry.source.record
        for entry in default.catalog.models
        if entry.legacy_id is not None and entry.source.type == "zenodo"
    }
    assert {
        12: 7785982, 13: 7785986, 14: 7785989, 15: 7785992, 16: 7785993, 17: 7785996, 18: 7786001, 19: 7786002,
        20: 7786009,
    } == records  # fmt: skip


def test_the_doubtful_models_are_drafts_and_say_why(default: LoadedCatalog) -> None:
    drafts = {entry.legacy_id: entry.status_reason for entry in default.catalog.models if entry.status == "draft"}
    assert {17, 19} == set(drafts)
    assert all(reason is not None and "class order is suspect" in reason for reason in drafts.values())


def test_what_needs_no_lock_is_complete(default: LoadedCatalog) -> None:
    embedded = [entry for entry in default.catalog.models if not needs_lock(entry)]
    assert {"malaria-thin-smear", "pneumonia-cxr-demo"} == {entry.id for entry in embedded}
    assert all({sample.class_id for sample in entry.samples} == {one.id for one in entry.classes} for entry in embedded)


def test_the_references_that_were_swapped_are_right(default: LoadedCatalog) -> None:
    cited = {entry.legacy_id: [citation.doi for citation in entry.cite] for entry in default.catalog.models}
    assert ("10.1016/j.cell.2018.02.010", "10.1038/s41551-020-00633-5") == (cited[16][0], cited[18][0])
