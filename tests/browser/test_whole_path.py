"""The whole path, as people walk it: Zenodo → lock → build → a plain host → Chromium → CSV, against `predict`."""

import csv
import io
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import expect

from browser.conftest import OpenWorkspace
from command_line import run_command
from fake_zenodo import FakeZenodo
from webipred.digests import hash_bytes
from webipred.validate.goldens import list_patterns

pytestmark = pytest.mark.browser

TOLERANCE = 1e-5
"""Two float32 runtimes on one network and equal tensors: measured below 1e-6, the design promises 1e-5."""
CLASSES = ("NORMAL", "PNEUMONIA")
RECORD = 7785993
FILE = "257299_model_converted.zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSite:
    """A site built from the fake Zenodo, its files, and the images with what the original framework says of them."""

    folder: Path
    images: dict[str, bytes]
    references: dict[str, tuple[float, ...]]

    @property
    def files(self) -> dict[str, bytes]:
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def make_noise(seed: int, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The generator of tests/data/preprocessing_vectors.json, as in the reference outputs of the artefact."""
    state, values = seed, bytearray()
    for _ in range(int(np.prod(shape))):
        state = (1664525 * state + 1013904223) & 0xFFFFFFFF
        values.append(state >> 24)
    return np.frombuffer(bytes(values), np.uint8).reshape(shape)


def make_images() -> dict[str, bytes]:
    """Four images of 224 × 224 whose probabilities tf_keras has given, and two of other sizes."""
    y, x = np.mgrid[0:224, 0:224]
    gradient = np.stack([x, y, (x + y) // 2], axis=-1).astype(np.uint8)
    return {
        "black.png": encode_png(np.zeros((224, 224, 3), np.uint8)),
        "white.png": encode_png(np.full((224, 224, 3), 255, np.uint8)),
        "noise.png": encode_png(make_noise(1, (224, 224, 3))),
        "gradient.png": encode_png(gradient),
        "tall.png": encode_png(make_noise(2, (500, 300, 3))),
        "small, with comma.png": encode_png(make_noise(3, (90, 120, 3))),
    }


REFERENCES: dict[str, tuple[float, ...]] = {
    "black.png": (0.7803768, 0.2196232),
    "white.png": (0.0483721, 0.9516279),
    "noise.png": (0.2959342, 0.7040657),
    "gradient.png": (0.4915806, 0.5084193),
}
"""tf_keras on the synthesised artefact, seed 18; TensorFlow.js agrees within 2.4e-7 (README of the shared data)."""


def write_catalog(folder: Path, images: dict[str, bytes]) -> None:
    for name in ("black.png", "white.png"):
        (folder / name).write_bytes(images[name])
    samples = [
        {"file": name, "class": label, "license": "CC0-1.0", "sha256": hash_bytes(images[name])}
        for name, label in (("black.png", "NORMAL"), ("white.png", "PNEUMONIA"))
    ]
    entry = {
        "id": "cxr-densenet",
        "version": "0.1.0",
        "status": "published",
        "name": "DenseNet121 with stand-in weights",
        "summary": "Untrained; for tests.",
        "task": "classification",
        "discipline": "Radiology",
        "modality": ["DX"],
        "body_part": "chest",
        "source": {"type": "zenodo", "record": RECORD, "file": "*_model_converted.zip"},
        "format": "tfjs-layers",
        "input": {"width": 224, "height": 224},
        "preprocessing": [
            {"op": "resize", "method": "bilinear", "like": "opencv"},
            {"op": "standardize", "mode": "torch"},
        ],
        "classes": [{"id": class_id} for class_id in CLASSES],
        "samples": samples,
        "intended_use": "Tests.",
        "out_of_scope": "Patients.",
        "limitations": ["Untrained."],
        "license": {"weights": "CC0-1.0"},
    }
    catalog = {
        "catalog_version": 1,
        "site": {"title": "Test", "operator": "Tests", "languages": ["en"]},
        "policy": {"licenses": {"allow": ["CC0-1.0"]}, "max_model_mb": 50},
        "models": [entry],
    }
    (folder / "model_catalog.yaml").write_text(yaml.safe_dump(catalog, sort_keys=False), encoding="utf-8")


def make_artefact(shared_data: Path, folder: Path) -> bytes:
    """Make the zip with the shared script, which is run and not copied."""
    source, target = shared_data / "webipred16", folder / "artefact.zip"
    script = [sys.executable, str(source / "synth_tfjs.py"), str(source / "model.json"), str(target)]
    subprocess.run(script, check=True, capture_output=True)
    return target.read_bytes()


@pytest.fixture(scope="module")
def published_site(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> PublishedSite:
    folder = tmp_path_factory.mktemp("hospital")
    images = make_images()
    write_catalog(folder, images)
    cache = folder / "cache"
    with FakeZenodo() as zenodo:
        zenodo.add_record(RECORD, {FILE: make_artefact(shared_data, folder), "metrics-python.json": b"{}"})
        locked = run_command("lock", "--zenodo", zenodo.base_url, "--cache-dir", cache, cwd=folder)
        assert locked.returncode == 0, locked.stderr
    built = run_command("build", "--offline", "--strict", "--cache-dir", cache, cwd=folder)
    assert built.returncode == 0, built.stderr
    return PublishedSite(folder=folder / "dist", images=images, references=REFERENCES)


def read_rows(text: str) -> dict[str, tuple[float, ...]]:
    """Return image name → probabilities from a CSV of `predict` or of the page."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    return {row["image"]: tuple(float(row[name]) for name in CLASSES) for row in rows}


def predict_images(site: PublishedSite, folder: Path) -> dict[str, tuple[float, ...]]:
    for name, data in site.images.items():
        (folder / name).write_bytes(data)
    paths = [folder / name for name in site.images]
    result = run_command("predict", "cxr-densenet", *paths, "--out", site.folder, cwd=folder)
    assert result.returncode == 0, result.stderr
    return read_rows(result.stdout)


def find_largest_difference(first: dict[str, tuple[float, ...]], second: dict[str, tuple[float, ...]]) -> float:
    return max(abs(a - b) for name in second for a, b in zip(first[name], second[name], strict=True))


@pytest.mark.shared_data
def test_the_command_line_agrees_with_the_original_framework(published_site: PublishedSite, tmp_path: Path) -> None:
    predicted = predict_images(published_site, tmp_path)
    assert find_largest_difference(predicted, published_site.references) <= TOLERANCE


@pytest.mark.shared_data
def test_the_rows_come_in_the_order_given(published_site: PublishedSite, tmp_path: Path) -> None:
    assert list(published_site.images) == list(predict_images(published_site, tmp_path))


@pytest.mark.shared_data
def test_the_page_agrees_with_the_command_line_and_the_original_framework(
    open_workspace: OpenWorkspace, published_site: PublishedSite, tmp_path: Path
) -> None:
    predicted = predict_images(published_site, tmp_path)
    with open_workspace(published_site.files) as workspace:
        workspace.page.get_by_role("radio", name="DenseNet121 with stand-in weights").check()
        workspace.page.get_by_role("button", name="Load model").click()
        total = 2 + len(list_patterns())
        passed = workspace.vault.get_by_text(f"Same answers as the reference on this computer: {total} of {total}")
        expect(passed).to_be_visible(timeout=120_000)
        requests_before = len(workspace.host.requests)
        workspace.add(*published_site.images.items())
        workspace.expect_counts(f"{len(published_site.images)} of {len(published_site.images)} images done.")
        shown = read_rows(workspace.save_csv())
        assert requests_before == len(workspace.host.requests)
    assert list(predicted) == list(shown)
    assert find_largest_difference(shown, predicted) <= TOLERANCE
    assert find_largest_difference(shown, published_site.references) <= TOLERANCE
