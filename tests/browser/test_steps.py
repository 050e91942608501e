"""The three steps on a host without headers, below a sub-path."""

import pytest
from playwright.sync_api import expect

from browser.conftest import OpenWorkspace
from browser.sites import BLUE, RED

pytestmark = pytest.mark.browser


def test_three_steps_lead_from_the_choice_of_a_model_to_probabilities(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add(("a.png", RED), ("b.png", BLUE))
        workspace.expect_counts("2 of 2 images done.")
        assert "Red" in workspace.row("a.png")
        assert "Blue" in workspace.row("b.png")
        expect(workspace.page.get_by_role("note")).to_contain_text("For research use only")
