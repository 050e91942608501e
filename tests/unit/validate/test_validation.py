"""Validation: a right entry becomes a bundle; every seeded fault fails with its own code."""

from pathlib import Path

import pytest
from pydantic import JsonValue

from entries import encode_png, make_entry, write_samples
from tiny_models import make_colour_model
from webipred.assets import read_asset
from webipred.catalog.catalog import LicensePolicy, Policy
from webipred.catalog.entry import CatalogEntry
from webipred.convert.model import OnnxModel
from webipred.digests import hash_bytes
from webipred.sources.archive import SourceArchive
from webipred.validate.bundle import ModelBundle
from webipred.validate.report import Report
from webipred.validate.validation import Rules, validate_model


@pytest.fixture
def policy() -> Policy:
    return Policy(licenses=LicensePolicy(allow=["CC0-1.0", "CC-BY-4.0"]), max_model_mb=1)


def validate(folder: Path, policy: Policy, entry: CatalogEntry, model: OnnxModel | None = None) -> ModelBundle | Report:
    archive = SourceArchive(
        entry_id=entry.id, path=folder / "x", file="colour.onnx", size_bytes=1, sha256="0" * 64, origin="folder"
    )
    rules = Rules(policy=policy, folder=folder, engine_wasm=read_asset("engine.wasm"))
    return validate_model(archive, model or make_colour_model(), entry, rules)


def list_failures(outcome: ModelBundle | Report) -> list[str]:
    assert isinstance(outcome, Report)
    return [finding.code for finding in outcome.findings]


def test_a_right_entry_becomes_a_bundle(tmp_path: Path, policy: Policy) -> None:
    bundle = validate(tmp_path, policy, make_entry(tmp_path))
    assert isinstance(bundle, ModelBundle)
    names = ["graph", "interface", "size", "licence", "use", "storage", "class-order", "golden-vectors"]
    assert names == [check.name for check in bundle.report.checks]


def test_golden_vectors_cover_every_class_and_two_patterns(tmp_path: Path, policy: Policy) -> None:
    bundle = validate(tmp_path, policy, make_entry(tmp_path))
    assert isinstance(bundle, ModelBundle)
    expected = [("sample-1", "red"), ("sample-2", "blue"), ("gradient", None), ("noise", None)]
    assert expected == [(golden.name, golden.class_id) for golden in bundle.goldens]


def test_two_validations_give_the_same_golden_vectors(tmp_path: Path, policy: Policy) -> None:
    first, second = (validate(tmp_path, policy, make_entry(tmp_path)) for _ in range(2))
    assert isinstance(first, ModelBundle)
    assert isinstance(second, ModelBundle)
    assert first.goldens == second.goldens


def test_swapped_classes_are_found(tmp_path: Path, policy: Policy) -> None:
    outcome = validate(tmp_path, policy, make_entry(tmp_path, classes=[{"id": "blue"}, {"id": "red"}]))
    assert ["E-CLASS-ORDER", "E-CLASS-ORDER"] == list_failures(outcome)


def test_the_mismatch_names_file_label_and_answer(tmp_path: Path, policy: Policy) -> None:
    outcome = validate(tmp_path, policy, make_entry(tmp_path, classes=[{"id": "blue"}, {"id": "red"}]))
    assert isinstance(outcome, Report)
    assert "red.png is red, the network says blue (blue 1.0000, red 0.0000)" in outcome.findings[0].what


def test_blue_for_red_preprocessing_is_found(tmp_path: Path, policy: Policy) -> None:
    steps: list[JsonValue] = [{"op": "resize"}, {"op": "standardize", "mode": "caffe"}]
    assert "E-CLASS-ORDER" in list_failures(validate(tmp_path, policy, make_entry(tmp_path, preprocessing=steps)))


def test_a_missing_softmax_is_found(tmp_path: Path, policy: Policy) -> None:
    outcome = validate(tmp_path, policy, make_entry(tmp_path), make_colour_model(softmax=False))
    assert "E-PROBABILITY-RANGE" in list_failures(outcome)


