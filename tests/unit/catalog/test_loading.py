"""Loading: the schema decides types, every problem has line, entry and field, and all come at once."""

from pathlib import Path

import pytest

from catalog_cases import CATALOG, changed, load_text, refusal
from webipred.catalog.loading import load_catalog
from webipred.errors import FindingsError


def test_a_valid_catalog_loads(tmp_path: Path) -> None:
    loaded = load_text(tmp_path)
    assert ["pneumonia-cxr"] == [entry.id for entry in loaded.catalog.models]
    assert tmp_path.resolve() == loaded.folder


def test_a_finding_can_be_placed_later(tmp_path: Path) -> None:
    loaded = load_text(tmp_path)
    assert "model_catalog.yaml:18 pneumonia-cxr.source.record" == loaded.locate("pneumonia-cxr", "source.record")
    assert "model_catalog.yaml:9 pneumonia-cxr.samples[3].file" == loaded.locate("pneumonia-cxr", "samples[3].file")
    assert "model_catalog.yaml:9 pneumonia-cxr" == loaded.locate("pneumonia-cxr")


def test_an_entry_is_found_by_its_id(tmp_path: Path) -> None:
    loaded = load_text(tmp_path)
    assert (loaded.catalog.models[0], None) == (loaded.find_entry("pneumonia-cxr"), loaded.find_entry("other"))


@pytest.mark.parametrize("text", ["no", "010", "1e3", "12:30:00", "2023-03-30", "true", "1.50"])
def test_texts_stay_as_written(tmp_path: Path, text: str) -> None:
    catalog = changed("{id: NORMAL}", f"{{id: {text}}}").replace("body_part: chest", f"body_part: {text}")
    entry = load_text(tmp_path, catalog).catalog.models[0]
    assert (text, text) == (entry.classes[0].id, entry.body_part)


@pytest.mark.parametrize("written", ["0.5", "5e-1", ".5", "+0.50"])
def test_numbers_are_read_in_every_usual_form(tmp_path: Path, written: str) -> None:
    loaded = load_text(tmp_path, changed("threshold: 0.5", f"threshold: {written}"))
    assert 0.5 == loaded.catalog.models[0].classes[1].threshold


@pytest.mark.parametrize("written", ["'0.5'", "'0,5'", "half", "00.5", ".", "e5", "0x1p-1"])
def test_what_is_not_plainly_a_number_is_refused(tmp_path: Path, written: str) -> None:
    assert "is not a number." in refusal(tmp_path, changed("threshold: 0.5", f"threshold: {written}"))[0]


