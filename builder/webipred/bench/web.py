"""Runtimes in a real browser as contestants: a page and a worker each, in a renderer process of their own."""

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from webipred.bench.contestants import Opening, read_opening, read_times
from webipred.errors import UsageError
from webipred.site.preview import serve_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ISOLATION: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
"""With these a page may share memory between threads."""
ARGUMENTS: Final = (
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-renderer-backgrounding",
    "--disable-sync",
)
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
TIMEOUT_MS: Final = 600_000
INSTALL: Final = (
    'Install the driver with `pip install "webipred[bench]"`, and a browser: the package chromium of your system, '
    "Google Chrome, or `playwright install chromium`. Name another place with --browser."
)
PAGE: Final = '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>bench</title></html>\n'
START: Final = """async ({script, wasm, weights, input, shape, threads, parts}) => {
  const load = async (name) => (await fetch(name)).arrayBuffer();
  const [wasmBytes, weightBytes, inputBytes] = [await load(wasm), await load(weights), await load(input)];
  const worker = new Worker(script);
  const loaded = Object.fromEntries(await Promise.all(Object.entries(parts).map(async ([k, v]) => [k, await load(v)])));
  self.ask = (request, transfer = []) => new Promise((resolve) => {
    worker.onmessage = ({data}) => resolve(data);
    worker.onerror = ({message}) => resolve({code: "the worker failed:", detail: message});
    worker.postMessage(request, transfer);
  });
  const request = {type: "open", wasm: wasmBytes, weights: weightBytes, shape, threads, ...loaded};
  return self.ask({...request, input: new Float32Array(inputBytes)}, [weightBytes, inputBytes]);
}"""
RUN: Final = "(count) => self.ask({type: 'run', count, block: 1})"
VALIDATE: Final = "async (name) => WebAssembly.validate(await (await fetch(name)).arrayBuffer())"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A running browser and the address of the files that its pages read."""

    browser: "Browser"
    url: str

    @property
    def version(self) -> str:
        """Name and version of the browser."""
        return f"Chromium {self.browser.version}"

    def accepts(self, wasm: str) -> bool:
        """Whether the browser can compile the module of this name."""
        page = self.browser.new_page()
        page.goto(self.url)
        accepted = page.evaluate(VALIDATE, wasm)
        page.close()
        return bool(accepted)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRuntime:
    """File names below the stage's address: a worker script and its module; `parts` are further files by field name."""

    name: str
    script: str
    wasm: str
    parts: tuple[tuple[str, str], ...] = ()


class WebContestant:
    """A runtime in a worker of the browser."""

    def __init__(
        self, stage: Stage, runtime: WebRuntime, *, weights: str, image: str, shape: tuple[int, ...], threads: int
    ) -> None:
        self.name = runtime.name
        self.threads = threads
        self._stage = stage
        self._request = {
            "script": runtime.script, "wasm": runtime.wasm, "parts": dict(runtime.parts), "weights": weights,
            "input": image, "shape": list(shape), "threads": threads,
        }  # fmt: skip
        self._context: BrowserContext | None = None
        self._page: Page | None = None

    def open(self) -> Opening:
        """Start a page with a worker; a new context has its own process, so that no compiled module is at hand."""
        self.close()
        self._context = self._stage.browser.new_context()
        self._page = self._context.new_page()
        self._page.set_default_timeout(TIMEOUT_MS)
        self._page.goto(self._stage.url)
        return read_opening(dict(self._page.evaluate(START, self._request)), self.name)

    def run(self, count: int) -> list[float]:
        """Run the image `count` times."""
        if self._page is None:
            raise RuntimeError("nothing is open")
        return read_times(dict(self._page.evaluate(RUN, count)), self.name)

    def close(self) -> None:
        """Close the page and end its process."""
        if self._context is not None:
            self._context.close()
        self._context = self._page = None


@contextlib.contextmanager
def open_stage(folder: Path, browser: Path | None = None) -> Iterator[Stage]:
    """Serve `folder` on this machine and start a headless Chromium, `browser` or the first one that is found.

    Raises UsageError, which says what to install, when there is none.
    """
    try:
        from playwright.sync_api import Error, sync_playwright  # only this command needs it
    except ImportError as error:
        raise UsageError(
            f"a browser is needed, and the Python package playwright is not installed. {INSTALL}"
        ) from error
    with _serve(folder) as url, sync_playwright() as playwright:
        executable = browser or _find_browser(Path(playwright.chromium.executable_path))
        try:
            running = playwright.chromium.launch(executable_path=executable, args=_list_arguments())
        except Error as error:
            raise UsageError(f"the browser {executable} does not start: {error.message.splitlines()[0]}") from error
        try:
            yield Stage(browser=running, url=url)
        finally:
            running.close()


def _find_browser(bundled: Path) -> Path:
    system = [Path(found) for name in NAMES if (found := shutil.which(name))]
    executable = next((path for path in (*system, bundled) if path.is_file()), None)
    if executable is None:
        raise UsageError(f"a browser is needed, and no Chromium or Chrome was found. {INSTALL}")
    return executable


def _list_arguments() -> list[str]:
    """Chromium's own sandbox refuses to run as root, as in containers; the pages are our own."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*ARGUMENTS, *(["--no-sandbox"] if is_root else [])]


@contextlib.contextmanager
def _serve(folder: Path) -> Iterator[str]:
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    server = serve_site(folder, port=0, headers=ISOLATION)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
