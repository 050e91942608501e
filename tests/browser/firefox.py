"""A headless Firefox driven over WebDriver BiDi: open a page, evaluate in its frames, choose files.

Firefox names the realms of workers but evaluates nothing in them: listen to their messages in the page instead.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict, cast

from websockets.sync.client import ClientConnection, connect

_NAMES = ("firefox", "firefox-esr")
_ANSWER_LIMIT_S = 120.0
_PAUSE_S = 0.1
_ENDPOINT_FILE = "WebDriverBiDiServer.json"

PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.download.folderList": 2,
    "browser.download.always_ask_before_handling_new_types": False,
    "browser.download.manager.addToRecentDocs": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "captivedetect.canonicalURL": "",
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "intl.accept_languages": "en-GB, en",
    "intl.locale.requested": "en-GB",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.enabled": False,
}
"""Nothing but the page asks for anything, and downloads are saved without a question."""


class Context(TypedDict):
    """One document of a tab as the tree of `browsingContext.getTree` gives it."""

    context: str
    url: str
    children: list["Context"]


class BidiError(Exception):
    """Firefox refused a command, or a script threw; the message is what it said."""


def find_firefox() -> Path | None:
    """Return the executable: WEBIPRED_FIREFOX or one on the PATH; None if there is none."""
    named = os.environ.get("WEBIPRED_FIREFOX")
    found = named or next((path for name in _NAMES if (path := shutil.which(name))), None)
    return Path(found) if found and Path(found).is_file() else None


@dataclass
class Firefox:
    """A running Firefox with one session; every event that was subscribed to is kept in `events`."""

    connection: ClientConnection
    downloads: Path
    """Folder that saved files land in."""
    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    """Names and parameters, in the order of arrival; they arrive while a command or `wait` runs."""
    _last_id: int = 0

    def ask(self, method: str, **parameters: object) -> dict[str, object]:
        """Send a command and return its result. Raises BidiError, and TimeoutError after two minutes."""
        self._last_id += 1
        self.connection.send(json.dumps({"id": self._last_id, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.connection.recv(timeout=_ANSWER_LIMIT_S))
            if message.get("type") == "event":
                self.events.append((message["method"], message["params"]))
            elif message.get("id") == self._last_id:
                if message["type"] == "error":
                    raise BidiError(f"{method}: {message['error']}: {message['message']}")
                return cast("dict[str, object]", message["result"])

    def subscribe(self, *names: str) -> None:
        """Keep these events from now on, such as `log.entryAdded` and `network.beforeRequestSent`."""
        self.ask("session.subscribe", events=list(names))

    @contextmanager
    def preload(self, script: str) -> Iterator[None]:
        """Run statements before the scripts of every document that is opened in the block."""
        added = self.ask("script.addPreloadScript", functionDeclaration=f"() => {{ {script} }}")
        yield
        self.ask("script.removePreloadScript", script=added["script"])

    def open(self, url: str) -> "Tab":
        """Open an address in a new tab and wait until it has loaded."""
        context = str(self.ask("browsingContext.create", type="tab")["context"])
        self.ask("browsingContext.navigate", context=context, url=url, wait="complete")
        return Tab(firefox=self, context=context)


@dataclass
class Tab:
    """One tab. `frame` numbers its documents: 0 is the page itself, then the frames in their order."""

    firefox: Firefox
    context: str

    def close(self) -> None:
        """Close the tab."""
        self.firefox.ask("browsingContext.close", context=self.context)

    def list_frames(self) -> list[Context]:
        """Return the page and its frames, each before its own children."""
        roots = cast("list[Context]", self.firefox.ask("browsingContext.getTree", root=self.context)["contexts"])
        return list(_walk(roots))

    def evaluate(self, expression: str, frame: int = 0) -> object:
        """Return the value of an expression, awaited, as JSON carries it. Raises BidiError if it throws."""
        wrapped = f"(async () => JSON.stringify((await ({expression})) ?? null))()"
        return json.loads(str(self._run(wrapped, {"context": self.list_frames()[frame]["context"]})["value"]))

    def wait(self, expression: str, frame: int = 0, limit_s: float = 120.0) -> object:
        """Evaluate until the value is true and return it. Raises TimeoutError with the last value."""
        return self._wait(lambda: self.evaluate(expression, frame), expression, limit_s)

    def wait_for_frames(self, count: int, limit_s: float = 120.0) -> None:
        """Wait until the tab has so many documents, the page included."""
        self._wait(lambda: len(self.list_frames()) >= count, f"{count} documents", limit_s)

    def choose_files(self, selector: str, paths: Sequence[Path], frame: int = 0) -> None:
        """Choose files in the first input that a selector finds, as a person would."""
        target = {"context": self.list_frames()[frame]["context"]}
        expression = f"document.querySelector({json.dumps(selector)})"
        element = self._run(expression, target)
        files = [str(path.resolve()) for path in paths]
        reference = {"sharedId": element["sharedId"]}
        self.firefox.ask("input.setFiles", context=target["context"], element=reference, files=files)

    def _run(self, expression: str, target: dict[str, str]) -> dict[str, object]:
        answer = self.firefox.ask(
            "script.evaluate", expression=expression, target=target, awaitPromise=True, userActivation=True
        )
        if answer["type"] == "exception":
            raise BidiError(str(cast("dict[str, object]", answer["exceptionDetails"])["text"]))
        return cast("dict[str, object]", answer["result"])

    def _wait(self, probe: Callable[[], object], what: str, limit_s: float) -> object:
        end = time.monotonic() + limit_s
        while not (value := probe()):
            if time.monotonic() > end:
                raise TimeoutError(f"{what} is still {value!r} after {limit_s:g} s")
            time.sleep(_PAUSE_S)
        return value


def _walk(contexts: Sequence[Context]) -> Iterator[Context]:
    for context in contexts:
        yield context
        yield from _walk(context["children"])


@contextmanager
def run_firefox(executable: Path, preferences: dict[str, bool | int | str] | None = None) -> Iterator[Firefox]:
    """Start Firefox with a profile of its own and end it with the block. Raises TimeoutError if it does not listen."""
    with TemporaryDirectory(prefix="webipred-firefox-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        profile, downloads = folder / "profile", folder / "downloads"
        for made in (profile, downloads):
            made.mkdir()
        chosen = {**PREFERENCES, "browser.download.dir": str(downloads), **(preferences or {})}
        lines = [f"user_pref({json.dumps(key)}, {json.dumps(value)});\n" for key, value in chosen.items()]
        (profile / "user.js").write_text("".join(lines), encoding="utf-8")
        command = [str(executable), "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port=0"]
        environment = {**os.environ, "HOME": name, "MOZ_DISABLE_CONTENT_SANDBOX": "1"}  # also as root, in containers
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(command, stdout=log, stderr=log, env=environment) as process,
        ):
            try:
                with _connect(profile / _ENDPOINT_FILE, process) as connection:
                    firefox = Firefox(connection=connection, downloads=downloads)
                    firefox.ask("session.new", capabilities={})
                    yield firefox
            finally:
                process.terminate()
                try:
                    process.wait(timeout=30)
                except subprocess.TimeoutExpired:
                    process.kill()


def _connect(endpoint: Path, process: subprocess.Popen[bytes]) -> ClientConnection:
    end = time.monotonic() + _ANSWER_LIMIT_S
    while True:
        if process.poll() is not None:
            raise BidiError(f"Firefox ended at once, with code {process.returncode}")
        if time.monotonic() > end:
            raise TimeoutError("Firefox does not listen")
        try:
            server = json.loads(endpoint.read_text(encoding="utf-8"))
            return connect(f"ws://{server['ws_host']}:{server['ws_port']}/session", max_size=None, compression=None)
        except (OSError, ValueError):
            time.sleep(_PAUSE_S)
