"""An engine that dies costs one image, never the batch, and never hangs."""

import pytest
from playwright.sync_api import expect

from browser.conftest import ONE_PLAIN_ENGINE, OpenWorkspace, Workspace
from browser.sites import BLUE, RED, make_bundle, make_image, make_site
from webipred.assets import read_asset

pytestmark = pytest.mark.browser

FATAL = make_image(200, 200, size=64, seed=9)

CRASH = "event.stopImmediatePropagation(); setTimeout(() => { throw new Error('dead'); });"
GIVE_UP = """event.stopImmediatePropagation();
postMessage({ id: event.data.id, type: 'failed', error: { code: '%s', args: {} } });"""
EXHAUSTED = GIVE_UP % "E-MEMORY"

SPY = """() => {
  const post = Worker.prototype.postMessage;
  self.asked = [];
  Worker.prototype.postMessage = function (message, transfer) {
    self.asked.push(message.type);
    return post.call(this, message, transfer);
  };
}"""
SPOIL_PROOFS = """() => {
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, transfer) {
    const spoiled = { ...message, image: new Blob(["no image"]) };
    return post.call(this, message.type === "prove" ? spoiled : message, transfer);
  };
}"""


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
    with open_workspace(make_site([make_bundle()], engine_script=patch + script), script=ONE_PLAIN_ENGINE) as workspace:
        workspace.load()
        workspace.add(("a.png", RED), ("fatal.png", FATAL), ("b.png", BLUE))
        workspace.expect_counts("3 of 3 images done, 1 of them with an error.")
        assert "values that are no probabilities" in workspace.row("fatal.png")
        assert "NaN" not in workspace.vault.locator("main").inner_text()


def spy_on_requests(workspace: Workspace) -> None:
    """Note from now on what the vault asks its engines for."""
    workspace.page.frames[1].evaluate(SPY)


def list_requests(workspace: Workspace) -> list[str]:
    return [str(name) for name in workspace.page.frames[1].evaluate("() => self.asked")]


@pytest.mark.parametrize("code", ["E-ENGINE-CRASH", "E-MEMORY", "E-OUTPUT"])
def test_an_engine_that_may_be_damaged_is_replaced_and_proved_again(open_workspace: OpenWorkspace, code: str) -> None:
    site = make_site([make_bundle()], engine_script=plant(GIVE_UP % code))
    with open_workspace(site, script=ONE_PLAIN_ENGINE) as workspace:
        workspace.load()
        spy_on_requests(workspace)
        workspace.add(("fatal.png", FATAL), ("b.png", BLUE))
        workspace.expect_counts("2 of 2 images done, 1 of them with an error.")
        assert ["predict", "start", "prove", "prove", "prove", "predict"] == list_requests(workspace)


def test_an_engine_that_fails_its_second_proof_predicts_nothing(open_workspace: OpenWorkspace) -> None:
    with open_workspace(make_site([make_bundle()], engine_script=plant(CRASH)), script=ONE_PLAIN_ENGINE) as workspace:
        workspace.load()
        workspace.page.frames[1].evaluate(SPOIL_PROOFS)
        spy_on_requests(workspace)
        workspace.add(("a.png", RED), ("fatal.png", FATAL), ("b.png", BLUE), ("c.png", RED))
        workspace.expect_counts("4 of 4 images done, 3 of them with an error.")
        expect(workspace.vault.get_by_role("alert")).to_contain_text("in 0 of 3 runs only")
        assert "Red" in workspace.row("a.png")
        for name in ("b.png", "c.png"):
            assert "No engine passed the check" in workspace.row(name)
        assert ["predict", "predict"] == [name for name in list_requests(workspace) if name == "predict"]
        expect(workspace.vault.get_by_role("button", name="Choose images")).to_be_disabled()


def test_an_engine_is_not_used_while_it_is_being_proved(open_workspace: OpenWorkspace) -> None:
    """The larger view starts the new engine; the next image must wait for the same proof."""
    with open_workspace(make_site([make_bundle()], engine_script=plant(CRASH)), script=ONE_PLAIN_ENGINE) as workspace:
        workspace.load()
        workspace.add(("a.png", RED), ("fatal.png", FATAL))
        workspace.expect_counts("2 of 2 images done, 1 of them with an error.")
        spy_on_requests(workspace)
        workspace.vault.get_by_role("button", name="a.png").click()
        workspace.add(("b.png", BLUE))
        workspace.expect_counts("3 of 3 images done")
        assert ["start", "prove", "prove", "prove"] == list_requests(workspace)[:4]
        assert ["predict", "preview"] == sorted(list_requests(workspace)[4:])
        assert "Blue" in workspace.row("b.png")
