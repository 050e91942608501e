"""Validation: a right entry becomes a bundle; every seeded fault fails with its own code."""

from pathlib import Path

import onnx
import pytest
from pydantic import JsonValue

from entries import encode_png, make_entry, write_samples
from tiny_models import make_colour_model
from webipred.assets import read_asset
from webipred.catalog.catalog import LicensePolicy, Policy
from webipred.catalog.entry import CatalogEntry
from webipred.convert.model import OnnxModel
from webipred.digests import hash_bytes
from webipred.errors import FindingsError
from webipred.sources.archive import SourceArchive
from webipred.validate.bundle import ModelBundle
from webipred.validate.goldens import list_patterns
from webipred.validate.reference import ReferenceNetwork, check_probabilities
from webipred.validate.report import Report
from webipred.validate.runtime import EngineBuilds
from webipred.validate.validation import Rules, validate_model


@pytest.fixture
def policy() -> Policy:
    return Policy(licenses=LicensePolicy(allow=["CC0-1.0", "CC-BY-4.0"]), max_model_mb=1)


def validate(folder: Path, policy: Policy, entry: CatalogEntry, model: OnnxModel | None = None) -> ModelBundle | Report:
    archive = SourceArchive(
        entry_id=entry.id, path=folder / "x", file="colour.onnx", size_bytes=1, sha256="0" * 64, origin="folder"
    )
    rules = Rules(
        policy=policy,
        folder=folder,
        engine_wasm=read_asset("engine.wasm"),
        networks=EngineBuilds(plain=read_asset("net.wasm"), relaxed=read_asset("net-relaxed.wasm")),
    )
    return validate_model(archive, model or make_colour_model(), entry, rules)


def list_failures(outcome: ModelBundle | Report) -> list[str]:
    assert isinstance(outcome, Report)
    return [finding.code for finding in outcome.findings]


def test_a_right_entry_becomes_a_bundle(tmp_path: Path, policy: Policy) -> None:
    bundle = validate(tmp_path, policy, make_entry(tmp_path))
    assert isinstance(bundle, ModelBundle)
    names = ["graph", "interface", "size", "licence", "use", "jail", "class-order"]
    names += ["golden-vectors", "activation", "runtime", "storage"]
    assert names == [check.name for check in bundle.report.checks]


def test_golden_vectors_cover_every_class_and_the_patterns(tmp_path: Path, policy: Policy) -> None:
    bundle = validate(tmp_path, policy, make_entry(tmp_path))
    assert isinstance(bundle, ModelBundle)
    expected = [("sample-1", "red"), ("sample-2", "blue"), *((name, None) for name, _ in list_patterns())]
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
    outcome = validate(tmp_path, policy, make_entry(tmp_path), replace_data(good, data))
    assert ["E-GRAPH-INVALID"] == list_failures(outcome)


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


def test_a_notice_outside_the_catalogs_folder_is_not_published(tmp_path: Path, policy: Policy) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("secret", encoding="utf-8")
    folder = tmp_path / "catalog"
    folder.mkdir()
    (folder / "LICENSE").symlink_to(outside)
    entry = make_entry(folder, license={"weights": "CC0-1.0", "notice": "LICENSE"})
    assert ["E-LICENSE-NOTICE"] == list_failures(validate(folder, policy, entry))


def test_a_notice_that_is_no_text_is_refused(tmp_path: Path, policy: Policy) -> None:
    (tmp_path / "LICENSE").write_bytes(b"\xff\xfe\x00")
    entry = make_entry(tmp_path, license={"weights": "CC0-1.0", "notice": "LICENSE"})
    assert ["E-LICENSE-NOTICE"] == list_failures(validate(tmp_path, policy, entry))


def test_steps_that_leave_another_number_of_channels_are_found(tmp_path: Path, policy: Policy) -> None:
    steps: list[JsonValue] = [{"op": "resize"}, {"op": "to_channels", "channels": "gray"}]
    entry = make_entry(tmp_path, preprocessing=steps)
    assert ["E-INTERFACE-PREPROCESSING"] == list_failures(validate(tmp_path, policy, entry))


def test_a_network_that_onnxruntime_cannot_run_is_a_finding() -> None:
    with pytest.raises(FindingsError, match="E-REFERENCE-RUN"):
        ReferenceNetwork(b"no network")


def test_rounding_errors_are_limited_to_probabilities() -> None:
    assert (0.0, 1.0) == check_probabilities([-1e-6, 1.000001], exclusive=True, where="here")


def make_twice_activated() -> OnnxModel:
    """The colour network whose softmax is followed by another one, as a converter would append it."""
    model = onnx.load_from_string(make_colour_model().data)
    model.graph.node[-1].output[0] = "probabilities"
    model.graph.node.append(onnx.helper.make_node("Softmax", ["probabilities"], ["output"], axis=-1))
    return replace_data(make_colour_model(), model.SerializeToString())


def replace_data(model: OnnxModel, data: bytes) -> OnnxModel:
    return OnnxModel(**{**{name: getattr(model, name) for name in OnnxModel.__slots__}, "data": data})


def test_an_activation_that_is_applied_twice_is_found(tmp_path: Path, policy: Policy) -> None:
    entry = make_entry(tmp_path, output={"activation": "softmax"})
    assert ["E-ACTIVATION-TWICE"] == list_failures(validate(tmp_path, policy, entry, make_twice_activated()))


def test_an_activation_that_is_applied_once_passes(tmp_path: Path, policy: Policy) -> None:
    bundle = validate(tmp_path, policy, make_entry(tmp_path, output={"activation": "softmax"}))
    assert isinstance(bundle, ModelBundle)
    assert ("activation", "passed") == (bundle.report.checks[-3].name, bundle.report.checks[-3].outcome)
