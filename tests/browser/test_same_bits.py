"""One plan gives the same bits in wasmtime, Chromium and Firefox, through the real page."""

from pathlib import Path

import pytest

from browser.firefox import Firefox, Tab
from browser.server import run_host
from command_line import run_command
from webipred.prediction import Predictor
from webipred.site.reading import read_site

pytestmark = pytest.mark.browser

MODELS = ("malaria-thin-smear", "pneumonia-cxr-demo")

NOTE_ANSWERS = """(() => {
  const post = Worker.prototype.postMessage;
  const watched = new WeakSet();
  self.answers = [];
  Worker.prototype.postMessage = function (message, transfer) {
    if (!watched.has(this)) {
      watched.add(this);
      this.addEventListener("message", ({ data }) => {
        if (data.type === "done" && data.answer.probabilities) self.answers.push(data.answer.probabilities);
      });
    }
    return post.call(this, message, transfer);
  };
})()"""
"""Notes what the engine answers from now on, in full precision."""


@pytest.fixture(scope="module")
def demo_site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bits")
    out, cache = folder / "dist", folder / "cache"
    built = run_command("build", "--offline", "--out", out, "--cache-dir", cache, cwd=repository)
    assert built.returncode == 0, built.stderr
    return out


def read_files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def list_samples(repository: Path, model_id: str) -> list[Path]:
    folder = repository / "demo_models" / model_id / "samples"
    return sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpeg"))[:4]


def load_model(tab: Tab) -> None:
    """Press the button of the model that the address names, and wait for the self-test in the vault."""
    tab.wait("document.querySelector('#load') !== null")
    tab.evaluate("void document.querySelector('#load').click()")
    tab.wait_for_frames(2)
    tab.wait("document.querySelector('.check.passed, .check.refused') !== null", frame=1)


@pytest.mark.parametrize("model_id", MODELS)
def test_firefox_gives_the_bits_of_wasmtime(firefox: Firefox, demo_site: Path, repository: Path, model_id: str) -> None:
    paths = list_samples(repository, model_id)
    predictor = Predictor(read_site(demo_site), model_id)
    with run_host(read_files(demo_site)) as host:
        tab = firefox.open(f"{host.url}predict/#{model_id}")
        load_model(tab)
        tab.evaluate(NOTE_ANSWERS, frame=1)
        tab.choose_files("input[type=file]", paths, frame=1)
        tab.wait(f"document.querySelectorAll('td.value').length >= {len(paths)}", frame=1)
        answers = tab.wait(f"self.answers.length === {len(paths)} && self.answers", frame=1)
        tab.close()
    assert [list(predictor.predict(path).probabilities or ()) for path in paths] == answers
