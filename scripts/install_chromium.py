"""Make sure that a Chromium for the browser tests is there: an existing one, the distribution's, or Playwright's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")


def find_chromium() -> str | None:
    """Return the path of a Chromium: $WEBIPRED_CHROMIUM, one on the PATH, or the one that Playwright downloaded."""
    named = os.environ.get("WEBIPRED_CHROMIUM")
    if named:
        return named
    on_path = next((path for name in NAMES if (path := shutil.which(name))), None)
    return on_path or find_downloaded()


def find_downloaded() -> str | None:
    """Return the path of Playwright's own Chromium if it was downloaded."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if path and Path(path).exists() else None


def install_from_distribution() -> None:
    """Install the distribution's package, where apt-get is there and this user may use it."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    subprocess.run(["apt-get", "update", "-qq"], check=False)  # noqa: S607  the distribution's own tool
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
    subprocess.run(
        command, check=False, stdout=subprocess.DEVNULL, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    )


def download_with_playwright() -> None:
    """Let Playwright download its build."""
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> int:
    """Try the three ways in turn and print what was found."""
    for obtain in (lambda: None, install_from_distribution, download_with_playwright):
        obtain()
        found = find_chromium()
        if found:
            print(f"Chromium: {found}")
            return 0
    print("No Chromium was found or could be installed; set WEBIPRED_CHROMIUM to one.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
