"""Get a Firefox for the tests that compare browsers, if it can be had; else they are skipped."""

import os
import shutil
import subprocess
import sys

NAMES = ("firefox", "firefox-esr")


def find_firefox() -> str | None:
    """Return the path of a Firefox: $WEBIPRED_FIREFOX or one on the PATH."""
    return os.environ.get("WEBIPRED_FIREFOX") or next((path for name in NAMES if (path := shutil.which(name))), None)


def install_from_distribution() -> None:
    """Install the distribution's package, where apt-get is there and this user may use it."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=False)  # noqa: S607  the distribution's own tool
    for package in reversed(NAMES):  # Debian names it firefox-esr; Ubuntu's firefox may be a stub that starts a snap
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=environment)
        if done.returncode == 0:
            return


def main() -> int:
    """Look, install if need be, and print what was found. Always 0: no test needs Firefox."""
    if find_firefox() is None:
        install_from_distribution()
    print(f"Firefox: {find_firefox() or 'none; tests with it will be skipped'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
