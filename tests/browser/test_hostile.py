"""Hostile situations: each works, or refuses with a clear sentence; never a wrong number, never a hang."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from browser.chromium import ARGUMENTS, find_chromium
from browser.full_sites import assemble_colour_site
from browser.server import run_host
from browser.test_service_worker import COUNT_LOADS, PASSED, load_model, predict, visit

pytestmark = pytest.mark.browser

PORTAL = b"<!doctype html><title>Hotel</title><p>Please log in"


@pytest.fixture(scope="module")
def site() -> dict[str, bytes]:
    return dict(assemble_colour_site().table)


@pytest.fixture(scope="module")
def next_site() -> dict[str, bytes]:
    return dict(assemble_colour_site({"version": "1.3.0"}).table)


def expect_loads(page: Page, number: str) -> None:
    assert number == page.evaluate("() => sessionStorage.getItem('loads')")


def test_a_forced_reload_goes_past_the_worker_and_still_works(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        page = here.open_isolated()
        here.context.add_init_script(COUNT_LOADS)
        here.context.new_cdp_session(page).send("Page.reload", {"ignoreCache": True})
        expect(page.get_by_text("This page was loaded past its offline copy.")).to_be_visible(timeout=60_000)
        assert not page.evaluate("() => crossOriginIsolated")
        load_model(page)
        predict(page)
        expect_loads(page, "1")


def test_without_service_workers_everything_works(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        here.context.add_init_script("delete Navigator.prototype.serviceWorker;" + COUNT_LOADS)
        page = here.open()
        load_model(page)
        predict(page)
        expect_loads(page, "1")


def test_a_worker_that_is_refused_does_no_harm(browser: Browser, site: dict[str, bytes]) -> None:
    """As a proxy or a policy would: the script arrives as a web page."""
    with visit(browser, {**site, "sw.js": PORTAL}) as here:
        here.host.types["sw.js"] = "text/html"
        here.context.add_init_script(COUNT_LOADS)
        page = here.open()
        load_model(page)
        predict(page)
        expect_loads(page, "1")


def test_a_browser_that_never_isolates_is_loaded_again_only_once(browser: Browser, site: dict[str, bytes]) -> None:
    """The worker's header is taken away, as a browser without cross-origin isolation would ignore it."""
    worker = site["sw.js"].replace(b"require-corp", b"unsafe-none")
    with visit(browser, {**site, "sw.js": worker}) as here:
        here.context.add_init_script(COUNT_LOADS)
        page = here.open()
        page.wait_for_function("() => sessionStorage.getItem('loads') === '2'", timeout=60_000)
        load_model(page)
        predict(page)
        page.reload()
        load_model(page)
        expect_loads(page, "3")


def test_with_blocked_storage_everything_works(
    playwright_driver: Playwright, site: dict[str, bytes], tmp_path: Path
) -> None:
    """A person who blocks all cookies in Chromium blocks session storage, caches and service workers with them."""
    executable = find_chromium(playwright_driver)
    if executable is None:
        pytest.skip("no Chromium is installed; `make test` installs one, or set WEBIPRED_CHROMIUM")
    (tmp_path / "Default").mkdir()
    blocking = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default/Preferences").write_text(json.dumps(blocking))
    context = playwright_driver.chromium.launch_persistent_context(
        tmp_path, executable_path=executable, args=[*ARGUMENTS], locale="en-GB"
    )
    with run_host(site) as host:
        page = context.new_page()
        page.goto(f"{host.url}predict/#red-or-blue")
        look = "() => { try { return typeof sessionStorage } catch (error) { return error.name } }"
        assert "SecurityError" == page.evaluate(look)
        load_model(page)
        predict(page)
    context.close()


def test_wrong_bytes_of_the_server_are_refused_and_not_kept(browser: Browser, site: dict[str, bytes]) -> None:
    path = next(path for path in site if path.endswith(".plan"))
    wrong = site[path][:-1] + bytes([site[path][-1] ^ 1])
    with visit(browser, {**site, path: wrong}) as here:
        page = here.open_isolated()
        page.get_by_role("button", name="Load model").click()
        expect(page.get_by_role("alert")).to_contain_text("is not the published file (its SHA-256 differs)")
        expect(page.locator("iframe")).to_have_count(0)
        assert path not in page.evaluate(
            """async () => (await Promise.all((await caches.keys()).map(async (name) =>
              (await (await caches.open(name)).keys()).map(({ url }) => url)))).flat().join(" ")"""
        )
        here.host.files[path] = site[path]
        page.get_by_role("button", name="Try again").click()
        expect(page.frame_locator("iframe").get_by_text(PASSED)).to_be_visible(timeout=120_000)
        predict(page)


@pytest.mark.parametrize("ending", [".plan", ".png"])
def test_a_login_page_instead_of_a_file_is_named(browser: Browser, site: dict[str, bytes], ending: str) -> None:
    path = next(path for path in site if path.endswith(ending) and path.startswith("assets/"))
    with visit(browser, {**site, path: PORTAL}) as here:
        here.host.types[path] = "text/html"
        page = here.open_isolated()
        page.get_by_role("button", name="Load model").click()
        expect(page.get_by_role("alert")).to_contain_text(f"Instead of {path} a web page arrived.")


