"""Chromium as a person would have it, under observation: own profile, own home, no switches of the automation."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import BrowserContext, Error, Page, Playwright

from proof.hosts import SITE_ZONE, VENDOR_ZONES
from proof.processes import find_process, list_family

_CLOSE_LIMIT_S = 20.0
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
_UNWANTED = (
    "AutofillServerCommunication",
    "OptimizationHints",
    "MediaRouter",
    "DialMediaRouteProvider",
    "Translate",
    "CertificateTransparencyComponentUpdater",
)
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--metrics-recording-only",
    "--disable-features=" + ",".join(_UNWANTED),
    "--host-resolver-rules="
    + ",".join(f"MAP {name} ~NOTFOUND" for zone in VENDOR_ZONES for name in (zone, f"*.{zone}")),
)
"""Silences the browser's own traffic. Only the vendors' names do not resolve; a page's lookup of any other is seen."""

AWAKE = (
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--disable-background-timer-throttling",
    "--disable-popup-blocking",
)
"""For many pages at a time: none of them falls asleep, and a leak through a new window is not stopped by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The folders that a browser writes to; nothing else of the machine is its own."""

    root: Path

    @property
    def profile(self) -> Path:
        return self.root / "profile"

    @property
    def downloads(self) -> Path:
        return self.root / "Downloads"

    def make(self) -> "Home":
        for name in ("profile", "temp", "Downloads"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        return self

    def make_environment(self) -> dict[str, str]:
        root = str(self.root)
        return {
            **os.environ,
            "HOME": root,
            "TMPDIR": f"{root}/temp",
            "XDG_CACHE_HOME": f"{root}/.cache",
            "XDG_CONFIG_HOME": f"{root}/.config",
            "XDG_DATA_HOME": f"{root}/.local/share",
        }


def find_chromium(environment: Mapping[str, str]) -> Path | None:
    """Return the executable: WEBIPRED_CHROMIUM or the system's; None if there is none."""
    named = environment.get("WEBIPRED_CHROMIUM")
    found = named or next((path for name in _NAMES if (path := shutil.which(name))), None)
    return Path(found) if found else None


@dataclass(slots=True)
class Browser:
    """A running Chromium."""

    context: BrowserContext
    home: Home
    version: str

    @property
    def process(self) -> int | None:
        """Its first process; None once it has ended."""
        return find_process(f"--user-data-dir={self.home.profile}")

    def kill(self) -> None:
        """End all its processes as a power cut would: nothing is written any more."""
        first = self.process
        for process in list_family(first) if first else ():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@asynccontextmanager
async def run_chromium(
    playwright: Playwright, executable: Path, home: Home, more: Sequence[str] = ()
) -> AsyncIterator[Browser]:
    """Start Chromium with the home's profile; leaving the block closes it as a person would."""
    home.make()
    context = await playwright.chromium.launch_persistent_context(
        str(home.profile),
        executable_path=executable,
        ignore_default_args=True,
        env=dict(home.make_environment()),
        locale="en-GB",
        accept_downloads=True,
        args=list_switches(home, more),
    )
    browser = context.browser
    running = Browser(context=context, home=home, version=browser.version if browser else await _ask_version(context))
    try:
        yield running
    finally:
        await _close(running)


async def _close(browser: Browser) -> None:
    """Close as a person would; a browser that a planted leak has brought to a halt is killed."""
    try:
        await asyncio.wait_for(browser.context.close(), _CLOSE_LIMIT_S)
    except (Error, TimeoutError):
        browser.kill()


def list_switches(home: Home, more: Sequence[str] = ()) -> list[str]:
    """Return the whole command line; sites of the proof count as secure, because their wire is read in the clear."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return [
        "--headless=new",
        "--no-first-run",
        "--disable-gpu",
        "--lang=en-GB",
        "--remote-debugging-pipe",
        f"--user-data-dir={home.profile}",
        f"--unsafely-treat-insecure-origin-as-secure=*.{SITE_ZONE}",
        *root,
        *QUIET,
        *more,
        "about:blank",
    ]


async def _ask_version(context: BrowserContext) -> str:
    page: Page = context.pages[0] if context.pages else await context.new_page()
    session = await context.new_cdp_session(page)
    answer = await session.send("Browser.getVersion")
    await session.detach()
    return str(answer["product"]).partition("/")[2]
