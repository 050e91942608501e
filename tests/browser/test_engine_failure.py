"""An engine that dies costs one image, never the batch, and never hangs."""

import pytest

from browser.conftest import OpenWorkspace
from browser.sites import BLUE, RED, make_bundle, make_image, make_site
from webipred.assets import read_asset

pytestmark = pytest.mark.browser

FATAL = make_image(200, 200, size=64, seed=9)

CRASH = "event.stopImmediatePropagation(); setTimeout(() => { throw new Error('dead'); });"
EXHAUSTED = """event.stopImmediatePropagation();
postMessage({ id: event.data.id, type: 'failed', error: { code: 'E-MEMORY', args: {} } });"""


def plant(reaction: str) -> bytes:
    """Return the engine with a reaction to predicting FATAL, before the engine itself hears of it."""
    listener = (
        "self.addEventListener('message', (event) => {"
        f" if (event.data.type === 'predict' && event.data.image.byteLength === {len(FATAL)}) {{ {reaction} }} }});"
    )
    return listener.encode() + read_asset("engine.js")


@pytest.mark.parametrize(("reaction", "sentence"), [(CRASH, "The engine stopped"), (EXHAUSTED, "not enough memory")])
def test_a_dying_engine_costs_one_image(open_workspace: OpenWorkspace, reaction: str, sentence: str) -> None:
    site = make_site([make_bundle()], engine_script=plant(reaction))
    with open_workspace(site) as workspace:
        workspace.load()
        workspace.add(("a.png", RED), ("fatal.png", FATAL), ("b.png", BLUE))
        workspace.expect_counts("3 of 3 images done, 1 of them with an error.")
        assert sentence in workspace.row("fatal.png")
        assert "Blue" in workspace.row("b.png")


def test_values_that_are_no_probabilities_become_an_error_row(open_workspace: OpenWorkspace) -> None:
    """The runtime's answer is spoiled for one image only, after the self-test has passed."""
    spoil = "self.spoiled = true;"
    script = plant(spoil).replace(b"self.addEventListener", b"self.spoiled = false; self.addEventListener", 1)
    patch = (
        b"{ const slice = Float32Array.prototype.slice; Float32Array.prototype.slice = function (...range) {"
        b" const copy = slice.apply(this, range);"
        b" if (self.spoiled && copy.length === 2) { copy.fill(NaN); self.spoiled = false; } return copy; }; }"
    )
    with open_workspace(make_site([make_bundle()], engine_script=patch + script)) as workspace:
        workspace.load()
        workspace.add(("a.png", RED), ("fatal.png", FATAL), ("b.png", BLUE))
        workspace.expect_counts("3 of 3 images done, 1 of them with an error.")
        assert "values that are no probabilities" in workspace.row("fatal.png")
        assert "NaN" not in workspace.vault.locator("main").inner_text()
