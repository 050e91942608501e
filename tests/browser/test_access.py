"""By keyboard alone, in both languages."""

import threading
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from browser.conftest import OpenWorkspace
from browser.sites import RED, encode

pytestmark = pytest.mark.browser


def test_the_three_steps_work_by_keyboard_alone(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        page, keyboard = workspace.page, workspace.page.keyboard
        page.on("filechooser", lambda _: None)  # caught from now on: at the press it may be too late
        page.get_by_role("searchbox").focus()
        keyboard.press("Tab")
        expect(page.get_by_role("radio", name="Red or blue")).to_be_focused()
        keyboard.press("Space")
        keyboard.press("Tab")
        expect(page.get_by_role("button", name="Load model")).to_be_focused()
        keyboard.press("Enter")
        expect(workspace.vault.get_by_text("3 of 3")).to_be_visible(timeout=60_000)
        keyboard.press("Tab")
        expect(workspace.vault.get_by_role("button", name="Choose images")).to_be_focused()
        with page.expect_file_chooser() as chooser:
            keyboard.press("Enter")
        chooser.value.set_files({"name": "a.png", "mimeType": "image/png", "buffer": RED})
        workspace.expect_counts("1 of 1 images done.")
        expect(workspace.vault.get_by_role("button", name="Save results (CSV)")).to_be_enabled()
        for _ in range(8):
            keyboard.press("Tab")
        expect(workspace.vault.get_by_role("button", name="a.png")).to_be_focused()
        keyboard.press("Enter")
        expect(workspace.vault.locator(".detail")).to_contain_text("Threshold 0.5")


def test_closing_the_details_returns_to_the_row(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add(("a.png", RED), ("b.png", RED))
        workspace.expect_counts("2 of 2 images done.")
        workspace.vault.get_by_role("button", name="a.png").press("Enter")
        workspace.vault.get_by_role("button", name="Next image").press("Enter")
        workspace.vault.get_by_role("button", name="Close details").press("Enter")
        expect(workspace.vault.get_by_role("button", name="b.png")).to_be_focused()


def test_cancelling_a_batch_leaves_the_focus_on_continue_and_its_end_on_save(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(encode(np.random.default_rng(3).integers(0, 255, (600, 600, 3)).astype(np.uint8)))
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add_paths(*[path] * 20)
        workspace.vault.get_by_role("button", name="Cancel").press("Enter")
        expect(workspace.vault.get_by_role("button", name="Continue")).to_be_focused()
        workspace.vault.get_by_role("button", name="Continue").press("Enter")
        workspace.expect_counts("20 of 20 images done.")
        expect(workspace.vault.get_by_role("button", name="Save results (CSV)")).to_be_focused()


def test_the_focus_stays_in_place_when_a_download_is_cancelled_or_the_language_changes(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        page = workspace.page
        path = max((path for path in colour_site if path.endswith(".wasm")), key=lambda path: len(colour_site[path]))
        workspace.host.held[path] = threading.Event()
        page.get_by_role("radio", name="Red or blue").check()
        page.get_by_role("button", name="Load model").press("Enter")
        page.get_by_role("button", name="Cancel").press("Enter")
        expect(page.get_by_role("button", name="Load model")).to_be_focused()
        page.get_by_role("button", name="Load model").press("Enter")
        page.get_by_role("button", name="DE", exact=True).press("Enter")
        expect(page.get_by_role("button", name="DE", exact=True)).to_be_focused()
        workspace.host.held[path].set()


def test_the_model_is_the_heading_while_images_are_open(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        expect(workspace.page.get_by_role("heading", level=1)).to_have_text("Red or blue · v1.2.0")


def test_counts_are_announced_without_names(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add(("Mustermann.png", RED))
        announcement = workspace.vault.locator(".progress [role=status]")
        expect(announcement).to_have_text("1 of 1 images done.")


def test_a_german_browser_sees_german(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site, locale="de-DE") as workspace:
        page = workspace.page
        page.get_by_role("radio", name="Rot oder Blau").check()
        page.get_by_role("button", name="Modell laden (0,3 MB)").click()
        expect(
            workspace.vault.get_by_text("Gleiche Antworten wie die Referenz auf diesem Computer: 3 von 3")
        ).to_be_visible(timeout=60_000)
        workspace.add(("a.png", RED))
        workspace.expect_counts("1 von 1 Bildern fertig.")
        assert "Rot" in workspace.row("a.png")
        assert "de" == page.frames[1].evaluate("() => document.documentElement.lang")


def test_switching_the_language_asks_before_it_clears(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        page = workspace.page
        workspace.load()
        workspace.add(("a.png", RED))
        workspace.expect_counts("1 of 1 images done.")
        page.get_by_role("button", name="DE", exact=True).click()
        page.get_by_role("button", name="Keep").click()
        expect(page.get_by_role("button", name="DE", exact=True)).to_be_focused()
        workspace.expect_counts("1 of 1 images done.")
        page.get_by_role("button", name="DE", exact=True).click()
        page.get_by_role("button", name="Clear and switch").click()
        expect(workspace.vault.get_by_text("3 von 3")).to_be_visible(timeout=60_000)
        expect(workspace.vault.locator("tbody tr")).to_have_count(0)


def test_without_a_network_the_choice_changes_the_language_at_once(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.page.get_by_role("button", name="DE", exact=True).click()
        expect(workspace.page.get_by_role("heading", level=1)).to_contain_text("Modell wählen")
        expect(workspace.page.get_by_role("note")).to_contain_text("Nur für Forschungszwecke")
