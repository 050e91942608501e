"""WebKitGTK over W3C WebDriver: the few commands that a person's path through the page needs."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_BROWSERS = (
    "/usr/lib/*/webkit2gtk-4.1/MiniBrowser",
    "/usr/lib/*/webkitgtk-6.0/MiniBrowser",
    "/usr/libexec/*/MiniBrowser",
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_LIMIT_S, _PAUSE_S = 180.0, 0.2


class WebDriverError(Exception):
    """The driver refused a command; the message is what it said."""


def find_webkit() -> tuple[Path, Path, Path] | str:
    """Return WebKitWebDriver, MiniBrowser and Xvfb, or the reason why WebKitGTK cannot be driven."""
    driver, screen = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    browsers = [path for pattern in _BROWSERS for path in Path("/").glob(pattern.lstrip("/"))]
    if driver is None or not browsers:
        return "WebKitWebDriver or MiniBrowser is missing (Debian: webkit2gtk-driver, libwebkit2gtk-4.1-0)"
    if screen is None:
        return "Xvfb is missing (Debian: xvfb)"
    return Path(driver), browsers[0], Path(screen)


@dataclass(slots=True)
class WebKit:
    """One session with one window."""

    address: str
    version: str = ""

    def send(self, method: str, path: str, body: object = None) -> object:
        """Send a command and return its value. Raises WebDriverError."""
        data = None if method == "GET" else json.dumps(body or {}).encode()
        request = urllib.request.Request(f"{self.address}{path}", data=data, method=method)  # noqa: S310  loopback
        try:
            with urllib.request.urlopen(request, timeout=_LIMIT_S) as response:  # noqa: S310
                answer: object = json.load(response)["value"]
                return answer
        except urllib.error.HTTPError as error:
            raise WebDriverError(f"{method} {path}: {error.read().decode(errors='replace')[:300]}") from error

    def open(self, url: str) -> None:
        self.send("POST", "/url", {"url": url})

    def enter_frame(self, index: int | None) -> None:
        """Enter a frame of the current document by its number, or with None return to the page."""
        self.send("POST", "/frame", {"id": index})

    def run(self, script: str, *arguments: object) -> object:
        """Run the body of a function in the current document and return its value."""
        return self.send("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, expression: str) -> object:
        """Evaluate until the value is true and return it. Raises TimeoutError."""
        end = time.monotonic() + _LIMIT_S
        while not (value := self.run(f"return {expression};")):
            if time.monotonic() > end:
                raise TimeoutError(f"{expression} is still {value!r}")
            time.sleep(_PAUSE_S)
        return value

    def choose_files(self, selector: str, paths: Sequence[Path]) -> None:
        """Choose files in the first input that a selector finds."""
        found = self.send("POST", "/element", {"using": "css selector", "value": selector})
        if not isinstance(found, dict):
            raise WebDriverError(f"{selector} was not found")
        text = "\n".join(str(path.resolve()) for path in paths)
        self.send("POST", f"/element/{found[_ELEMENT]}/value", {"text": text})


@contextmanager
def run_webkit(programs: tuple[Path, Path, Path], home: Path) -> Iterator[WebKit]:
    """Start screen, driver and browser with a home of their own; end them with the block."""
    driver, browser, screen = programs
    home.mkdir(parents=True, exist_ok=True)
    with _run_screen(screen) as display, _run_driver(driver, display, home) as address:
        options = {"binary": str(browser), "args": ["--automation"]}
        wanted = {"alwaysMatch": {"browserName": "MiniBrowser", "webkitgtk:browserOptions": options}}
        opened = WebKit(address=address).send("POST", "/session", {"capabilities": wanted})
        if not isinstance(opened, dict):
            raise WebDriverError("no session was opened")
        version = str(opened["capabilities"].get("browserVersion", ""))
        session = WebKit(address=f"{address}/session/{opened['sessionId']}", version=version)
        try:
            yield session
        finally:
            session.send("DELETE", "")


@contextmanager
def _run_screen(program: Path) -> Iterator[str]:
    reader, writer = os.pipe()
    command = [str(program), "-displayfd", str(writer), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[writer], stderr=subprocess.DEVNULL) as process:
        os.close(writer)
        with os.fdopen(reader) as stream:
            number = stream.readline().strip()
        try:
            yield f":{number}"
        finally:
            process.terminate()


@contextmanager
def _run_driver(program: Path, display: str, home: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "DISPLAY": display,
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        "LANG": "C.UTF-8",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    command = [str(program), f"--port={port}", "--host=127.0.0.1"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            _wait_for_port(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for_port(port: int) -> None:
    end = time.monotonic() + _LIMIT_S
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(_PAUSE_S)
        else:
            return
    raise TimeoutError("WebKitWebDriver does not listen")
