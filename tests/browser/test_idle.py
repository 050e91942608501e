"""Images and results that nobody uses are forgotten; the clock is moved, nothing is waited for."""

import pytest
from playwright.sync_api import Frame, expect

from browser.conftest import OpenWorkspace, Workspace
from browser.sites import RED

pytestmark = pytest.mark.browser

WARNING = "Images and results will be cleared"


def find_vault(workspace: Workspace) -> Frame:
    return next(frame for frame in workspace.page.frames if frame.parent_frame is not None)


def advance(workspace: Workspace, minutes: float) -> None:
    """Let the vault's clock jump, as it does when a computer wakes up."""
    find_vault(workspace).evaluate(
        "(ms) => { const now = Date.now.bind(Date); Date.now = () => now() + ms; }", minutes * 60_000
    )


def load_and_predict(workspace: Workspace) -> None:
    workspace.load()
    workspace.add(("a.png", RED))
    workspace.expect_counts("1 of 1 images done.")


def test_the_last_minute_is_counted_and_a_pointer_keeps_everything(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        load_and_predict(workspace)
        expect(workspace.vault.get_by_text(WARNING)).to_be_hidden()
        advance(workspace, 14.1)
        expect(workspace.vault.get_by_role("alert")).to_contain_text(WARNING)
        expect(workspace.vault.locator(".idle-box")).to_contain_text(" s")
        workspace.vault.get_by_role("heading", name="Results").hover()
        expect(workspace.vault.get_by_text(WARNING)).to_be_hidden()
        workspace.expect_counts("1 of 1 images done.")


def test_a_key_keeps_everything(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        load_and_predict(workspace)
        advance(workspace, 14.1)
        expect(workspace.vault.get_by_role("alert")).to_contain_text(WARNING)
        workspace.vault.get_by_role("heading", name="Results").press("Shift")
        expect(workspace.vault.get_by_text(WARNING)).to_be_hidden()


def test_after_the_limit_the_frame_is_gone_and_the_model_is_not(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        load_and_predict(workspace)
        requests = list(workspace.host.requests)
        advance(workspace, 16)
        expect(workspace.page.get_by_text("Images and results were cleared, because nobody used them")).to_be_visible()
        expect(workspace.page.locator("iframe")).to_have_count(0)
        assert [] == workspace.page.workers
        workspace.page.get_by_role("button", name="Go on with this model").click()
        expect(workspace.vault.get_by_text("3 of 3")).to_be_visible(timeout=60_000)
        expect(workspace.vault.get_by_role("row")).to_have_count(0)
        assert requests == workspace.host.requests


def test_a_vault_without_images_stays(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        advance(workspace, 60)
        workspace.add(("a.png", RED))
        workspace.expect_counts("1 of 1 images done.")
        expect(workspace.vault.get_by_text(WARNING)).to_be_hidden()
