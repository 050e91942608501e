"""`webipred-build bench` with a real browser: everyone runs, answers agree, JSON and table are complete."""

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # it carries no types
import pytest
from playwright.sync_api import Playwright

from browser.chromium import find_chromium
from command_line import run_command
from entries import make_entry_data
from tiny_models import make_colour_network
from unit.cli.test_build import write_catalog
from webipred.bench.report import BenchReport
from webipred.bench.summary import TOLERANCE
from webipred.bench.variants import VARIANTS, select_variants

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium(playwright_driver: Playwright) -> Path:
    executable = find_chromium(playwright_driver)
    if executable is None:
        pytest.skip("no Chromium is installed; `make test` installs one, or set WEBIPRED_CHROMIUM")
    return executable


@pytest.fixture(scope="module")
def printed(chromium: Path, repository: Path) -> str:
    """One short run on the smallest reference network and a model of the default catalog."""
    result = run_command(
        "bench", "--models", "MobileNetV2", "--only", "malaria-thin-smear", "--rounds", "2", "--cold", "1",
        "--browser", chromium, "--json", "-", "--out", repository / "no-site", cwd=repository,
    )  # fmt: skip
    assert 0 == result.returncode, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def report(printed: str) -> BenchReport:
    return BenchReport.model_validate_json(printed)


def test_the_json_follows_its_schema(printed: str) -> None:
    jsonschema.validate(json.loads(printed), BenchReport.model_json_schema())


def test_every_runtime_ran_on_every_network_with_one_and_two_threads(report: BenchReport) -> None:
    expected = {
        (name, threads)
        for threads in (1, 2)
        for name in ("native", "onnxruntime-web", *(variant.name for variant in select_variants(VARIANTS, threads)))
    }
    for subject in report.subjects:
        assert expected == {(one.name, one.threads) for one in subject.contestants}
        assert all(len(one.rounds_ms) == 2 and one.steady_ms > 0 for one in subject.contestants)


def test_a_model_of_the_catalog_is_among_the_networks(report: BenchReport) -> None:
    assert [("MobileNetV2", "reference"), ("malaria-thin-smear", "catalog")] == [
        (subject.name, subject.origin) for subject in report.subjects
    ]


def test_all_answers_agree(report: BenchReport) -> None:
    differences = [one.difference for subject in report.subjects for one in subject.contestants]
    assert [] == [value for value in differences if value is None or value > TOLERANCE]


def test_no_variant_was_left_out(report: BenchReport) -> None:
    assert [] == report.remarks


def test_another_answer_ends_the_command_with_a_finding(chromium: Path, tmp_path: Path) -> None:
    # the network changes behind the built site: the published plan is another one than native onnxruntime gets
    write_catalog(tmp_path, make_entry_data(tmp_path))
    assert 0 == run_command("build", "--cache-dir", "cache", cwd=tmp_path).returncode
    (tmp_path / "colour.onnx").write_bytes(make_colour_network(gain=4.0))
    result = run_command(
        "bench", "--models", "none", "--rounds", "1", "--cold", "1", "--threads", "1", "--cache-dir", "cache",
        "--browser", chromium, cwd=tmp_path,
    )  # fmt: skip
    assert 1 == result.returncode
    assert "[E-BENCH-DISAGREES]" in result.stderr
    assert "# Ratios" in result.stdout
