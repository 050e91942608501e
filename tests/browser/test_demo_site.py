"""The default catalog as it is published: the page's numbers against the frameworks that the models come from."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.conftest import NOTE_ANSWERS, ONE_PLAIN_ENGINE, OpenWorkspace, Workspace, read_files
from command_line import run_command
from webipred.prediction import Predictor
from webipred.site.reading import read_site
from webipred.validate.goldens import list_patterns

pytestmark = pytest.mark.browser

TOLERANCE = 1e-5
"""float32 runtimes agree within 1e-6 on these small nets; the references are rounded to seven decimals."""


def load_model(workspace: Workspace) -> None:
    """Load the model that the address names and wait for the self-test: two samples and the patterns."""
    workspace.page.get_by_role("button", name="Load model").click()
    total = 2 + len(list_patterns())
    passed = workspace.vault.get_by_text(f"Same answers as the reference on this computer: {total} of {total}")
    expect(passed).to_be_visible(timeout=120_000)


def read_column(text: str, column: str) -> list[tuple[str, float]]:
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    return [(row["image"], float(row[column])) for row in rows]


def find_differences(actual: list[tuple[str, float]], expected: list[tuple[str, float]]) -> list[str]:
    assert [name for name, _ in expected] == [name for name, _ in actual]
    pairs = zip(actual, expected, strict=True)
    return [f"{name}: {p} for {q}" for (name, p), (_, q) in pairs if abs(p - q) > TOLERANCE or (p < 0.5) != (q < 0.5)]


def read_pneumonia_samples(repository: Path) -> tuple[dict[str, bytes], list[tuple[str, float]]]:
    folder = repository / "demo_models/pneumonia-cxr-demo/samples"
    samples = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
    images = {sample["file"]: (folder / sample["file"]).read_bytes() for sample in samples}
    return images, [(sample["file"], sample["probabilities"]["PNEUMONIA"]) for sample in samples]


def test_the_page_gives_the_probabilities_of_tf_keras_on_chest_x_rays(
    open_workspace: OpenWorkspace, demo_site: Path, repository: Path
) -> None:
    images, expected = read_pneumonia_samples(repository)
    with open_workspace(read_files(demo_site), fragment="#pneumonia-cxr-demo") as workspace:
        load_model(workspace)
        workspace.add(*images.items())
        workspace.expect_counts("10 of 10 images done.")
        assert [] == find_differences(read_column(workspace.save_csv(), "PNEUMONIA"), expected)


def test_predict_gives_the_probabilities_of_tf_keras_on_chest_x_rays(demo_site: Path, repository: Path) -> None:
    images, expected = read_pneumonia_samples(repository)
    paths = [repository / "demo_models/pneumonia-cxr-demo/samples" / name for name in images]
    result = run_command("predict", "pneumonia-cxr-demo", *paths, "--out", demo_site, cwd=repository)
    assert [] == find_differences(read_column(result.stdout, "PNEUMONIA"), expected)


def read_cells(shared_data: Path) -> tuple[dict[str, bytes], dict[str, float]]:
    """Return the 600 cells by a flat name, and p(parasitized) of the app's own preprocessing."""
    with zipfile.ZipFile(shared_data / "malaria/images.zip") as archive:
        cells = {name.replace("/", "_"): archive.read(name) for name in archive.namelist() if name.endswith(".png")}
    with (shared_data / "malaria/reference_scores.csv").open(encoding="utf-8") as stream:
        scores = {
            row["image"].replace("/", "_"): float(row["p_parasitized_cv2_cubic"]) for row in csv.DictReader(stream)
        }
    return cells, scores


@pytest.mark.shared_data
def test_predict_agrees_on_six_hundred_cells(demo_site: Path, shared_data: Path, tmp_path: Path) -> None:
    cells, scores = read_cells(shared_data)
    for name, data in cells.items():
        (tmp_path / name).write_bytes(data)
    paths = [tmp_path / name for name in scores]
    result = run_command("predict", "malaria-thin-smear", *paths, "--out", demo_site, cwd=tmp_path)
    actual = read_column(result.stdout, "parasitized")
    assert 600 == len(actual)
    assert [] == find_differences(actual, list(scores.items()))


@pytest.mark.shared_data
def test_the_page_agrees_on_a_hundred_cells(open_workspace: OpenWorkspace, demo_site: Path, shared_data: Path) -> None:
    cells, scores = read_cells(shared_data)
    chosen = list(scores.items())[::6]
    with open_workspace(read_files(demo_site), fragment="#malaria-thin-smear") as workspace:
        load_model(workspace)
        workspace.add(*((name, cells[name]) for name, _ in chosen))
        workspace.expect_counts("100 of 100 images done.")
        assert [] == find_differences(read_column(workspace.save_csv(), "parasitized"), chosen)


@pytest.mark.parametrize("model_id", ["malaria-thin-smear", "pneumonia-cxr-demo"])
def test_the_page_and_the_command_line_give_the_same_bits(
    open_workspace: OpenWorkspace, demo_site: Path, repository: Path, model_id: str
) -> None:
    folder = repository / "demo_models" / model_id / "samples"
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpeg"))
    predictor = Predictor(read_site(demo_site), model_id)
    with open_workspace(read_files(demo_site), fragment=f"#{model_id}", script=ONE_PLAIN_ENGINE) as workspace:
        load_model(workspace)
        vault = workspace.page.frames[1]
        vault.evaluate(NOTE_ANSWERS)
        workspace.add_paths(*paths)
        workspace.expect_counts(f"{len(paths)} of {len(paths)} images done.")
        answers = vault.evaluate("() => self.answers")
    assert "compiled" == predictor.manifest.runtime
    assert [list(predictor.predict(path).probabilities or ()) for path in paths] == answers


def test_the_demo_site_ships_no_onnxruntime(demo_site: Path) -> None:
    assert read_site(demo_site).manifest.engine.fallback is None
    assert [] == [path.name for path in (demo_site / "assets").iterdir() if path.stat().st_size > 10_000_000]
