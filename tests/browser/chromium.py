"""Finding and starting a Chromium for the browser tests."""

import os
import shutil
from pathlib import Path

from playwright.sync_api import Playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

ARGUMENTS = (
    "--no-sandbox",  # tests also run as root, in containers; the page's own sandbox is what is tested
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium(playwright: Playwright) -> Path | None:
    """Return the executable: WEBIPRED_CHROMIUM, the system's, or Playwright's own download; None if there is none."""
    named = os.environ.get("WEBIPRED_CHROMIUM")
    system = next((found for name in _NAMES if (found := shutil.which(name))), None)
    candidates = [Path(path) for path in (named, system, playwright.chromium.executable_path) if path]
    return next((path for path in candidates if path.is_file()), None)
