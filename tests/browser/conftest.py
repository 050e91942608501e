"""A real Chromium, a plain host, and pages that fail on anything unexpected."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Playwright, expect, sync_playwright

from browser.chromium import ARGUMENTS, find_chromium
from browser.firefox import Firefox, find_firefox, run_firefox
from browser.server import Host, run_host
from browser.sites import make_bundle, make_site
from command_line import run_command

_EXPECTED_MESSAGES = ("Unrecognized Content-Security-Policy directive 'webrtc'",)
"""Chromium does not implement the directive; it stays in the policy for the day it does."""

ONE_PLAIN_ENGINE = """
Object.defineProperty(Navigator.prototype, "hardwareConcurrency", { get: () => 1 });
WebAssembly.validate = () => false;
"""
"""Script that makes a page see a computer with one core and a browser without relaxed SIMD: one engine, one build."""

NOTE_ANSWERS = """() => {
  const post = Worker.prototype.postMessage;
  const watched = new WeakSet();
  self.answers = [];
  Worker.prototype.postMessage = function (message, transfer) {
    if (!watched.has(this)) {
      watched.add(this);
      this.addEventListener("message", ({ data }) => {
        if (data.type === "done" && data.answer.probabilities) self.answers.push(data.answer.probabilities);
      });
    }
    return post.call(this, message, transfer);
  };
}"""
"""Notes what the engines answer from now on, in full precision: the page and its CSV show fewer digits."""

OpenWorkspace = Callable[..., AbstractContextManager["Workspace"]]


@dataclass
class Workspace:
    """An open workspace page and what it did that nobody asked for."""

    page: Page
    host: Host
    problems: list[str] = field(default_factory=list)

    @property
    def vault(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    def load(self, name: str = "Red or blue") -> None:
        """Choose and load a model, and wait for the self-test."""
        self.page.get_by_role("radio", name=name).check()
        self.page.get_by_role("button", name="Load model").click()
        expect(self.vault.get_by_text("Same answers as the reference on this computer: 3 of 3")).to_be_visible(
            timeout=60_000
        )

    def add(self, *files: tuple[str, bytes]) -> None:
        """Choose image files by the button's input."""
        chosen = [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in files]
        self.vault.locator("input[type=file]").first.set_input_files(chosen)  # type: ignore[arg-type]

    def add_paths(self, *paths: Path) -> None:
        """Choose image files that lie on the disk."""
        self.vault.locator("input[type=file]").first.set_input_files(paths)

    def expect_counts(self, text: str) -> None:
        expect(self.vault.locator(".counts")).to_contain_text(text, timeout=120_000)

    def row(self, name: str) -> str:
        return self.vault.get_by_role("row", name=name).inner_text()

    def save_csv(self) -> str:
        """Press the button and return the saved text, byte order mark included."""
        with self.page.expect_download() as download:
            self.vault.get_by_role("button", name="Save results (CSV)").click()
        assert download.value.suggested_filename == "webipred-results.csv"
        return download.value.path().read_bytes().decode("utf-8")


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


def launch_chromium(playwright: Playwright, *more_arguments: str) -> Browser:
    """Start the Chromium of this machine; skips where there is none."""
    executable = find_chromium(playwright)
    if executable is None:
        pytest.skip("no Chromium is installed; `make test` installs one, or set WEBIPRED_CHROMIUM")
    return playwright.chromium.launch(executable_path=executable, args=[*ARGUMENTS, *more_arguments])


@pytest.fixture(scope="session")
def browser(playwright_driver: Playwright) -> Iterator[Browser]:
    browser = launch_chromium(playwright_driver)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def colour_site() -> dict[str, bytes]:
    """The files of a site with the colour model."""
    return make_site([make_bundle()])


@pytest.fixture
def open_workspace(browser: Browser) -> OpenWorkspace:
    """Open predict/ of a site; leaving the block fails on console errors, page errors and foreign requests.

    `script` runs before those of every document.
    """

    @contextmanager
    def open_site(
        files: dict[str, bytes],
        fragment: str = "",
        allowed: tuple[str, ...] = (),
        script: str = "",
        headers: dict[str, str] | None = None,
        **context_options: object,
    ) -> Iterator[Workspace]:
        with run_host(files, headers) as host:
            context = browser.new_context(**{"locale": "en-GB", **context_options})  # type: ignore[arg-type]
            if script:
                context.add_init_script(script)
            workspace = Workspace(page=context.new_page(), host=host)
            _watch(workspace, allowed)
            workspace.page.goto(f"{host.url}predict/{fragment}")
            yield workspace
            context.close()
        assert workspace.problems == []

    return open_site


def _watch(workspace: Workspace, allowed: tuple[str, ...]) -> None:
    def note(text: str) -> None:
        if not any(expected in text for expected in (*_EXPECTED_MESSAGES, *allowed)):
            workspace.problems.append(text)

    page, url = workspace.page, workspace.host.url
    page.on("console", lambda message: note(f"console {message.type}: {message.text}"))
    page.on("pageerror", lambda error: note(f"page error: {error}"))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((url, "blob:", "about:")) else note(f"foreign request: {request.url}")
        ),
    )


@pytest.fixture(scope="session")
def firefox() -> Iterator[Firefox]:
    """The Firefox of this machine; skips where there is none."""
    executable = find_firefox()
    if executable is None:
        pytest.skip("no Firefox is installed; `make test` installs one where it may, or set WEBIPRED_FIREFOX")
    with run_firefox(executable) as running:
        yield running


@pytest.fixture(scope="session")
def demo_site(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default catalog, built offline with an empty cache."""
    folder = tmp_path_factory.mktemp("demo")
    out, cache = folder / "dist", folder / "cache"
    built = run_command("build", "--offline", "--out", out, "--cache-dir", cache, cwd=repository)
    assert built.returncode == 0, built.stderr
    return out


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the files of a built site by path."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
