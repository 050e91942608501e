"""The service worker: isolation on plain hosts, a firewall, a lock, an offline copy, whole versions, and no loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from browser.full_sites import assemble_colour_site
from browser.server import Host, run_host
from browser.sites import RED

pytestmark = pytest.mark.browser

PASSED = "Same answers as the reference on this computer: 3 of 3"
ASK = """(message) => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => resolve(data);
  navigator.serviceWorker.controller.postMessage(message, [port2]);
})"""
FETCH = """async (path) => {
  try { return (await fetch(path)).status; } catch (error) { return error.name; }
}"""
COUNT_LOADS = "sessionStorage.setItem('loads', String(Number(sessionStorage.getItem('loads') || 0) + 1))"


@pytest.fixture(scope="module")
def site() -> dict[str, bytes]:
    return dict(assemble_colour_site().table)


@pytest.fixture(scope="module")
def next_site() -> dict[str, bytes]:
    """The same model in another build."""
    return dict(assemble_colour_site({"version": "1.3.0"}).table)


@dataclass
class Visit:
    """A browser profile and a plain host."""

    context: BrowserContext
    host: Host
    pages: list[Page] = field(default_factory=list)

    def open(self, path: str = "predict/#red-or-blue") -> Page:
        page = self.context.new_page()
        page.goto(f"{self.host.url}{path}")
        return page

    def open_isolated(self, path: str = "predict/#red-or-blue") -> Page:
        """Open a page and wait until the worker controls it and its one reload is over."""
        page = self.open(path)
        page.wait_for_function("() => navigator.serviceWorker.controller && crossOriginIsolated", timeout=60_000)
        page.wait_for_load_state()
        return page

    @property
    def paths(self) -> list[str]:
        return [line.partition("/some/sub-path/")[2] for line in self.host.requests]


@contextmanager
def visit(browser: Browser, files: dict[str, bytes], **options: object) -> Iterator[Visit]:
    with run_host(files) as host:
        context = browser.new_context(**{"locale": "en-GB", **options})  # type: ignore[arg-type]
        yield Visit(context=context, host=host)
        context.close()


def load_model(page: Page) -> None:
    page.get_by_role("button", name="Load model").click()
    expect(page.frame_locator("iframe").get_by_text(PASSED)).to_be_visible(timeout=60_000)


def predict(page: Page) -> None:
    vault = page.frame_locator("iframe")
    chosen = [{"name": "a.png", "mimeType": "image/png", "buffer": RED}]
    vault.locator("input[type=file]").first.set_input_files(chosen)  # type: ignore[arg-type]
    expect(vault.locator(".counts")).to_contain_text("1 of 1 images done.", timeout=60_000)
    expect(vault.get_by_role("row", name="a.png")).to_contain_text("Red")


def test_a_plain_host_gives_an_isolated_vault_after_one_reload(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        here.context.add_init_script(COUNT_LOADS)
        page = here.open_isolated()
        load_model(page)
        assert [True, True] == [frame.evaluate("() => crossOriginIsolated") for frame in page.frames]
        predict(page)
        assert "2" == page.evaluate("() => sessionStorage.getItem('loads')")


def test_a_model_asked_for_before_the_reload_is_loaded_after_it(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        page = here.open()
        load_model(page)
        assert page.evaluate("() => crossOriginIsolated")
        predict(page)


def test_a_second_visit_needs_no_server(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        load_model(here.open_isolated())
        here.host.files.clear()
        here.host.requests.clear()
        page = here.open()
        load_model(page)
        predict(page)
        for path in ("", "privacy/", "models/red-or-blue/", "de/", "licenses/"):
            assert here.open(path).title()
        # the browser looks for a new worker, and the privacy page for the list of digests
        assert set() == set(here.paths) - {"sw.js", "SHA256SUMS"}


def test_no_model_is_kept_before_it_is_loaded(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        page = here.open_isolated()
        assert {"files": 0, "bytes": 0} == page.evaluate(ASK, {"type": "status"})["models"]
        assert [] == [path for path in here.paths if path.endswith(".plan")]


def test_models_are_forgotten_by_the_button(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        load_model(here.open_isolated())
        page = here.open()
        expect(page.get_by_text("3 model files (0.0 MB) are kept in this browser")).to_be_visible()
        page.get_by_role("button", name="Forget models").click()
        expect(page.get_by_text("No model is kept in this browser.")).to_be_visible()
        assert {"files": 0, "bytes": 0} == page.evaluate(ASK, {"type": "status"})["models"]


def test_only_addresses_of_the_build_pass(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        page = here.open_isolated()
        here.host.files["planted.txt"] = b"x"
        here.host.requests.clear()
        for path in ("../planted.txt", "../index.html?leak=1", "../?", "../../other/", "/", "../assets/../planted.txt"):
            assert (path, "TypeError") == (path, page.evaluate(FETCH, path))
        assert 200 == page.evaluate(FETCH, "../index.html")
        assert set() == set(here.paths) - {"sw.js"}


def test_only_get_passes(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        page = here.open_isolated()
        here.host.requests.clear()
        script = "(method) => fetch('../index.html', { method }).then((r) => r.status, (error) => error.name)"
        for method in ("POST", "PUT", "HEAD", "DELETE"):
            assert (method, "TypeError") == (method, page.evaluate(script, method))
        assert set() == set(here.paths) - {"sw.js"}


def test_a_wrong_address_is_answered_without_the_server(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        page = here.open_isolated()
        here.host.requests.clear()
        answer = page.goto(f"{here.host.url}patient-name?x=1")
        assert answer is not None
        assert 404 == answer.status
        assert set() == set(here.paths) - {"sw.js"}
        page.goto(f"{here.host.url}predict")
        assert f"{here.host.url}predict/" == page.url


def test_a_locked_workspace_gets_nothing_while_other_pages_go_on(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        page = here.open_isolated()
        load_model(page)
        assert "TypeError" == page.evaluate(FETCH, "../index.html")
        other = here.open("privacy/")
        other.get_by_role("link", name="Models").click()
        expect(other.get_by_role("heading", level=1)).to_be_visible()
        status = other.evaluate(ASK, {"type": "status"})
        assert {"served": 0, "fetched": 0, "refused": 1} == status["workspace"]
        assert (True, 1) == (status["since_model_load"], status["locked"])
        predict(page)


def test_the_lock_outlives_the_worker(browser: Browser, site: dict[str, bytes]) -> None:
    """Browsers end idle workers; the next one knows of the lock because the page holds it."""
    with visit(browser, site) as here:
        page = here.open_isolated()
        load_model(page)
        session = here.context.new_cdp_session(page)
        session.send("ServiceWorker.enable")
        session.send("ServiceWorker.stopAllWorkers")
        assert "TypeError" == page.evaluate(FETCH, "../index.html")
        status = here.open("privacy/").evaluate(ASK, {"type": "status"})
        assert {"served": 0, "fetched": 0, "refused": 1} == status["workspace"]


def test_changing_the_model_makes_a_new_page_that_can_load(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        page = here.open_isolated()
        load_model(page)
        predict(page)
        page.get_by_role("button", name="Change model").click()
        page.get_by_role("button", name="Clear and change").click()
        expect(page.get_by_role("heading", level=1)).to_be_focused()
        load_model(page)
        predict(page)


def test_a_poisoned_copy_is_fetched_again_and_never_used(browser: Browser, site: dict[str, bytes]) -> None:
    with visit(browser, site) as here:
        load_model(here.open_isolated())
        page = here.open("licenses/")
        poisoned = page.evaluate(
            """async () => {
              const done = [];
              for (const name of await caches.keys()) {
                const cache = await caches.open(name);
                for (const { url } of await cache.keys()) {
                  if (!/\\.(plan|wasm|js)$|predict\\/index\\.html$/.test(url)) continue;
                  const bytes = new Uint8Array(await (await cache.match(url)).arrayBuffer());
                  bytes[bytes.length - 1] ^= 1;
                  await cache.put(url, new Response(bytes));
                  done.push(url.split("/some/sub-path/")[1]);
                }
              }
              return done;
            }"""
        )
        here.host.requests.clear()
        page = here.open()
        load_model(page)
        predict(page)
        asked = [path.replace("predict/", "predict/index.html") for path in here.paths if path != "sw.js"]
        assert sorted(set(asked)) == sorted(asked)  # each once
        assert set(asked) <= set(poisoned)
        assert {"html", "js", "wasm", "plan"} == {path.rpartition(".")[2] for path in asked}


def test_a_new_build_is_installed_whole_and_pages_never_mix(
    browser: Browser, site: dict[str, bytes], next_site: dict[str, bytes]
) -> None:
    with visit(browser, site) as here:
        page = here.open_isolated()
        old = page.locator("meta[name=webipred-build]").get_attribute("content")
        here.host.files = dict(next_site)
        page.evaluate("async () => void (await (await navigator.serviceWorker.ready).update())")
        page.wait_for_function(f"async () => (await ({ASK})({{ type: 'status' }})).build_id !== '{old}'")
        page.get_by_role("button", name="Load model").click()
        page.get_by_role("button", name="Load the page again").or_(page.locator("iframe")).wait_for(timeout=60_000)
        if page.locator("iframe").count() == 0:
            expect(page.get_by_role("alert")).to_contain_text("This site was updated")
            page.get_by_role("button", name="Load the page again").click()
            page.wait_for_function(
                f"() => document.querySelector('meta[name=webipred-build]').content !== '{old}'", timeout=60_000
            )
            load_model(page)
        predict(page)


def test_a_build_that_arrives_in_part_is_not_installed(
    browser: Browser, site: dict[str, bytes], next_site: dict[str, bytes]
) -> None:
    with visit(browser, site) as here:
        page = here.open_isolated()
        old = page.locator("meta[name=webipred-build]").get_attribute("content")
        here.host.files = {**site, "sw.js": next_site["sw.js"], "predict/index.html": next_site["predict/index.html"]}
        page.evaluate(
            """async () => {
              const registration = await navigator.serviceWorker.ready;
              await registration.update();
              const worker = registration.installing;
              if (worker) await new Promise((resolve) => worker.addEventListener("statechange", resolve));
            }"""
        )
        assert old == page.evaluate(ASK, {"type": "status"})["build_id"]
        assert 2 >= len(page.evaluate("() => caches.keys()"))  # one build and the counters
        load_model(page)
        predict(page)


def test_a_new_build_waits_while_a_vault_is_open(
    browser: Browser, site: dict[str, bytes], next_site: dict[str, bytes]
) -> None:
    with visit(browser, site) as here:
        page = here.open_isolated()
        load_model(page)
        predict(page)
        here.host.files = dict(next_site)
        state = page.evaluate(
            """async () => {
              const registration = await navigator.serviceWorker.ready;
              await registration.update();
              const worker = registration.installing ?? registration.waiting;
              while (worker.state === "installing") {
                await new Promise((resolve) => worker.addEventListener("statechange", resolve, { once: true }));
              }
              return worker.state;
            }"""
        )
        assert "installed" == state
        expect(page.frame_locator("iframe").get_by_role("row", name="a.png")).to_contain_text("Red")
