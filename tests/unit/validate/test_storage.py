"""float16 as an entry's choice: published with its own golden vectors, measured, refused where it changes much."""

import dataclasses
from pathlib import Path

import pytest

from entries import make_entry
from tiny_models import make_colour_model, make_colour_network, make_foreign_network
from webipred.assets import read_asset
from webipred.catalog.catalog import LicensePolicy, Policy
from webipred.catalog.entry import CatalogEntry
from webipred.convert.model import OnnxModel
from webipred.digests import hash_bytes
from webipred.engine.compiler.compilation import compile_network
from webipred.engine.preprocessor import Preprocessor
from webipred.images.decode import decode_image
from webipred.sources.archive import SourceArchive
from webipred.validate.bundle import ModelBundle
from webipred.validate.report import Check, Report
from webipred.validate.runtime import CompiledNetwork, EngineBuilds
from webipred.validate.storage import Change, judge_changes
from webipred.validate.validation import Rules, validate_model


def make_model(network: bytes) -> OnnxModel:
    return dataclasses.replace(make_colour_model(), data=network, sha256=hash_bytes(network))


def validate(folder: Path, network: bytes, max_change: float = 0.005) -> ModelBundle | Report:
    """Validate a network whose entry asks for float16."""
    entry = make_entry(folder, weights={"storage": "float16"})
    archive = SourceArchive(
        entry_id=entry.id, path=folder / "x", file="colour.onnx", size_bytes=1, sha256="0" * 64, origin="folder"
    )
    policy = Policy(licenses=LicensePolicy(allow=["CC0-1.0"]), max_float16_change=max_change)
    builds = EngineBuilds(plain=read_asset("net.wasm"), relaxed=read_asset("net-relaxed.wasm"))
    rules = Rules(policy=policy, folder=folder, engine_wasm=read_asset("engine.wasm"), networks=builds)
    return validate_model(archive, make_model(network), entry, rules)


def find_check(outcome: ModelBundle | Report) -> Check:
    report = outcome.report if isinstance(outcome, ModelBundle) else outcome
    return next(check for check in report.checks if check.name == "storage")


def read_change(check: Check) -> float:
    return float(check.detail.split("at most ")[1].split(" ")[0])


ROUNDED = make_colour_network(gain=8.003)  # 8.003 is 8 in float16


def test_the_float16_plan_is_published_with_golden_vectors_that_it_gives(tmp_path: Path) -> None:
    bundle = validate(tmp_path, ROUNDED)
    assert isinstance(bundle, ModelBundle)
    assert ("compiled", compile_network(ROUNDED, "float16").data) == (bundle.runtime, bundle.weights)
    network, preprocessor = (
        CompiledNetwork(read_asset("net.wasm"), bundle.weights),
        Preprocessor(read_asset("engine.wasm")),
    )
    for golden in bundle.goldens:
        tensor = preprocessor.run(bundle.program, decode_image(golden.image, bundle.entry.input))
        assert network.run(tensor) == pytest.approx(golden.probabilities, abs=golden.tolerance)
        assert golden.outputs is not None
        assert golden.outputs.plain == hash_bytes(network.compute(tensor).tobytes())


def test_the_report_shows_the_measured_change(tmp_path: Path) -> None:
    check = find_check(validate(tmp_path, ROUNDED))
    assert "passed" == check.outcome
    assert 1e-6 < read_change(check) < 0.005
    assert "over 10 images, 0 labels change" in check.detail


def test_the_change_is_measured_against_float32(tmp_path: Path) -> None:
    exact = find_check(validate(tmp_path, make_colour_network(gain=8.0)))
    assert read_change(exact) < 1e-6


def test_a_change_above_the_policy_is_refused(tmp_path: Path) -> None:
    check = find_check(validate(tmp_path, ROUNDED, max_change=1e-6))
    assert ("failed", ["E-STORAGE-CHANGE"]) == (check.outcome, [finding.code for finding in check.findings])
    assert "policy.max_float16_change allows 1e-06" in check.findings[0].what


def test_float16_without_the_compiled_engine_is_refused_with_the_reason(tmp_path: Path) -> None:
    check = find_check(validate(tmp_path, make_foreign_network()))
    assert ("failed", ["E-STORAGE-RUNTIME"]) == (check.outcome, [finding.code for finding in check.findings])
    assert "operator LpNormalization" in check.findings[0].what


@pytest.fixture
def entry(tmp_path: Path) -> CatalogEntry:
    return make_entry(tmp_path, weights={"storage": "float16"})


def test_another_label_is_refused_however_small_the_change(entry: CatalogEntry) -> None:
    near = Change(name="sample red.png", full=(0.5001, 0.4999), half=(0.4999, 0.5001))
    same = Change(name="noise", full=(0.9, 0.1), half=(0.9, 0.1))
    check = judge_changes(entry, [same, near], 0.005, 1, 2)
    assert ("failed", ["E-STORAGE-LABEL"]) == (check.outcome, [finding.code for finding in check.findings])
    assert "float16 changes the label of sample red.png." == check.findings[0].what


def test_the_largest_change_names_its_image(entry: CatalogEntry) -> None:
    changes = [Change(name=name, full=(0.9, 0.1), half=(0.9 - d, 0.1 + d)) for name, d in (("a", 0.001), ("b", 0.02))]
    check = judge_changes(entry, changes, 0.005, 1, 2)
    assert ["float16 changes a probability of b by 0.02, policy.max_float16_change allows 0.005."] == [
        finding.what for finding in check.findings
    ]