def test_a_login_page_instead_of_the_engine_stops_the_worker_and_the_page(
    browser: Browser, site: dict[str, bytes]
) -> None:
    wasm = [path for path in site if path.endswith(".wasm")]
    with visit(browser, {**site, **dict.fromkeys(wasm, PORTAL)}) as here:
        here.host.types.update(dict.fromkeys(wasm, "text/html"))
        page = here.open()
        page.get_by_role("button", name="Load model").click()
        expect(page.get_by_role("alert")).to_contain_text("a web page arrived", timeout=60_000)
        assert page.evaluate("() => navigator.serviceWorker.controller === null")  # nothing half installed


def test_a_portal_before_everything_leaves_the_installed_copy_in_use(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        load_model(here.open_isolated())
        here.host.files = dict.fromkeys(site, PORTAL)
        here.host.types.update(dict.fromkeys(site, "text/html"))
        page = here.open()
        load_model(page)
        predict(page)


def test_a_page_of_an_earlier_build_without_worker_asks_to_be_loaded_again(
    browser: Browser, site: dict[str, bytes], next_site: dict[str, bytes]
) -> None:
    with visit(browser, site) as here:
        here.context.add_init_script("delete Navigator.prototype.serviceWorker")
        page = here.open()
        expect(page.get_by_role("button", name="Load model")).to_be_visible()
        gone = {path for path in site if path.endswith(".plan")}
        here.host.files = {path: data for path, data in next_site.items() if path not in gone}
        page.get_by_role("button", name="Load model").click()
        expect(page.get_by_role("alert")).to_contain_text("This site was updated after this page was opened.")


def test_a_session_goes_on_when_the_build_changes_under_it(
    browser: Browser, site: dict[str, bytes], next_site: dict[str, bytes]
) -> None:
    with visit(browser, site) as here:
        page = here.open_isolated()
        load_model(page)
        here.host.files = dict(next_site)
        predict(page)
        assert "1.2.0" in page.get_by_role("heading", level=1).inner_text()


def test_another_origin_cannot_frame_the_workspace(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        here.open_isolated().close()
        outer = f'<!doctype html><link rel=icon href="data:,"><iframe src="{here.host.url}predict/"></iframe>'
        with run_host({"index.html": outer.encode()}) as other:
            page = here.context.new_page()
            page.goto(other.url.replace("127.0.0.1", "localhost"))
            page.wait_for_load_state("networkidle")
            inner = page.frames[1]
            assert 0 == inner.get_by_role("button", name="Load model").count()


def test_without_the_worker_a_framed_workspace_says_why_it_does_nothing(
    browser: Browser, site: dict[str, bytes]
) -> None:
    with visit(browser, site) as here:
        outer = f'<!doctype html><link rel=icon href="data:,"><iframe src="{here.host.url}predict/"></iframe>'
        with run_host({"index.html": outer.encode()}) as other:
            page = here.context.new_page()
            page.goto(other.url)
            expect(page.frame_locator("iframe").get_by_text("does not run inside another page")).to_be_visible()


def test_a_sibling_on_the_same_origin_cannot_read_the_vault(browser: Browser, site: dict[str, bytes]) -> None:
    """It may open the shell and script it, which only an origin of one's own forbids; the vault stays closed."""
    with visit(browser, site) as here:
        here.context.add_init_script("delete Navigator.prototype.serviceWorker")
        sibling = b'<!doctype html><link rel=icon href="data:,"><a target=shell href="predict/#red-or-blue">open</a>'
        here.host.files["sibling.html"] = sibling
        page = here.open("sibling.html")
        page.evaluate("() => { self.shell = open('predict/#red-or-blue', 'shell'); }")
        page.wait_for_function("() => self.shell.document.querySelector('#load')")
        shell = here.context.pages[-1]
        load_model(shell)
        predict(shell)
        seen = page.evaluate(
            """() => {
              const frame = self.shell.document.querySelector("iframe");
              const attempts = {
                document: () => frame.contentWindow.document.body.textContent,
                contentDocument: () => frame.contentDocument.body.textContent,
                origin: () => frame.contentWindow.location.href,
                storage: () => frame.contentWindow.localStorage.length,
              };
              return Object.entries(attempts).filter(([, attempt]) => {
                try { attempt(); return true; } catch { return false; }
              });
            }"""
        )
        assert [] == seen


def test_a_sibling_cannot_hold_on_to_an_isolated_workspace(browser: Browser, site: dict[str, bytes]) -> None:
    """With the worker's headers the shell has a browsing context group of its own."""
    with visit(browser, site) as here:
        here.open_isolated().close()
        with run_host({"index.html": b'<!doctype html><link rel=icon href="data:,">'}) as other:
            page = here.context.new_page()
            page.goto(other.url)
            page.evaluate("(url) => { self.shell = open(url, 'shell'); }", f"{here.host.url}predict/")
            page.wait_for_function("() => self.shell.closed", timeout=60_000)  # it is not the window that was opened
