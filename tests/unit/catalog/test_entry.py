"""Rules between the fields of an entry."""

import re
from pathlib import Path

import pytest

from catalog_cases import changed, load_text, refusal
from webipred.catalog.entry import RESERVED_COLUMNS

ZENODO = '{type: zenodo, record: 7785993, file: "*.zip"}'
CLASSES = "    classes:\n"
EVALUATION = """\
    evaluation:
      - {dataset: A, role: test, n: 9, metrics: {auc: 0.9}, intervals: {auc: [0.8, 0.95]}, source: B}
    cite:"""
SAMPLE = "    samples: [{file: a.png, class: NORMAL, license: CC0-1.0, sha256: '" + "0" * 64 + "'}]\n"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("{id: NORMAL}", "{id: pneumonia}", "classes[1].id: 'PNEUMONIA' stands twice; every class needs its own id."),
        (
            "{id: NORMAL}", "{id: Image}",
            "classes[0].id: 'Image' is the name of another column of saved results; write for instance 'class Image'.",
        ),
        (
            "task: classification", "task: multi-label",
            "classes[0]: task multi-label needs a threshold and its threshold_source for every class.",
        ),
        (
            CLASSES, "    output: {activation: sigmoid}\n    classes:\n      - {id: OTHER}\n",
            "output.activation: sigmoid lets several of more than two classes be true;",
        ),
        (CLASSES, SAMPLE.replace("a.png", "../a.png") + CLASSES, "samples[0].file: '../a.png' may leave"),
        (CLASSES, SAMPLE.replace("NORMAL", "COVID") + CLASSES, "samples[0].class: 'COVID' is not one of"),
        (
            CLASSES, SAMPLE.replace("]", ", " + SAMPLE.split("[")[1]) + CLASSES,
            "samples[1].file: 'a.png' stands twice; every sample counts once.",
        ),
        ("method: bilinear", "width: 100, height: 90", "preprocessing: gives 100 × 90, input asks for 224 × 224."),
        ("method: bilinear", "width: 100", "give both width and height, or neither"),
        ("method: bilinear, like: opencv", "method: area, like: pillow", "method 'area' does not exist for like"),
        ("{op: resize, method: bilinear, like: opencv}", "{op: pad_to_square}", "preprocessing: must end in a resize"),
        ("status: published", "status: draft", "status_reason: status draft needs a status_reason; say why."),
        ("    intended_use: Research.\n", "", "intended_use: a published entry needs intended_use; add it"),
        ("    limitations: [Children only.]\n", "", "limitations: a published entry needs limitations;"),
        (
            "    cite:", "    authors: [{name: A, orcid: 0000-0002-1825-0098}]\n    cite:",
            "authors[0].orcid: '0000-0002-1825-0098' has a wrong check digit; copy it again from orcid.org.",
        ),
        (
            "    cite:",
            EVALUATION.replace("auc: [0.8", "auc: [0.91"),
            "evaluation[0].intervals.auc: [0.91, 0.95] does not hold the metric's value 0.9.",
        ),
        (
            "    cite:",
            EVALUATION.replace("{auc: [0.8", "{acc: [0.8"),
            "evaluation[0].intervals.acc: there is no metric 'acc'; known are auc.",
        ),
        ("{weights: CC-BY-4.0}", "{weights: CC-BY-4.0, notice: /etc/passwd}", "license.notice: '/etc/passwd' may"),
        (
            ZENODO, "{type: url, url: 'http://example.org/m.zip'}",
            "source.url: 'http://example.org/m.zip' is not encrypted; write https.",
        ),
        (
            ZENODO, "{type: url, url: 'https://a:b@example.org/m.zip'}",
            "source.url: a user name or password in an address would be published; remove it.",
        ),
        (ZENODO, "{type: folder, path: ../m}", "source.path: '../m' may leave"),
        (
            ZENODO,
            "{type: huggingface, repository: a/b, commit: main, file: m.onnx}",
            "source.commit: 'main' does not fit the pattern",
        ),
    ],
)  # fmt: skip
def test_a_broken_rule_is_named(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    found = refusal(tmp_path, changed(old, new))
    assert [True] == [sentence in text for text in found]


def test_no_class_can_be_named_like_another_column_of_the_page(repository: Path) -> None:
    source = (repository / "site_templates/app/vault/csv.ts").read_text(encoding="utf-8")
    lists = re.findall(r"^const (?:BEFORE|AFTER) = \[(.*?)\] as const;", source, re.MULTILINE | re.DOTALL)
    columns = {name for text in lists for name in re.findall(r'"(\w+)"', text)}
    assert (2, set(RESERVED_COLUMNS)) == (len(lists), columns)


def test_several_broken_rules_come_together(tmp_path: Path) -> None:
    text = changed("    intended_use: Research.\n", "").replace("    out_of_scope: Diagnosis.\n", "")
    text = text.replace("{id: NORMAL}", "{id: pneumonia}")
    assert 3 == len(refusal(tmp_path, text))


def test_a_published_entry_may_wait_for_its_licence(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, changed("{weights: CC-BY-4.0}", "{weights: unknown}"))
    assert "unknown" == loaded.catalog.models[0].license.weights


def test_a_right_orcid_is_accepted(tmp_path: Path) -> None:
    text = changed("    cite:", "    authors: [{name: A, orcid: 0000-0002-1694-233X}]\n    cite:")
    assert "0000-0002-1694-233X" == load_text(tmp_path, text).catalog.models[0].authors[0].orcid


def test_the_own_machine_may_be_reached_without_encryption(tmp_path: Path) -> None:
    text = changed(ZENODO, "{type: url, url: 'http://127.0.0.1:80/m.zip'}")
    assert "url" == load_text(tmp_path, text).catalog.models[0].source.type
