"""Before the first prediction a computer must give the answers of the reference; otherwise it gives none."""

import pytest
from playwright.sync_api import expect

from browser.conftest import ONE_PLAIN_ENGINE, OpenWorkspace, Workspace
from browser.sites import BLUE, LANGUAGES, RED, compose_site, make_bundle, make_site
from webipred.assets import read_asset
from webipred.site.bundles import publish_bundle
from webipred.site.manifest import GoldenRef

pytestmark = pytest.mark.browser

HOLD_START = b"""self.addEventListener("message", (event) => {
  if (event.data.type !== "start" || self.release) return;
  event.stopImmediatePropagation();
  self.release = () => self.dispatchEvent(new MessageEvent("message", { data: event.data }));
});"""


def make_lying_site(engine_script: bytes | None = None, **change: object) -> dict[str, bytes]:
    """Return a site whose first golden vector is changed."""
    published = publish_bundle(make_bundle(), LANGUAGES)
    first, *others = published.manifest.goldens
    goldens = [GoldenRef.model_validate({**first.model_dump(), **change}), *others]
    return compose_site(
        [published], engine_script, manifests=[published.manifest.model_copy(update={"goldens": goldens})]
    )


def expect_refusal(workspace: Workspace, sentence: str) -> None:
    workspace.page.get_by_role("radio", name="Red or blue").check()
    workspace.page.get_by_role("button", name="Load model").click()
    alert = workspace.vault.get_by_role("alert")
    expect(alert).to_contain_text("Predictions are switched off on this computer.", timeout=60_000)
    expect(alert).to_contain_text(sentence)
    expect(workspace.vault.get_by_role("button", name="Choose images")).to_be_disabled()
    expect(workspace.vault.get_by_role("button", name="Choose folder")).to_be_disabled()


def test_a_different_probability_switches_predictions_off(open_workspace: OpenWorkspace) -> None:
    with open_workspace(make_lying_site(probabilities=[0.5, 0.5])) as workspace:
        expect_refusal(workspace, "in 1 of 3 runs only")


def test_a_different_tensor_switches_predictions_off(open_workspace: OpenWorkspace) -> None:
    with open_workspace(make_lying_site(tensor_sha256="0" * 64)) as workspace:
        expect_refusal(workspace, "in 1 of 3 runs only")


def test_an_engine_that_does_not_start_switches_predictions_off(open_workspace: OpenWorkspace) -> None:
    with open_workspace(make_site([make_bundle()], engine_script=b"throw new Error('broken');")) as workspace:
        expect_refusal(workspace, "The engine could not be started")


def test_images_queued_before_a_refusal_fail_and_are_never_predicted(open_workspace: OpenWorkspace) -> None:
    site = make_lying_site(engine_script=HOLD_START + read_asset("engine.js"), tensor_sha256="0" * 64)
    with open_workspace(site, script=ONE_PLAIN_ENGINE) as workspace:
        workspace.page.get_by_role("radio", name="Red or blue").check()
        workspace.page.get_by_role("button", name="Load model").click()
        expect(workspace.vault.get_by_text("Checking this computer")).to_be_visible(timeout=60_000)
        workspace.add(("a.png", RED), ("b.png", BLUE))
        expect(workspace.vault.locator("tr.waiting")).to_have_count(2)
        workspace.page.workers[0].evaluate("() => self.release()")
        workspace.expect_counts("2 of 2 images done, 2 of them with an error.")
        assert "No engine passed the check" in workspace.row("a.png")
        expect(workspace.vault.locator("td.value")).to_have_count(0)
