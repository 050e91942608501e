"""Reports of a check in their three forms, and a disk that refuses them."""

import json
from pathlib import Path

import pytest

from webipred.cli.reports import render_findings, write_report
from webipred.errors import FindingsError
from webipred.findings import Finding

FINDINGS = [
    Finding(code="W-TEXT-HTML", where="m.yaml:1 a", what="'<b>' looks like HTML.", fix="Use Markdown."),
    Finding(code="E-YAML-TAB", where="m.yaml:2 b", what="a tab."),
]


def test_json_holds_every_field_errors_first() -> None:
    records = json.loads(render_findings(FINDINGS, ".json"))["findings"]
    assert ["E-YAML-TAB", "W-TEXT-HTML"] == [record["code"] for record in records]
    assert {"code", "severity", "where", "what", "fix"} == set(records[0])


@pytest.mark.parametrize(("form", "shown"), [(".md", r"'\<b\>' looks"), (".html", "&#x27;&lt;b&gt;&#x27; looks")])
def test_texts_are_shown_as_they_stand(form: str, shown: str) -> None:
    assert shown in render_findings(FINDINGS, form)


@pytest.mark.parametrize("form", [".md", ".html"])
def test_no_findings_are_said(form: str) -> None:
    assert "No findings." in render_findings([], form)


def test_a_disk_that_refuses_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FindingsError, match=r"the report cannot be written \(No such file or directory\)"):
        write_report(tmp_path / "gone" / "x.json", "{}")
