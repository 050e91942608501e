"""`add`: a draft that loads, with what the origin says and with what a human must decide."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from command_line import run_inside
from conversions import layer, make_head, sequential, write_tfjs
from entries import make_entry_data
from fake_zenodo import FakeZenodo
from unit.cli.test_build import write_catalog
from webipred.catalog.entry import CatalogEntry
from webipred.catalog.loading import load_catalog
from webipred.drafting.conventions import find_convention
from webipred.drafting.origins import strip_markup
from webipred.drafting.writing import make_id
from webipred.errors import FindingsError, UsageError

DATA = Path(__file__).parents[2] / "data"
METRICS = json.dumps({"recall": [{"name": "NORMAL", "series": []}, {"name": "PNEUMONIA", "series": []}]}).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_catalog(tmp_path, make_entry_data(tmp_path))
    return tmp_path


@pytest.fixture
def zenodo() -> Iterator[FakeZenodo]:
    with FakeZenodo() as server:
        yield server


def make_archive(folder: Path) -> bytes:
    layers, weights = make_head(3)
    model = sequential(layer("Activation", "conv4_block24_concat", activation="relu"), *layers, shape=(64, 48, 3))
    return write_tfjs(folder / "model.zip", model, weights).read_bytes()


def add(folder: Path, source: str, *arguments: str | Path) -> Result:
    catalog = folder / "model_catalog.yaml"
    return run_inside("add", source, "--catalog", catalog, "--cache-dir", folder / "cache", *arguments)


def read_added(folder: Path, result: Result) -> CatalogEntry:
    assert result.exception is None, result.exception
    return load_catalog(folder / "model_catalog.yaml").catalog.models[-1]


def test_a_record_becomes_a_draft_that_loads(folder: Path, zenodo: FakeZenodo) -> None:
    zenodo.add_record(
        11, {"1_model_converted.zip": make_archive(folder), "1_metrics.json": METRICS, "1_model.h5": b"x"}
    )
    entry = read_added(folder, add(folder, "10.5281/zenodo.11", "--zenodo", zenodo.base_url))
    assert ("draft", "tfjs-layers", "a-model") == (entry.status, entry.format, entry.id)
    assert (48, 64, "rgb") == (entry.input.width, entry.input.height, entry.input.channels)
    assert ["NORMAL", "PNEUMONIA"] == [one.id for one in entry.classes]
    assert ("CC-BY-4.0", "unknown") == (entry.license.weights, entry.license.data)
    assert ["Family, Given"] == [author.name for author in entry.authors]
    assert ["10.5281/zenodo.11"] == [citation.doi for citation in entry.cite]
    assert "torch" == next(step.mode for step in entry.preprocessing if step.op == "standardize")


def test_what_a_human_must_decide_is_marked(folder: Path, zenodo: FakeZenodo) -> None:
    zenodo.add_record(11, {"1_model_converted.zip": make_archive(folder), "notes.txt": b"x"}, license_id=None)
    before = (folder / "model_catalog.yaml").read_text()
    result = add(folder, "https://zenodo.org/records/11", "--zenodo", zenodo.base_url, "--dry-run")
    assert result.exception is None
    assert "# DECIDE: names of the classes in the order of the outputs" in result.output
    assert "# DECIDE: the origin states no licence" in result.output
    assert "the origin also holds notes.txt" in result.output
    assert before == (folder / "model_catalog.yaml").read_text()


def test_the_description_of_aucmedi_goes_before_metrics(folder: Path, zenodo: FakeZenodo) -> None:
    described = {"architecture": "2D.EfficientNetB4", "class_names": ["a", "b", "c"], "multi_label": True, "path": "/x"}
    files = {
        "model.best_loss.keras": (DATA / "keras" / "keras3_sequential.keras").read_bytes(),
        "model.last.keras": b"x",
        "meta.training.json": json.dumps(described).encode(),
        "metrics.json": METRICS,
    }
    zenodo.add_record(12, files, form="rdm")
    entry = read_added(folder, add(folder, "12", "--zenodo", zenodo.base_url))
    assert ("keras-v3", "multi-label") == (entry.format, entry.task)
    assert ["a", "b", "c"] == [one.id for one in entry.classes]
    assert "caffe" == next(step.mode for step in entry.preprocessing if step.op == "standardize")
    assert (16, 16) == (entry.input.width, entry.input.height)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tflite/squeeze.tflite", "tflite"),
        ("keras/tfkeras_sequential.h5", "keras-h5"),
        ("keras/tfjs_sequential", "tfjs-layers"),
    ],
)
def test_a_file_or_folder_is_recognised_by_its_content(path: str, expected: str, folder: Path) -> None:
    source = DATA / path
    target = folder / "weights"
    if source.is_dir():
        target.mkdir()
        for item in source.iterdir():
            (target / item.name).write_bytes(item.read_bytes())
    else:
        target.write_bytes(source.read_bytes())
    entry = read_added(folder, add(folder, "weights"))
    assert (expected, "weights") == (entry.format, entry.id)
    assert entry.input.width in (16, 24)


def test_an_address_becomes_a_draft(folder: Path, zenodo: FakeZenodo) -> None:
    zenodo.add_record(11, {"net.onnx": b"\x08\x08onnx"})
    url = f"{zenodo.base_url}/api/records/11/files/net.onnx/content"
    entry = read_added(folder, add(folder, url, "--id", "mine"))
    assert ("mine", "url") == (entry.id, entry.source.type)


def test_a_record_without_a_model_names_its_files(folder: Path, zenodo: FakeZenodo) -> None:
    zenodo.add_record(11, {"notes.txt": b"x"})
    error = add(folder, "11", "--zenodo", zenodo.base_url).exception
    assert isinstance(error, FindingsError)
    assert "no file looks like a model; it holds 'notes.txt'." in str(error)


def test_a_source_of_no_kind_is_refused(folder: Path) -> None:
    error = add(folder, "nowhere").exception
    assert isinstance(error, UsageError)
    assert "'nowhere' is neither a Zenodo DOI or record" in str(error)


def test_a_title_with_quotes_and_markup_stays_a_text(folder: Path, zenodo: FakeZenodo) -> None:
    zenodo.add_record(11, {'a"b: c_model_converted.zip': make_archive(folder)})
    entry = read_added(folder, add(folder, "11", "--zenodo", zenodo.base_url))
    assert entry.source.type == "zenodo"
    assert 'a"b: c_model_converted.zip' == entry.source.file


def test_ids_are_plain_and_not_taken() -> None:
    assert "thorax-rontgen-2" == make_id("Thorax: Röntgen!", {"thorax-rontgen"})


def test_markup_is_taken_out_of_descriptions() -> None:
    assert "A & B" == strip_markup("<p>A &amp; <b>B</b></p>")


def test_an_unknown_architecture_has_no_convention() -> None:
    assert find_convention("2D.Own") is None
