"""Nothing is cut off or hangs over the edge, from a telephone to a large screen."""

import pytest
from playwright.sync_api import expect

from browser.conftest import OpenWorkspace
from browser.sites import BLUE, RED

pytestmark = pytest.mark.browser

OVERHANG = "() => document.documentElement.scrollWidth - innerWidth"


@pytest.mark.parametrize("width", [390, 820, 1024, 1366])
def test_long_names_and_open_details_fit_the_width(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes], width: int
) -> None:
    names = [f"patient_{'x' * 120}.png", "A long name with blanks " * 6, "c.pdf"]
    with open_workspace(colour_site, viewport={"width": width, "height": 800}) as workspace:
        workspace.load()
        workspace.add(*zip(names, (RED, BLUE, b"%PDF"), strict=True))
        workspace.expect_counts("3 of 3 images done")
        vault = workspace.page.frames[1]
        assert 0 >= vault.evaluate(OVERHANG)
        workspace.vault.locator("tbody .name").first.click()
        detail = workspace.vault.locator(".detail")
        expect(detail).to_be_visible()
        assert 0 >= detail.evaluate("(element) => element.scrollWidth - element.clientWidth")
        assert [0, 0] == [max(0, frame.evaluate(OVERHANG)) for frame in workspace.page.frames]
        workspace.page.get_by_role("button", name="Change model").click()
        assert 0 >= workspace.page.evaluate(OVERHANG)
