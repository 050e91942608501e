"""Step 1: choosing and loading a model; nothing that differs from the pinned manifest ever reaches the vault."""

import threading

import pytest
from playwright.sync_api import expect

from browser.conftest import OpenWorkspace, Workspace
from browser.sites import LANGUAGES, compose_site, make_bundle, make_site
from webipred.site.bundles import BundleFiles, publish_bundle
from webipred.site.table import describe_file, place_asset

pytestmark = pytest.mark.browser

FAILED_REQUEST = "Failed to load resource"

HOLD_TURNS = """() => {
  const wait = self.setTimeout;
  let time = 0;
  self.turns = [];
  performance.now = () => (time += 1000);
  self.setTimeout = (callback, delay) => (delay === 0 ? self.turns.push(callback) : wait(callback, delay));
}"""
"""Every piece that arrives waits for its turn until the test gives it."""


def find_weights(files: dict[str, bytes]) -> str:
    return next(path for path in files if path.endswith(".plan"))


def press_load(workspace: Workspace) -> None:
    workspace.page.get_by_role("radio", name="Red or blue").check()
    workspace.page.get_by_role("button", name="Load model").click()


def expect_failure(workspace: Workspace, sentence: str) -> None:
    expect(workspace.page.get_by_role("alert")).to_contain_text(sentence)
    expect(workspace.page.locator("iframe")).to_have_count(0)


def test_nothing_is_downloaded_before_the_button_is_pressed(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site, "#red-or-blue") as workspace:
        expect(workspace.page.get_by_role("button", name="Load model (0.3 MB)")).to_be_visible()
        expect(workspace.page.get_by_text("Knows no other colour.")).to_be_visible()
        assert [] == [line for line in workspace.host.requests if not line.endswith(("/predict/", ".svg"))]


def test_only_files_of_the_manifest_are_requested(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        assert [] == [line for line in workspace.host.requests if not line.startswith("GET /some/sub-path/")]
        requested = {line.removeprefix("GET /some/sub-path/") for line in workspace.host.requests}
        assert {"predict/"} <= requested
        assert requested <= {path for path in colour_site if path.startswith("assets/")} | {"predict/"}


def test_the_search_narrows_the_list(open_workspace: OpenWorkspace) -> None:
    site = make_site([make_bundle(), make_bundle({"id": "chest", "name": "Chest X-rays", "discipline": "Radiology"})])
    with open_workspace(site) as workspace:
        workspace.page.get_by_role("searchbox").fill("radiology")
        expect(workspace.page.get_by_role("radio", name="Chest X-rays")).to_be_visible()
        expect(workspace.page.get_by_role("radio", name="Red or blue")).to_be_hidden()
        workspace.page.get_by_role("searchbox").fill("nothing like it")
        expect(workspace.page.get_by_text("No model matches this search.")).to_be_visible()


def test_weights_with_one_wrong_byte_are_not_used_and_can_be_tried_again(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    path = find_weights(colour_site)
    right = colour_site[path]
    with open_workspace(colour_site) as workspace:
        workspace.host.files[path] = right[:-1] + bytes([right[-1] ^ 1])
        press_load(workspace)
        expect_failure(workspace, f"{path} is not the published file (its SHA-256 differs).")
        workspace.host.files[path] = right
        workspace.page.get_by_role("button", name="Try again").click()
        expect(workspace.vault.get_by_text("3 of 3")).to_be_visible(timeout=60_000)


def test_a_login_page_in_place_of_a_file_is_named(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    path = find_weights(colour_site)
    with open_workspace(colour_site) as workspace:
        workspace.host.files[path] = b"<!doctype html><p>Please log in"
        workspace.host.types[path] = "text/html"
        press_load(workspace)
        expect_failure(workspace, f"Instead of {path} a web page arrived.")


def test_a_cut_off_file_is_named_with_both_sizes(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    path = find_weights(colour_site)
    size = len(colour_site[path])
    with open_workspace(colour_site) as workspace:
        workspace.host.files[path] = colour_site[path][:-7]
        press_load(workspace)
        expect_failure(workspace, f"{path} has {size - 7} bytes instead of {size}.")


def test_a_missing_file_is_named_with_the_status(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    path = find_weights(colour_site)
    with open_workspace(colour_site, allowed=(FAILED_REQUEST,)) as workspace:
        del workspace.host.files[path]
        press_load(workspace)
        expect_failure(workspace, f"The server answered 404 for {path}.")


def test_a_lost_connection_is_said(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site, allowed=(FAILED_REQUEST,)) as workspace:
        workspace.page.context.set_offline(True)
        press_load(workspace)
        expect_failure(workspace, "The server could not be reached.")


def test_a_download_shows_its_progress_and_can_be_cancelled(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        path = find_weights(colour_site)
        workspace.host.held[path] = threading.Event()
        press_load(workspace)
        expect(workspace.page.get_by_text("of 0.3 MB")).to_be_visible()
        expect(workspace.page.get_by_role("progressbar", name="Download")).to_be_visible()
        workspace.page.get_by_role("button", name="Cancel").click()
        expect(workspace.page.get_by_role("button", name="Load model")).to_be_visible()
        expect(workspace.page.get_by_role("alert")).to_have_count(0)
        workspace.host.held[path].set()


def test_a_download_cancelled_at_its_very_end_loads_nothing(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    """The last byte has come, so nothing can be aborted any more; the files must not be kept all the same."""
    with open_workspace(colour_site) as workspace:
        page = workspace.page
        page.evaluate(HOLD_TURNS)
        press_load(workspace)
        page.wait_for_function(
            "() => document.querySelector('.download p').textContent.startsWith('Checking')"
            " || (self.turns.shift()?.(), false)"
        )
        page.get_by_role("button", name="Cancel").click()
        page.evaluate("() => self.turns.splice(0).forEach((turn) => turn())")
        page.get_by_role("button", name="DE", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Modell wählen")
        expect(page.locator("iframe")).to_have_count(0)


def test_enter_in_the_search_field_sends_nothing(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    """The policy would refuse the form with an error on the console, which fails this test."""
    with open_workspace(colour_site) as workspace:
        workspace.page.get_by_role("radio", name="Red or blue").check()
        workspace.page.get_by_role("searchbox").fill("red")
        workspace.page.get_by_role("searchbox").press("Enter")
        expect(workspace.page.get_by_role("button", name="Load model")).to_be_visible()


def test_weights_in_several_parts_are_joined(open_workspace: OpenWorkspace) -> None:
    published = publish_bundle(make_bundle(), LANGUAGES)
    weights = next(data for path, data in published.files if path.endswith(".plan"))
    parts = [place_asset(part, "plan") for part in (weights[:100], weights[100:])]
    refs = [describe_file(path, data) for path, data in parts]
    whole = published.manifest.weights.model_copy(update={"path": refs[0].path})
    manifest = published.manifest.model_copy(update={"weights": whole, "weights_parts": refs})
    site = compose_site([BundleFiles(manifest=manifest, files=(*published.files, *parts))])
    with open_workspace(site) as workspace:
        workspace.load()


def test_the_page_refuses_to_run_inside_another_page(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    outer = b'<!doctype html><link rel="icon" href="data:,"><iframe src="predict/"></iframe>'
    with open_workspace({**colour_site, "outer.html": outer}) as workspace:
        workspace.page.goto(f"{workspace.host.url}outer.html")
        expect(workspace.vault.get_by_text("does not run inside another page")).to_be_visible()
