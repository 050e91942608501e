import json

import bundles
from webipred.site.outcomes import describe_unpublished
from webipred.site.report_json import render_report_json, render_reports_json


def test_a_failed_entry_is_complete_as_data() -> None:
    outcome = describe_unpublished(bundles.make_unpublished(bundles.make_catalog())[1])
    finding = {
        "code": "E-CLASS-ORDER",
        "severity": "error",
        "where": "retina.samples",
        "what": "<b>2 of 2</b> samples come out as another class.",
        "fix": "Check the order of `classes`.",
    }
    check = {"name": "class-order", "outcome": "failed", "detail": "0 of 2 samples as labelled", "findings": [finding]}
    expected = {
        "id": "retina",
        "version": "1.2.0",
        "status": "failed",
        "reason": f"{finding['what']} {finding['fix']}",
        "checks": [check],
        "findings": [finding],
    }
    assert expected == json.loads(render_report_json(outcome))


def test_several_entries_stand_in_one_object() -> None:
    outcomes = [describe_unpublished(item) for item in bundles.make_unpublished(bundles.make_catalog())]
    entries = json.loads(render_reports_json(outcomes))["entries"]
    assert [("skin-lesions", "draft"), ("retina", "failed")] == [(entry["id"], entry["status"]) for entry in entries]
