"""Metrics files of a record against the class order of the catalog."""

import json
from pathlib import Path

import pytest

from fake_zenodo import FakeZenodo, Fault
from source_cases import ARCHIVE, NAME, RECORD, zenodo_entry
from webipred.findings import Finding
from webipred.sources.evidence import read_class_names
from webipred.sources.fetch import lock_source
from webipred.sources.options import FetchOptions

METRICS = "257299_metrics-python.json"


def metrics_of(*names: str) -> bytes:
    recall = [{"name": name, "series": [{"name": "Python", "value": 0.9}]} for name in names]
    return json.dumps({"duration": [], "recall": recall}).encode()


def remarks(zenodo: FakeZenodo, options: FetchOptions, notices: list[Finding], metrics: bytes) -> list[str]:
    zenodo.add_record(RECORD, {NAME: ARCHIVE, METRICS: metrics})
    lock_source(zenodo_entry(), Path(), options)
    return [str(finding) for finding in notices]


def test_the_same_order_is_no_remark(zenodo: FakeZenodo, options: FetchOptions, notices: list[Finding]) -> None:
    assert [] == remarks(zenodo, options, notices, metrics_of("NORMAL", "PNEUMONIA"))


def test_another_order_is_a_warning(zenodo: FakeZenodo, options: FetchOptions, notices: list[Finding]) -> None:
    assert [
        (
            "pneumonia-cxr.classes: the metrics file '257299_metrics-python.json' of record 7785993 lists the classes "
            "in another order: PNEUMONIA, NORMAL; the catalog says NORMAL, PNEUMONIA. "
            "Prove the order with a labelled sample of every class before you publish it. [W-ZENODO-CLASS-ORDER]"
        )
    ] == remarks(zenodo, options, notices, metrics_of("PNEUMONIA", "NORMAL"))


def test_other_names_are_a_warning(zenodo: FakeZenodo, options: FetchOptions, notices: list[Finding]) -> None:
    found = remarks(zenodo, options, notices, metrics_of("0", "1"))
    assert "lists the classes with other names: 0, 1; the catalog says" in found[0]


def test_an_unreadable_file_does_not_stop_the_lock(
    zenodo: FakeZenodo, options: FetchOptions, notices: list[Finding]
) -> None:
    zenodo.add_fault(METRICS, *[Fault(kind="status", status=503)] * 5)
    found = remarks(zenodo, options, notices, metrics_of("NORMAL", "PNEUMONIA"))
    assert "could not be read (127.0.0.1 answered with status 503; gave up after 5 attempts.)" in found[0]


@pytest.mark.parametrize("metrics", [None, [], {}, {"recall": None}, {"recall": [1]}, {"recall": [{"name": None}]}])
def test_another_form_says_nothing(metrics: object) -> None:
    assert [] == read_class_names(metrics)


@pytest.mark.parametrize("metrics", [{"recall": 5}, {"recall": True}, {"recall": {"name": "a"}}, {"recall": "a"}])
def test_scores_of_another_form_name_no_classes(metrics: object) -> None:
    assert [] == read_class_names(metrics)
