"""What is handed to a hospital, in a real browser: the sheet on one page, the unpacked archive, the privacy page."""

import dataclasses
import json
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import bundles
from browser.conftest import OpenWorkspace
from browser.sites import RED, make_bundle
from command_line import run_inside
from webipred.digests import hash_bytes
from webipred.site.assembly import assemble_site
from webipred.site.proof import ProofReport
from webipred.site.writing import write_site
from webipred.verify.sheet import render_sheet
from webipred.verify.verification import NO_PIN, Verification, verify_folder

pytestmark = pytest.mark.browser

PROOF = {
    "format_version": 1, "outcome": "incomplete", "scope": "cheap", "build_id": "0123456789abcdef",
    "manifest_sha256": "0" * 64, "created": "2026-01-02T03:04:05Z", "system": {"Chromium": "156"}, "more": "kept",
    "tiers": [{"id": "silence", "title": "Silence", "state": "passed", "seconds": 1.5, "tables": [], "notes": [],
               "checks": [{"name": "packets", "state": "passed", "detail": "0 packets, <b>1,000</b> predictions"}]}],
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole site with the colour model, real code and a proof report."""
    bundle = make_bundle()
    catalog = bundles.make_catalog().model_copy(update={"models": [bundle.entry]})
    proof = ProofReport.model_validate(PROOF)
    site = assemble_site(catalog, [bundle], [], proof=proof)
    write_site(site, tmp_path_factory.mktemp("delivery") / "dist")
    return tmp_path_factory.getbasetemp() / "delivery0/dist"


def read_files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def unpacked(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as a hospital has it: packed, carried over, unpacked."""
    place = tmp_path_factory.mktemp("hospital")
    assert 0 == run_inside("bundle", "--site", folder, "--out", place / "site.zip").exit_code
    with zipfile.ZipFile(place / "site.zip") as archive:
        archive.extractall(place)
    return next(path for path in place.iterdir() if path.is_dir()) / "site"


def count_pages(browser: Browser, html: str) -> int:
    page = browser.new_page()
    page.set_content(html)
    pdf = page.pdf(prefer_css_page_size=True)
    page.close()
    assert b"/MediaBox [0 0 594.9" in pdf or b"/MediaBox [0 0 595" in pdf, "not A4"
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def damage(verification: Verification) -> Verification:
    """Return the worst that a sheet must hold: long names, long sentences, more findings than fit."""
    name = "/srv/a-long-name-of-a-folder" * 5
    failed = [
        dataclasses.replace(
            check,
            outcome="failed",
            findings=tuple(
                dataclasses.replace(verification.findings[0], code="E-VERIFY-CHANGED", where=f"{name}{number}")
                for number in range(30)
            ),
        )
        for check in verification.checks
    ]
    more = [dataclasses.replace(failed[0], name=name, findings=()) for name in ("types", "headers")]
    return dataclasses.replace(verification, where=name, kind="address", checks=(*failed, *more))


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("sound", [True, False])
def test_the_sheet_prints_on_one_page(browser: Browser, folder: Path, language: str, sound: bool) -> None:
    verification = verify_folder(folder, "webipred 0.1.0", NO_PIN)
    shown = verification if sound else damage(verification)
    assert 1 == count_pages(browser, render_sheet(shown, "2026-01-02 03:04 UTC", language, strict=False))


def test_a_second_page_would_be_counted(browser: Browser) -> None:
    html = "<style>@page { size: A4 } p { break-after: page }</style><p>1</p><p>2</p>"
    assert 2 == count_pages(browser, html)


def test_an_unpacked_archive_passes_and_its_workspace_predicts(
    folder: Path, unpacked: Path, open_workspace: OpenWorkspace
) -> None:
    assert 0 == run_inside("verify", unpacked, "--reference", folder, "--strict").exit_code
    with open_workspace(read_files(unpacked)) as workspace:
        workspace.load()
        workspace.add(("red.png", RED))
        workspace.expect_counts("1 of 1 images done")
        assert "Red" in workspace.row("red.png")


def test_the_workspace_counts_no_request_after_its_model_and_would_count_one(
    folder: Path, open_workspace: OpenWorkspace
) -> None:
    with open_workspace(read_files(folder), allowed=("Failed to load resource", "ERR_FAILED")) as workspace:
        workspace.load()
        line = workspace.page.locator("#silence")
        expect(line).to_have_text("0 requests since the model was loaded")
        workspace.add(("red.png", RED))
        workspace.expect_counts("1 of 1 images done")
        expect(line).to_have_text("0 requests since the model was loaded")
        workspace.page.evaluate("fetch('../manifest.json').then(() => 0, () => 0)")
        expect(line).to_have_text("1 request since the model was loaded")


def open_privacy(workspace_page: Page) -> Page:
    with workspace_page.context.expect_page() as opened:
        workspace_page.get_by_role("link", name="Privacy").click()
    return opened.value


def test_the_privacy_page_shows_what_the_browser_does_now(folder: Path, open_workspace: OpenWorkspace) -> None:
    files = read_files(folder)
    with open_workspace(files) as workspace:
        workspace.load()
        page = open_privacy(workspace.page)
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        expect(page.locator("#live-requests")).to_contain_text("0 sent since")
        expect(page.locator("#live-requests")).to_contain_text("Open workspaces: 1")
        expect(page.locator("#live-worker")).to_have_text("runs, of the same build as this page.")
        expect(page.locator("#live-digest")).to_have_text(hash_bytes(files["SHA256SUMS"]))
        expect(page.locator("#live-policy")).to_have_text("stands in the page, and is sent with it as well.")
        expect(page.locator("#live-isolation")).to_have_text("yes (cross-origin isolated)")
        assert json.loads(files["manifest.json"])["build_id"] in page.locator("#now + dl, section").first.inner_text()
        assert [] == problems


def test_without_a_service_worker_the_privacy_page_says_so(folder: Path, open_workspace: OpenWorkspace) -> None:
    with open_workspace(read_files(folder), service_workers="block", allowed=("Service Worker",)) as workspace:
        workspace.page.goto(workspace.host.url + "de/privacy/")
        expect(workspace.page.locator("#live-requests")).to_contain_text("keinen Service Worker")
        expect(workspace.page.locator("#live-policy")).to_contain_text("der Server sendet keine eigene")
        expect(workspace.page.locator("#live-isolation")).to_contain_text("nein")


@pytest.mark.parametrize("width", [320, 1200])
def test_the_privacy_page_is_complete_without_javascript(
    folder: Path, open_workspace: OpenWorkspace, width: int
) -> None:
    size = {"width": width, "height": 800}
    with open_workspace(read_files(folder), java_script_enabled=False, viewport=size) as workspace:
        page = workspace.page
        page.goto(workspace.host.url + "privacy/")
        expect(page.get_by_text("With JavaScript switched on")).to_be_visible()
        expect(page.locator("#live")).to_be_hidden()
        for heading in ("What is ensured", "What no web page can ensure", "How to check it yourself", "Last proof"):
            expect(page.get_by_role("heading", name=heading)).to_be_visible()


def test_a_proof_of_another_build_is_shown_as_that_and_as_text(folder: Path) -> None:
    page = (folder / "privacy/index.html").read_text(encoding="utf-8")
    assert "It is about build 0123456789abcdef, not about this one." in page
    assert "0 packets, &lt;b&gt;1,000&lt;/b&gt; predictions" in page
    assert "kept" == json.loads((folder / "privacy/proof.json").read_text(encoding="utf-8"))["more"]
