"""Nothing of an image reaches title, address, console, live regions or the browser's memory for forms."""

import pytest
from playwright.sync_api import expect

from browser.conftest import OpenWorkspace, Workspace
from browser.sites import BLUE, RED

pytestmark = pytest.mark.browser

CANARY = "Mustermann^Erika"
LIVE = """() => [...document.querySelectorAll("[aria-live],[role=status],[role=alert],[role=log],output,[role=timer]")]
  .map((element) => element.textContent)"""
FORMS = """() => [...document.querySelectorAll("input,textarea,select")]
  .filter((element) => element.type !== "radio" && element.getAttribute("autocomplete") !== "off")
  .map((element) => element.outerHTML)"""


def fill(workspace: Workspace) -> None:
    workspace.load()
    workspace.add((f"{CANARY}.png", RED), (f"{CANARY}-cut.png", BLUE[:60]), (f"{CANARY}.dcm", bytes(128) + b"DICM"))
    workspace.expect_counts("3 of 3 images done, 2 of them with an error.")


def test_no_name_stands_in_title_address_history_or_live_region(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    """Console messages and page errors fail this test by themselves."""
    with open_workspace(colour_site) as workspace:
        fill(workspace)
        page = workspace.page
        workspace.vault.get_by_role("button", name=f"{CANARY}.png").click()
        expect(workspace.vault.locator(".detail")).to_contain_text(CANARY)
        seen = [page.title(), page.url, page.evaluate("() => JSON.stringify(history.state)")]
        for frame in page.frames:
            seen += [frame.evaluate("() => document.title + window.name"), *frame.evaluate(LIVE)]
        assert [] == [text for text in seen if "Mustermann" in text]


def test_errors_are_told_without_names(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        fill(workspace)
        lines = workspace.save_csv().splitlines()
        assert [1, 1, 1] == [line.count("Mustermann") for line in lines if "Mustermann" in line]  # the column only


def test_nothing_offers_to_remember_check_or_translate(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        for frame in workspace.page.frames:
            assert [] == frame.evaluate(FORMS)
            assert ["no", False, "notranslate"] == frame.evaluate(
                """() => [document.documentElement.translate ? "yes" : "no", document.body.spellcheck,
                    document.querySelector("meta[name=google]").content]"""
            )


def test_the_vault_can_store_nothing(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        vault = next(frame for frame in workspace.page.frames if frame.parent_frame is not None)
        names = ["indexedDB", "caches", "cookieStore", "BroadcastChannel", "SharedWorker", "Notification"]
        assert [] == vault.evaluate("(names) => names.filter((name) => name in window)", names)
        refused = """() => ["localStorage", "sessionStorage"].filter((name) => { try { return window[name]; }
            catch (error) { return error.name !== "SecurityError"; } })"""
        assert [] == vault.evaluate(refused)


def test_leaving_the_page_removes_the_vault_also_from_the_page_cache(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace({**colour_site, "index.html": b"<!doctype html><link rel=icon href=data:,>x"}) as workspace:
        fill(workspace)
        workspace.page.goto(workspace.host.url)
        workspace.page.go_back()
        expect(workspace.page.get_by_role("heading", name="Choose a model")).to_be_visible()
        expect(workspace.page.locator("iframe")).to_have_count(0)
        assert [] == workspace.page.workers


def test_clear_ends_every_worker(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        fill(workspace)
        before = list(workspace.page.workers)
        assert before
        workspace.page.get_by_role("button", name="Clear everything").click()
        expect(workspace.vault.get_by_text("3 of 3")).to_be_visible(timeout=60_000)
        assert [] == [worker for worker in workspace.page.workers if worker in before]
        expect(workspace.vault.get_by_text(CANARY)).to_have_count(0)
