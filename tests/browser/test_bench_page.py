"""bench/ in a real browser: it measures the engine on a model of the site, from verified files, and tells nobody."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

import bundles
from browser.server import ISOLATION, Host, run_host
from webipred.assets import read_asset
from webipred.site.assembly import assemble_site

pytestmark = pytest.mark.browser

OpenPage = Callable[..., AbstractContextManager[tuple[Page, Host]]]
MEASURED = 120_000
"""Milliseconds; a measurement takes about five seconds on an idle machine."""


@pytest.fixture(scope="module")
def site_files() -> dict[str, bytes]:
    catalog = bundles.make_catalog()
    site = assemble_site(catalog, bundles.make_bundles(catalog), bundles.make_unpublished(catalog), read_asset)
    return dict(site.table)


@pytest.fixture
def open_page(browser: Browser, site_files: dict[str, bytes]) -> OpenPage:
    """Open the page; leaving the block fails on messages, page errors and foreign requests."""

    @contextmanager
    def open_path(
        path: str = "bench/",
        files: dict[str, bytes] | None = None,
        headers: dict[str, str] | None = None,
        **options: object,
    ) -> Iterator[tuple[Page, Host]]:
        problems: list[str] = []
        with run_host(files or site_files, headers) as host:
            context = browser.new_context(**options)  # type: ignore[arg-type]
            page = context.new_page()
            page.on("console", lambda message: problems.append(f"console: {message.text}"))
            page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
            page.on("request", lambda asked: problems.append(asked.url) if is_foreign(asked.url, host) else None)
            page.goto(f"{host.url}{path}")
            yield page, host
            context.close()
        assert [] == problems

    return open_path


def is_foreign(url: str, host: Host) -> bool:
    return not url.startswith((host.url, "blob:"))


def measure(page: Page) -> None:
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("heading", name="Results")).to_be_visible(timeout=MEASURED)


def test_a_measurement_shows_times_and_what_it_ran_on(open_page: OpenPage) -> None:
    with open_page() as (page, host):
        measure(page)
        expect(page.get_by_role("status").first).to_have_text("Done.")
        row = page.get_by_role("table", name="Times by number of threads").get_by_role("row").nth(1)
        cells = row.get_by_role("cell").all_inner_texts()
        assert "1" == row.get_by_role("rowheader").inner_text()
        assert 6 == len([text for text in cells if re.fullmatch(r"[\d,]+(\.\d)?", text)])
        facts = dict(
            zip(page.locator("#facts dt").all_inner_texts(), page.locator("#facts dd").all_inner_texts(), strict=True)
        )
        assert "Malaria on thin blood smears (red-or-blue, 8 × 8 × 3)" == facts["Model"]
        assert facts["Build of the engine"] in ("plain", "relaxed")
        assert all(facts.values())
        assert all(request.startswith("GET ") for request in host.requests)


def test_an_isolated_page_also_measures_the_threads_that_the_workspace_would_use(open_page: OpenPage) -> None:
    with open_page(headers=ISOLATION) as (page, _):
        measure(page)
        rows = page.get_by_role("table", name="Times by number of threads").get_by_role("rowheader").all_inner_texts()
        cores = page.evaluate("navigator.hardwareConcurrency")
        several = max(1, min(8, cores - 1 if cores > 2 else cores))  # the rule of app/shared/variant.ts
        assert (["1", str(several)] if several > 1 else ["1"]) == rows
        expect(page.get_by_text("yes, the page is isolated")).to_be_visible()


def test_the_results_can_be_saved_as_text(open_page: OpenPage) -> None:
    with open_page() as (page, _):
        measure(page)
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as text").click()
        text = download.value.path().read_text(encoding="utf-8")
    assert "webipred-bench.txt" == download.value.suggested_filename
    assert "Model: Malaria on thin blood smears (red-or-blue, 8 × 8 × 3)\n" in text
    assert re.search(
        r"^Threads: 1; Model and engine ready \(ms\): [\d.,]+; .*Images per minute: [\d,]+", text, re.MULTILINE
    )


def test_the_results_can_be_copied(open_page: OpenPage) -> None:
    with open_page(permissions=["clipboard-read", "clipboard-write"]) as (page, _):
        measure(page)
        page.get_by_role("button", name="Copy as text").click()
        expect(page.get_by_text("Copied.")).to_be_visible()
        assert "Threads: 1;" in page.evaluate("navigator.clipboard.readText()")


def test_a_changed_file_is_not_measured(open_page: OpenPage, site_files: dict[str, bytes]) -> None:
    changed = {path: data[:-1] + b"?" if path.endswith(".plan") else data for path, data in site_files.items()}
    with open_page(files=changed) as (page, _):
        page.get_by_role("button", name="Start").click()
        expect(page.get_by_role("status").first).to_contain_text("The measurement failed (E-DIGEST)", timeout=MEASURED)
        expect(page.get_by_role("heading", name="Results")).to_be_hidden()
        expect(page.get_by_role("button", name="Start")).to_be_enabled()


def test_the_german_page_measures_from_one_folder_deeper(open_page: OpenPage) -> None:
    with open_page("de/bench/") as (page, _):
        page.get_by_role("button", name="Starten").click()
        expect(page.get_by_role("heading", name="Ergebnisse")).to_be_visible(timeout=MEASURED)


def test_only_models_of_this_engine_can_be_chosen(open_page: OpenPage) -> None:
    with open_page() as (page, _):
        assert ["Malaria on thin blood smears"] == page.get_by_label("Model").locator("option").all_inner_texts()


def test_without_scripts_the_page_says_what_it_needs_and_shows_no_dead_control(open_page: OpenPage) -> None:
    with open_page(java_script_enabled=False) as (page, _):
        expect(page.get_by_text("Measuring needs JavaScript.")).to_be_visible()
        expect(page.get_by_role("button", name="Start")).to_be_hidden()


@pytest.mark.parametrize(("scheme", "colour"), [("light", "rgb(244, 246, 248)"), ("dark", "rgb(15, 22, 28)")])
def test_the_page_follows_the_colour_scheme_and_does_not_scroll_sideways(
    open_page: OpenPage, scheme: str, colour: str
) -> None:
    with open_page(color_scheme=scheme) as (page, _):
        expect(page.locator("body")).to_have_css("background-color", colour)
        for width in (320, 820):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"at {width} pixels"


def test_the_footer_leads_there(open_page: OpenPage) -> None:
    with open_page("privacy/") as (page, _):
        page.get_by_role("link", name="Measure this computer").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Measure this computer")