@pytest.mark.parametrize("written", ["0224", "0xe0", "224.0", "2_24", "1e2", "٢٢٤", "9" * 5000])
def test_whole_numbers_in_other_forms_are_refused(tmp_path: Path, written: str) -> None:
    assert (
        "is not a whole number. Expected: Pixels. [E-CATALOG-TYPE]"
        in refusal(tmp_path, changed("width: 224", f"width: {written}"))[0]
    )


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "summary: Normal", "sumary: Normal",
            "model_catalog.yaml:13 pneumonia-cxr.sumary: the key 'sumary' is unknown. Did you mean 'summary'? Known",
        ),
        (
            "    version: 1.0.0\n", "",
            ("model_catalog.yaml:9 pneumonia-cxr.version: the key 'version' is missing. "
            "Expected: Version of the entry, MAJOR.MINOR.PATCH. [E-CATALOG-MISSING]"),
        ),
        (
            "version: 1.0.0", "version: 1.0",
            (r"model_catalog.yaml:10 pneumonia-cxr.version: '1.0' does not fit the pattern ^\d+\.\d+\.\d+$. "
            "Expected: Version of the entry, MAJOR.MINOR.PATCH. [E-CATALOG-VALUE]"),
        ),
        (
            "record: 7785993", 'record: "7785993"',
            ("model_catalog.yaml:18 pneumonia-cxr.source.record: '7785993' is not a whole number. "
            "Write it without quotes. [E-CATALOG-TYPE]"),
        ),
        (
            "record: 7785993", "record: 0",
            "model_catalog.yaml:18 pneumonia-cxr.source.record: 0 must be at least 1. Expected: Number of the version",
        ),
        (
            "type: zenodo", "type: zenod",
            ("model_catalog.yaml:18 pneumonia-cxr.source.type: 'zenod' is not one of zenodo, huggingface, url, folder. "
            "Did you mean 'zenodo'? Expected: Where the weights come from. [E-CATALOG-TYPE]"),
        ),
        (
            "type: zenodo, ", "typ: zenodo, ",
            ("model_catalog.yaml:18 pneumonia-cxr.source: the key 'type' is missing. Did you mean 'typ'? "
            "Write one of zenodo, huggingface, url, folder. [E-CATALOG-MISSING]"),
        ),
        (
            "op: standardize", "op: standardise",
            "model_catalog.yaml:23 pneumonia-cxr.preprocessing[1].op: 'standardise' is not one of to_channels,",
        ),
        (
            "task: classification", "task: multilabel",
            "'multilabel' is not one of classification, multi-label. Did you mean 'multi-label'?",
        ),
        ("modality: [DX]", "modality: DX", "pneumonia-cxr.modality: 'DX' is not a list."),
        ("modality: [DX]", "modality: []", "pneumonia-cxr.modality: there are 0 items, at least 1 are needed."),
        ("modality: [DX]", "modality: {a: b}", "pneumonia-cxr.modality: keys with values stand here, not a list."),
        ("body_part: chest", "body_part: [chest]", "pneumonia-cxr.body_part: a list stands here, not a text."),
        (
            "body_part: chest", "body_part:",
            ("model_catalog.yaml:17 pneumonia-cxr.body_part: the value is empty. "
            'Write a text, or leave the key out; a word such as "null" needs quotes. [E-CATALOG-TYPE]'),
        ),
        ("body_part: chest", "body_part: ' '", "pneumonia-cxr.body_part: the text is empty."),
        ("body_part: chest", f"body_part: {'x' * 4001}", "the text has more than 4000 characters."),
        ("threshold: 0.5", "threshold: 1.0", "pneumonia-cxr.classes[1].threshold: 1.0 must be less than 1."),
        ("max_model_mb: 9", "max_model_mb: 1e999", "model_catalog.yaml:7 policy.max_model_mb: inf"),
        ("threshold: 0.5", "threshold: .nan", "'.nan' is not a number."),
        (
            "threshold: 0.5, threshold_source: argmax", "threshold: 0.5",
            "model_catalog.yaml:26 pneumonia-cxr.classes[1].threshold: needs threshold_source; say where",
        ),
        ("name: {en: Pneumonia", "name: {EN: Pneumonia", "pneumonia-cxr.name.EN: 'EN' does not fit the pattern"),
        ("id: pneumonia-cxr", "id: ../x", "../x.id: '../x' does not fit the pattern"),
        ("id: pneumonia-cxr", "id: CON", "CON.id: 'CON' does not fit the pattern"),
        ("id: pneumonia-cxr", "id: con", "con.id: 'con' is a device name on Windows; choose another one."),
        ("catalog_version: 1", "catalog_version: 2", "model_catalog.yaml:1 catalog_version: '2' is not one of 1."),
        ("{allow: [CC-BY-4.0]}", "{allow: [unknown]}", "policy.licenses.allow: 'unknown' is no licence; nothing may"),
        ("site:\n", "sites:\n", "model_catalog.yaml:2 sites: the key 'sites' is unknown. Did you mean 'site'?"),
    ],
)  # fmt: skip
def test_a_problem_is_named_with_place_and_advice(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    found = refusal(tmp_path, changed(old, new))
    assert [sentence] == [text[text.index(sentence) :][: len(sentence)] for text in found if sentence in text]


def test_one_mistake_is_one_finding(tmp_path: Path) -> None:
    assert 1 == len(refusal(tmp_path, changed("summary: Normal", "sumary: Normal")))


def test_all_problems_come_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = changed("version: 1.0.0", "version: one").replace("width: 224", "width: wide").replace("title:", "titel:")
    text = text.replace("mode: torch", "mode: torh").replace("weights: CC-BY-4.0", "weights: CC BY")
    assert [3, 10, 20, 23, 30] == [int(found.split(":")[1].split(" ")[0]) for found in refusal(tmp_path, text)]


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    entry = CATALOG[CATALOG.index("  - id") :]
    sentence = "'pneumonia-cxr' stands twice; every entry needs its own id. [E-CATALOG-RULE]"
    assert [f"model_catalog.yaml:32 models[1].id: {sentence}"] == refusal(tmp_path, CATALOG + entry)


def test_an_entry_may_be_called_like_a_section(tmp_path: Path) -> None:
    loaded = load_text(tmp_path, changed("id: pneumonia-cxr", "id: site"))
    assert "site" == loaded.catalog.models[0].id


def test_a_catalog_that_is_a_list_is_refused(tmp_path: Path) -> None:
    assert ["model_catalog.yaml:1: a list stands here, not key: value. [E-CATALOG-TYPE]"] == refusal(tmp_path, "- a")


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    with pytest.raises(FindingsError) as caught:
        load_catalog(path)
    assert (
        f"{path}: the file cannot be read (No such file or directory). "
        "Give the path of an existing file. [E-CATALOG-FILE]"
    ) == str(caught.value)
