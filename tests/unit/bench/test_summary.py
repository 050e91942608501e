"""From series to records: ratios with the same threads, means, agreement."""

import math

import pytest

from unit.bench.results import make_all_series, make_report, make_series, make_subject
from webipred.bench.contestants import NATIVE, WEB
from webipred.bench.report import BenchReport, ContestantRecord
from webipred.bench.summary import describe_subject, find_disagreements, take_means


def find_record(name: str, threads: int) -> ContestantRecord:
    record = describe_subject(make_subject(), make_all_series())
    return next(one for one in record.contestants if (one.name, one.threads) == (name, threads))


def test_ratios_compare_equal_threads() -> None:
    assert (2.0, 0.4) == (find_record("plain", 1).ratios.to_native, find_record("plain", 1).ratios.to_web)
    assert 2.0 == find_record("plain", 2).ratios.to_native
    assert find_record("plain", 2).ratios.to_web is None  # it did not run with two threads


def test_more_threads_compare_with_one() -> None:
    assert 0.6 == find_record("plain", 2).ratios.to_one
    assert find_record("plain", 1).ratios.to_one is None


def test_the_fastest_rounds_compare_with_each_other() -> None:
    record = find_record("plain", 2)
    assert (12.0, 2.0, 0.6) == (record.best_ms, record.best_ratios.to_native, record.best_ratios.to_one)


def test_cold_starts_compare_with_onnxruntime_web() -> None:
    assert 0.01 == find_record("plain", 1).ready_ratio_to_web
    assert math.isclose(50 / 1100, find_record("plain", 1).start_ratio_to_web or 0)


def test_the_steady_time_is_the_median_of_the_rounds() -> None:
    assert (20.0, 60.0) == (find_record("plain", 1).steady_ms, find_record("plain", 1).p90_ms)


def test_means_are_geometric_over_networks_of_one_origin() -> None:
    means = {(mean.name, mean.threads): mean for mean in make_report().means}
    assert math.isclose(4.0, means["plain", 1].ratios.to_native or 0)  # 2 and 8
    assert math.isclose(0.8, means["plain", 1].ratios.to_web or 0)  # 0.4 and 1.6
    assert math.isclose(0.6, means["plain", 2].ratios.to_one or 0)


def test_a_network_without_plan_leaves_no_mean_for_the_engine() -> None:
    whole = describe_subject(make_subject("One"), make_all_series())
    part = describe_subject(make_subject("Two", plan=None), make_all_series()[:2])
    means = {(mean.name, mean.threads): mean for mean in take_means([whole, part])}
    assert means["plain", 1].ratios.to_native is None
    assert math.isclose(5.0, means[WEB, 1].ratios.to_native or 0)


def test_one_network_has_no_mean() -> None:
    assert [] == take_means([describe_subject(make_subject(), make_all_series())])


@pytest.mark.parametrize("values", [(0.25, 0.75003), (0.25,), (0.25, math.nan)])
def test_another_answer_is_a_finding_for_its_contestant(values: tuple[float, ...]) -> None:
    series = [make_series(NATIVE, 1, (1.0,)), make_series("plain", 1, (2.0,), values=values)]
    findings = find_disagreements(describe_subject(make_subject(), series))
    assert [("E-BENCH-DISAGREES", "Net: plain, threads: 1")] == [(one.code, one.where) for one in findings]
    assert "native onnxruntime" in findings[0].what


def test_rounding_is_no_finding() -> None:
    series = [make_series(NATIVE, 1, (1.0,)), make_series("plain", 1, (2.0,), values=(0.250005, 0.749995))]
    assert [] == find_disagreements(describe_subject(make_subject(), series))


def test_the_report_survives_json() -> None:
    report = make_report()
    assert report == BenchReport.model_validate_json(report.model_dump_json())
