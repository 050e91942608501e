"""One plan gives the same bits in wasmtime, Chromium and Firefox, with and without threads, through the real page.

The self-test of the page compares digests of all golden images; here the engine's answers to the samples are compared,
number by number, with those of `webipred-build predict`.
"""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from browser.conftest import NOTE_ANSWERS, ONE_PLAIN_ENGINE, OpenWorkspace, read_files
from browser.firefox import Firefox, Tab
from browser.server import ISOLATION, run_host
from webipred.prediction import Predictor
from webipred.site.reading import read_site

pytestmark = pytest.mark.browser

MODELS = ("malaria-thin-smear", "pneumonia-cxr-demo")
PLAIN_WITH_THREADS = """
Object.defineProperty(Navigator.prototype, "hardwareConcurrency", { get: () => 3 });
WebAssembly.validate = () => false;
"""
"""Script that makes a page choose a plain build, and believe that there are cores for threads."""


def list_samples(repository: Path, model_id: str) -> list[Path]:
    folder = repository / "demo_models" / model_id / "samples"
    return sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpeg"))[:4]


def predict(demo_site: Path, model_id: str, paths: list[Path]) -> list[list[float]]:
    predictor = Predictor(read_site(demo_site), model_id)
    return [list(predictor.predict(path).probabilities or ()) for path in paths]


def load_model(tab: Tab) -> str:
    """Press the button of the model that the address names; returns what the self-test in the vault says."""
    tab.wait("document.querySelector('#load') !== null")
    tab.evaluate("void document.querySelector('#load').click()")
    tab.wait_for_frames(2)
    return str(tab.wait("document.querySelector('.check.passed, .check.refused')?.textContent", frame=1))


def ask_firefox(tab: Tab, paths: list[Path]) -> object:
    """Return what the engine answers to image files, in full precision."""
    tab.evaluate(f"({NOTE_ANSWERS})()", frame=1)
    tab.choose_files("input[type=file]", paths, frame=1)
    return tab.wait(f"self.answers.length === {len(paths)} && self.answers", frame=1)


@pytest.mark.parametrize("model_id", MODELS)
def test_firefox_gives_the_bits_of_wasmtime(firefox: Firefox, demo_site: Path, repository: Path, model_id: str) -> None:
    paths = list_samples(repository, model_id)
    with run_host(read_files(demo_site)) as host, firefox.preload(ONE_PLAIN_ENGINE):
        tab = firefox.open(f"{host.url}predict/#{model_id}")
        assert "plain SIMD" in load_model(tab)
        answers = ask_firefox(tab, paths)
        tab.close()
    assert predict(demo_site, model_id, paths) == answers


def test_threads_in_firefox_give_the_bits_of_wasmtime(firefox: Firefox, demo_site: Path, repository: Path) -> None:
    paths = list_samples(repository, MODELS[0])
    with run_host(read_files(demo_site), ISOLATION) as host, firefox.preload(PLAIN_WITH_THREADS):
        tab = firefox.open(f"{host.url}predict/#{MODELS[0]}")
        assert "plain SIMD, 2 threads" in load_model(tab)
        answers = ask_firefox(tab, paths)
        tab.close()
    assert predict(demo_site, MODELS[0], paths) == answers


def test_threads_in_chromium_give_the_bits_of_wasmtime(
    open_workspace: OpenWorkspace, demo_site: Path, repository: Path
) -> None:
    paths = list_samples(repository, MODELS[0])
    options = {"fragment": f"#{MODELS[0]}", "script": PLAIN_WITH_THREADS, "headers": ISOLATION}
    with open_workspace(read_files(demo_site), **options) as workspace:
        workspace.page.get_by_role("button", name="Load model").click()
        expect(workspace.vault.get_by_text("plain SIMD, 2 threads")).to_be_visible(timeout=120_000)
        workspace.page.frames[1].evaluate(NOTE_ANSWERS)
        workspace.add_paths(*paths)
        workspace.expect_counts(f"{len(paths)} of {len(paths)} images done.")
        answers = workspace.page.frames[1].evaluate("() => self.answers")
    assert predict(demo_site, MODELS[0], paths) == answers