def test_a_class_without_sample_is_not_proved(tmp_path: Path, policy: Policy) -> None:
    outcome = validate(tmp_path, policy, make_entry(tmp_path, samples=write_samples(tmp_path)[:1]))
    assert ["E-CLASS-UNPROVED"] == list_failures(outcome)


def test_another_input_size_is_found(tmp_path: Path, policy: Policy) -> None:
    outcome = validate(tmp_path, policy, make_entry(tmp_path), make_colour_model(size=16))
    assert ["E-INTERFACE-SHAPE"] == list_failures(outcome)


def test_one_class_too_many_is_found(tmp_path: Path, policy: Policy) -> None:
    entry = make_entry(tmp_path, classes=[{"id": "red"}, {"id": "blue"}, {"id": "green"}])
    assert ["E-INTERFACE-SHAPE"] == list_failures(validate(tmp_path, policy, entry))


def test_a_licence_outside_the_policy_is_found(tmp_path: Path, policy: Policy) -> None:
    entry = make_entry(tmp_path, license={"weights": "CC-BY-NC-4.0"})
    assert ["E-LICENSE-POLICY"] == list_failures(validate(tmp_path, policy, entry))


def test_a_missing_licence_notice_is_found(tmp_path: Path, policy: Policy) -> None:
    entry = make_entry(tmp_path, license={"weights": "CC0-1.0", "notice": "LICENSE"})
    assert ["E-LICENSE-NOTICE"] == list_failures(validate(tmp_path, policy, entry))


def test_weights_above_the_policy_are_found(tmp_path: Path) -> None:
    small = Policy(licenses=LicensePolicy(allow=["CC0-1.0"]), max_model_mb=0.0001)
    assert ["E-SIZE-POLICY"] == list_failures(validate(tmp_path, small, make_entry(tmp_path)))


def test_storage_that_cannot_be_built_is_refused(tmp_path: Path, policy: Policy) -> None:
    entry = make_entry(tmp_path, weights={"storage": "float16"})
    assert ["E-STORAGE-UNAVAILABLE"] == list_failures(validate(tmp_path, policy, entry))


def test_a_changed_sample_is_found(tmp_path: Path, policy: Policy) -> None:
    entry = make_entry(tmp_path)
    (tmp_path / "red.png").write_bytes(encode_png((219, 30, 40)))
    assert ["E-SAMPLE-SHA256"] == list_failures(validate(tmp_path, policy, entry))


def test_a_missing_sample_is_found(tmp_path: Path, policy: Policy) -> None:
    entry = make_entry(tmp_path)
    (tmp_path / "blue.png").unlink()
    assert ["E-SAMPLE-FILE"] == list_failures(validate(tmp_path, policy, entry))


def test_a_broken_graph_is_found(tmp_path: Path, policy: Policy) -> None:
    good = make_colour_model()
    data = good.data.replace(b"MatMul", b"MatMuL")
    broken = OnnxModel(**{**{name: getattr(good, name) for name in OnnxModel.__slots__}, "data": data})
    assert ["E-GRAPH-INVALID"] == list_failures(validate(tmp_path, policy, make_entry(tmp_path), broken))


def test_every_static_problem_is_reported_at_once(tmp_path: Path) -> None:
    small = Policy(licenses=LicensePolicy(allow=["MIT"]), max_model_mb=0.0001)
    assert ["E-SIZE-POLICY", "E-LICENSE-POLICY"] == list_failures(validate(tmp_path, small, make_entry(tmp_path)))


def test_the_preprocessing_digest_depends_on_the_decoding_rules(tmp_path: Path, policy: Policy) -> None:
    sizes: dict[str, JsonValue] = {"width": 8, "height": 8}
    bundles = [
        validate(tmp_path, policy, make_entry(tmp_path, input={**sizes, "exif": e})) for e in ("ignore", "apply")
    ]
    assert 2 == len({b.preprocessing_sha256 for b in bundles if isinstance(b, ModelBundle)})


def test_the_source_digest_reaches_the_bundle(tmp_path: Path, policy: Policy) -> None:
    bundle = validate(tmp_path, policy, make_entry(tmp_path))
    assert isinstance(bundle, ModelBundle)
    assert (hash_bytes(bundle.model.data), "0" * 64) == (bundle.model.sha256, bundle.source_sha256)
