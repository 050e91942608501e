"""Images and results are destroyed only after a question, and only by the buttons that say so."""

import pytest
from playwright.sync_api import expect

from browser.conftest import OpenWorkspace
from browser.sites import RED, make_bundle, make_site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site_of_two() -> dict[str, bytes]:
    return make_site([make_bundle(), make_bundle({"id": "second", "name": "Second one"})])


def test_changing_the_model_asks_before_it_clears(open_workspace: OpenWorkspace, site_of_two: dict[str, bytes]) -> None:
    with open_workspace(site_of_two) as workspace:
        page = workspace.page
        workspace.load()
        workspace.add(("a.png", RED))
        workspace.expect_counts("1 of 1 images done.")
        page.get_by_role("button", name="Change model").click()
        expect(page.get_by_role("alert")).to_have_text("Another model clears images and results.")
        page.get_by_role("button", name="Keep").click()
        expect(page.get_by_role("button", name="Change model")).to_be_focused()
        workspace.expect_counts("1 of 1 images done.")
        page.get_by_role("button", name="Change model").click()
        page.get_by_role("button", name="Clear and change").click()
        expect(page.get_by_role("heading", level=1)).to_be_focused()
        expect(page.locator("iframe")).to_have_count(0)


def test_another_address_changes_nothing_while_images_are_open(
    open_workspace: OpenWorkspace, site_of_two: dict[str, bytes]
) -> None:
    with open_workspace(site_of_two) as workspace:
        workspace.load()
        workspace.add(("a.png", RED))
        workspace.expect_counts("1 of 1 images done.")
        workspace.page.evaluate("() => { location.hash = '#second'; }")
        workspace.page.wait_for_url("**#red-or-blue")
        workspace.expect_counts("1 of 1 images done.")


def test_another_address_chooses_its_model_before_one_is_loaded(
    open_workspace: OpenWorkspace, site_of_two: dict[str, bytes]
) -> None:
    with open_workspace(site_of_two) as workspace:
        workspace.page.evaluate("() => { location.hash = '#second'; }")
        expect(workspace.page.get_by_role("heading", name="Second one")).to_be_visible()
