"""Install nginx, Apache and Caddy for the tests of the emitted configurations, where the distribution has them.

Only as root and with apt-get; the tests skip without them. No service is started: the tests start their own.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGES = {"nginx": "nginx", "apache2": "apache2-bin", "caddy": "caddy"}
PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
SERVICE_RULE = Path("/usr/sbin/policy-rc.d")


def list_missing() -> list[str]:
    """Return the packages of the programs that are not there."""
    return [package for program, package in PACKAGES.items() if shutil.which(program, path=PLACES) is None]


@contextmanager
def forbid_services() -> Iterator[None]:
    """Keep packages from starting what they install; a rule of this machine stays as it is."""
    if SERVICE_RULE.exists():
        yield
        return
    SERVICE_RULE.write_text("#!/bin/sh\nexit 101\n")
    SERVICE_RULE.chmod(0o755)
    try:
        yield
    finally:
        SERVICE_RULE.unlink()


def install(packages: list[str]) -> None:
    """Install the packages one by one: a distribution may lack one of them."""
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=False)  # noqa: S607  the distribution's own tool
    for package in packages:
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, env=quiet)


def main() -> int:
    """Install what is missing, and say what there is; nothing that is missing fails."""
    missing = list_missing()
    if missing and shutil.which("apt-get") and os.geteuid() == 0:
        with forbid_services():
            install(missing)
    still = list_missing()
    print(f"Servers: missing {', '.join(still)}; their tests are skipped" if still else "Servers: nginx, Apache, Caddy")
    return 0


if __name__ == "__main__":
    sys.exit(main())
