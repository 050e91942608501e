"""The catalog page and the model cards in a real browser: complete without scripts, calm and quiet with them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import bundles
from webipred.assets import read_asset
from webipred.site.assembly import assemble_site
from webipred.site.preview import serve_site
from webipred.site.writing import write_site

pytestmark = pytest.mark.browser

MALARIA, CHEST = "Malaria on thin blood smears", "Findings on frontal chest X-rays"
OpenPage = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The built catalog behind a host without headers, under a sub-path."""
    catalog = bundles.make_catalog()
    assets = bundles.make_assets() | {name: read_asset(name) for name in ("catalog.js", "site.css")}
    site = assemble_site(catalog, bundles.make_bundles(catalog), bundles.make_unpublished(catalog), assets.__getitem__)
    folder: Path = tmp_path_factory.mktemp("site") / "dist"
    write_site(site, folder)
    server = serve_site(folder, port=0, prefix="/some/sub-path")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/some/sub-path/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def open_page(browser: Browser, address: str) -> OpenPage:
    """Open a page of the site; leaving the block fails on messages, page errors, failures and foreign requests."""

    @contextmanager
    def open_path(path: str = "", **options: object) -> Iterator[Page]:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda message: problems.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
        page.on("response", lambda answer: problems.append(answer.url) if answer.status >= 400 else None)
        page.on("request", lambda asked: None if asked.url.startswith(address) else problems.append(asked.url))
        page.goto(address + path)
        yield page
        context.close()
        assert [] == problems

    return open_path


def shown_models(page: Page) -> list[str]:
    return page.locator("#models > li:visible h2").all_inner_texts()


def test_without_scripts_every_model_is_readable_and_no_dead_control_shows(open_page: OpenPage) -> None:
    with open_page(java_script_enabled=False) as page:
        assert [MALARIA, CHEST] == shown_models(page)
        expect(page.get_by_role("searchbox")).to_have_count(0)
        expect(page.get_by_text("Research use only.")).to_be_in_viewport()
        page.get_by_role("link", name=f"Model card: {CHEST}").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(CHEST)


def test_without_scripts_the_reasons_of_missing_models_can_be_opened(open_page: OpenPage) -> None:
    with open_page(java_script_enabled=False) as page:
        page.get_by_text("Not available: 2").click()
        expect(page.get_by_text("The class order contradicts the publication.")).to_be_visible()


@pytest.mark.parametrize(
    ("label", "option", "models"),
    [
        ("Discipline", "Radiology", [CHEST]),
        ("Modality", "Computed radiography (CR)", [CHEST]),
        ("Task", "One class per image", [MALARIA]),
    ],
)
def test_each_filter_leaves_what_fits(open_page: OpenPage, label: str, option: str, models: list[str]) -> None:
    with open_page() as page:
        page.get_by_label(label).select_option(option)
        assert models == shown_models(page)
        expect(page.get_by_role("status")).to_have_text("Models shown: 1 of 2")


@pytest.mark.parametrize(
    ("text", "models"),
    [("CHEST", [CHEST]), ("blood  smear", [MALARIA]), ("consolidation", [CHEST]), ("slide microscopy", [MALARIA])],
)
def test_the_search_looks_at_names_classes_and_modalities(open_page: OpenPage, text: str, models: list[str]) -> None:
    with open_page() as page:
        page.get_by_role("searchbox", name="Search").fill(text)
        assert models == shown_models(page)


def test_the_search_ignores_accents_and_speaks_the_language_of_the_page(open_page: OpenPage) -> None:
    with open_page("de/") as page:
        page.get_by_role("searchbox", name="Suche").fill("objekttrager")
        assert ["Malaria im dünnen Blutausstrich"] == shown_models(page)
        expect(page.get_by_role("status")).to_have_text("Angezeigte Modelle: 1 von 2")


def test_a_search_without_result_says_so_and_reset_brings_all_back(open_page: OpenPage) -> None:
    with open_page() as page:
        page.get_by_role("searchbox").fill("knee")
        page.get_by_label("Discipline").select_option("Pathology")
        expect(page.get_by_role("status")).to_have_text("No model fits. Change or reset the filter.")
        page.get_by_role("button", name="Reset").click()
        assert [MALARIA, CHEST] == shown_models(page)
        expect(page.get_by_role("searchbox")).to_have_value("")
        expect(page.get_by_role("status")).to_have_text("Models: 2")


def test_enter_in_the_search_keeps_the_page(open_page: OpenPage) -> None:
    with open_page() as page:
        before = page.url
        page.get_by_role("searchbox").fill("chest")
        page.get_by_role("searchbox").press("Enter")
        assert (before, [CHEST]) == (page.url, shown_models(page))


def test_the_filter_leaves_no_trace(open_page: OpenPage) -> None:
    with open_page() as page:
        page.get_by_role("searchbox").fill("chest")
        page.reload()
        expect(page.get_by_role("searchbox")).to_have_value("")
        assert [0, 0, ""] == page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")


def test_the_keyboard_reaches_everything_in_order(open_page: OpenPage) -> None:
    with open_page() as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        for name in ("How that is ensured",):
            page.keyboard.press("Tab")
            expect(page.get_by_role("link", name=name)).to_be_focused()
        for label in ("Search", "Discipline", "Modality", "Task"):
            page.keyboard.press("Tab")
            expect(page.get_by_label(label, exact=True)).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name="Reset")).to_be_focused()
        for name in (MALARIA, "Malaria Screener", f"Use this model: {MALARIA}", f"Model card: {MALARIA}"):
            page.keyboard.press("Tab")
            expect(page.get_by_role("link", name=name, exact=True)).to_be_focused()


@pytest.mark.parametrize("path", ["", "de/models/chest-findings/", "models/red-or-blue/report.html", "build/"])
def test_no_page_scrolls_sideways(open_page: OpenPage, path: str) -> None:
    with open_page(path) as page:
        for width in (320, 390, 820, 1366):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"at {width} pixels"


@pytest.mark.parametrize(("scheme", "colour"), [("light", "rgb(244, 246, 248)"), ("dark", "rgb(15, 22, 28)")])
def test_the_page_follows_the_colour_scheme(open_page: OpenPage, scheme: str, colour: str) -> None:
    with open_page("privacy/", color_scheme=scheme) as page:
        expect(page.locator("body")).to_have_css("background-color", colour)


def test_the_language_links_keep_the_page(open_page: OpenPage) -> None:
    with open_page("models/red-or-blue/") as page:
        page.get_by_role("link", name="Deutsch").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Malaria im dünnen Blutausstrich")
        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(MALARIA)


def test_the_samples_of_a_card_are_shown(open_page: OpenPage) -> None:
    with open_page("models/red-or-blue/") as page:
        image = page.get_by_role("img", name="Sample image of the class Parasitized")
        image.scroll_into_view_if_needed()
        expect(image).to_have_js_property("naturalWidth", 96)


def test_the_missing_page_stands_on_its_own_at_any_depth(browser: Browser, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    answer = page.goto(f"{address}no/such/page")
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
    expect(page.locator("body")).to_have_css("background-color", "rgb(244, 246, 248)")
    assert answer is not None
    assert (404, [f"{address}no/such/page"]) == (answer.status, asked)
    context.close()
