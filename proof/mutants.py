"""The mutants: copies of the site, each with one planted leak and whatever weakening of the policy the leak needs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from proof.copies import Changes, keep
from proof.leaks import (
    ENGINE_CHANNELS,
    ENGINE_PLACES,
    LEAKING_WORKER,
    LOADING,
    SHELL_CHANNELS,
    VAULT_CHANNELS,
    VAULT_PLACES,
    VAULT_PRELUDE,
    WORKER_LEAKS,
)
from proof.network import SINK_ADDRESS

_SANDBOX = '"allow-scripts allow-downloads"'
Policy = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One copy: `make` is given the mutant's mark, its attacker's host and its own host."""

    family: str
    name: str
    make: Callable[[str, str, str], Changes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakening:
    """What is opened so that a leak works: the policies of both documents, and the frame's sandbox."""

    policy: Policy = keep
    sandbox: str = _SANDBOX


def open_directive(*names: str) -> Policy:
    """Return an edit that lets the directives reach every host, and drops Trusted Types."""

    def edit(policy: str) -> str:
        kept = [part.strip() for part in policy.split(";")]
        kept = [
            part for part in kept if part.split(" ")[0] not in (*names, "require-trusted-types-for", "trusted-types")
        ]
        opened = [f"{name} * data: blob:{' *' if name != 'script-src' else ''}" for name in names]
        scripts = next((part for part in policy.split("; ") if part.startswith("script-src ")), "script-src")
        opened = [f"{scripts} *" if part.startswith("script-src ") else part for part in opened]
        return "; ".join([*kept, *opened])

    return edit


def _drop(_: str) -> str:
    return ""


def _soften(policy: str) -> str:
    """Permit inline code: only without hashes does it count."""
    return "; ".join("script-src * 'unsafe-inline' 'wasm-unsafe-eval' blob:" if part.startswith("script-src") else part for part in policy.split("; "))  # fmt: skip # noqa: E501


NONE = Weakening()
CONNECT = Weakening(policy=open_directive("connect-src"))
IMAGES = Weakening(policy=open_directive("img-src"))
DROPPED = Weakening(policy=_drop)
POPUPS = Weakening(policy=_drop, sandbox='"allow-scripts allow-downloads allow-popups allow-forms"')
TOP = Weakening(policy=_drop, sandbox='"allow-scripts allow-downloads allow-top-navigation"')
SAME_ORIGIN = Weakening(sandbox='"allow-scripts allow-downloads allow-same-origin"')

BOTH = Weakening(policy=_drop, sandbox=SAME_ORIGIN.sandbox)

_VAULT: tuple[tuple[str, str, Weakening], ...] = (
    ("when a file is read", "fetch", CONNECT),
    ("when an image goes to the engine", "XMLHttpRequest", CONNECT),
    ("when a row is drawn", "beacon", CONNECT),
    ("when a file is chosen", "WebSocket", CONNECT),
    ("when the table is saved", "EventSource", CONNECT),
    ("when the vault ends", "fetch with keepalive", CONNECT),
    ("when the vault ends", "beacon", CONNECT),
    ("a second after a result", "fetch", CONNECT),
    ("when an answer comes", "WebTransport", CONNECT),
    ("when an answer comes", "image", IMAGES),
    ("when a row is drawn", "CSS background", IMAGES),
    ("when a file is read", "style sheet link", Weakening(policy=open_directive("style-src"))),
    ("when a row is drawn", "CSS import", DROPPED),
    ("when an answer comes", "font", Weakening(policy=open_directive("font-src"))),
    ("when a file is chosen", "prefetch link", DROPPED),
    ("when the table is saved", "preload link", IMAGES),
    ("when an answer comes", "script element", Weakening(policy=open_directive("script-src"))),
    ("when a file is chosen", "video poster", IMAGES),
    ("when the table is saved", "form in a new window", POPUPS),
    ("when the table is saved", "new window", POPUPS),
    ("when a row is drawn", "frame", Weakening(policy=open_directive("frame-src"))),
    ("when an answer comes", "empty frame's fetch", BOTH),
    ("when a file is read", "srcdoc frame's image", DROPPED),
    ("when the table is saved", "ping", CONNECT),
    ("when a file is chosen", "DNS prefetch link", NONE),
    ("when an answer comes", "DNS prefetch link", NONE),
    ("when a row is drawn", "preconnect link", NONE),
    ("when a file is read", "WebRTC STUN", NONE),
    ("when an answer comes", "WebRTC TURN user name", NONE),
    ("when a row is drawn", "WebRTC host candidate", NONE),
    ("when the table is saved", "navigation", NONE),
    ("when the table is saved", "meta refresh", NONE),
    ("when the table is saved", "download link", NONE),
    ("when the table is saved", "navigation of the page", TOP),
    ("when an answer comes", "blob worker's fetch", CONNECT),
    ("when a file is read", "console", NONE),
    ("when a file is chosen", "name of the saved table", NONE),
    ("when a file is read", "own storage", SAME_ORIGIN),
)

_ENGINE: tuple[tuple[str, str, Weakening], ...] = (
    ("when an image comes", "fetch", CONNECT),
    ("when an answer goes", "XMLHttpRequest", CONNECT),
    ("when an answer goes", "WebSocket", CONNECT),
    ("when an image comes", "EventSource", CONNECT),
    ("when pixels are shrunk", "fetch", CONNECT),
    ("when an image comes", "importScripts", Weakening(policy=open_directive("script-src"))),
    ("when an answer goes", "font", Weakening(policy=open_directive("font-src"))),
    ("when an image comes", "sub-worker's fetch", CONNECT),
    ("when an answer goes", "request to the own server", CONNECT),
)

_SHELL_NEEDS = {
    "foreign request": CONNECT,
    "service worker's fetch": Weakening(policy=open_directive("worker-src", "connect-src")),
    "shared worker's fetch": Weakening(policy=open_directive("worker-src", "connect-src")),
}

_STRUCTURE: tuple[tuple[str, Changes], ...] = (
    ("the page without its policy", Changes(shell_policy=_drop)),
    ("the vault without its policy", Changes(vault_policy=_drop)),
    (
        "the vault may connect",
        Changes(vault_policy=lambda text: text.replace("connect-src 'none'", "connect-src 'self'")),
    ),
    ("inline code in the vault", Changes(vault_policy=_soften)),
    ("no Trusted Types", Changes(shell_policy=lambda text: text.partition("; require-trusted-types")[0])),
    ("no sandbox", Changes(shell_code=lambda text: text.replace('"sandbox"', '"data-sandbox"'))),
    ("a sandbox of the same origin", Changes(shell_code=lambda text: text.replace(_SANDBOX, SAME_ORIGIN.sandbox))),
    ("a shell that listens", Changes(shell_code=lambda text: f"addEventListener('message', () => 0);{text}")),
)


def list_mutants() -> tuple[Mutant, ...]:
    """Return every mutant, in the order of the path: loading, shell, vault, engine, structure."""
    return (*_list_loading(), *_list_shell(), *_list_vault(), *_list_engine(), *_list_worker(), *_list_structure())


def _list_vault() -> Iterator[Mutant]:
    for place, channel, weakening in _VAULT:
        code = f"{VAULT_PRELUDE} const leak = once((data) => {{ {VAULT_CHANNELS[channel]} }}); {VAULT_PLACES[place]}"

        def make(mark: str, host: str, own: str, code: str = code, weakening: Weakening = weakening) -> Changes:
            planted = write_plant(code, mark, host, own)
            return _weaken(weakening, vault_code=lambda script: planted + script)

        yield Mutant(family="vault", name=f"{channel}, {place}", make=make)


def _list_engine() -> Iterator[Mutant]:
    for place, channel, weakening in _ENGINE:
        url = "const url = (data) => `http://${H}/leak?${encodeURIComponent(data)}`; let did = false;"
        code = f"{url} const leak = (data) => {{ if (did) return; did = true; {ENGINE_CHANNELS[channel]} }}; {ENGINE_PLACES[place]}"  # noqa: E501

        def make(mark: str, host: str, own: str, code: str = code, weakening: Weakening = weakening) -> Changes:
            planted = write_plant(code, mark, host, own)
            return _weaken(weakening, engine_code=lambda script: planted + script)

        yield Mutant(family="engine", name=f"{channel}, {place}", make=make)


def _list_shell() -> Iterator[Mutant]:
    """The vault tells the shell, which listens, and the shell passes it on."""
    vault = f"{VAULT_PRELUDE} const leak = once((data) => {{ {VAULT_CHANNELS['message to the shell']} }}); "
    vault += VAULT_PLACES["when a row is drawn"]
    for channel, code in SHELL_CHANNELS.items():
        listener = f"addEventListener('message', ({{ data: message }}) => {{ const data = message?.back; if (data) {{ {code}; }} }});"  # noqa: E501
        if channel == "service worker's fetch":
            listener += " navigator.serviceWorker.register('../leaking-worker.js');"

        def make(mark: str, host: str, own: str, listener: str = listener, channel: str = channel) -> Changes:
            shell, inner = write_plant(listener, mark, host, own), write_plant(vault, mark, host, own)
            worker = write_plant(LEAKING_WORKER, mark, host, own).encode()
            return _weaken(
                _SHELL_NEEDS.get(channel, NONE),
                shell_code=lambda script: shell + script,
                vault_code=lambda script: inner + script,
                added={"leaking-worker.js": worker} if "service worker" in channel else None,
            )

        yield Mutant(family="shell", name=f"{channel}, told by the vault", make=make)


def _list_loading() -> Iterator[Mutant]:
    for name, code in LOADING.items():

        def make(mark: str, host: str, own: str, code: str = code, name: str = name) -> Changes:
            planted = write_plant(code, mark, host, own)
            weakening = CONNECT if "foreign" in name else NONE
            return _weaken(weakening, shell_code=lambda script: planted + script)

        yield Mutant(family="loading", name=name, make=make)


def _list_worker() -> Iterator[Mutant]:
    """The service worker: it has the network and sees what the shell asks for."""
    for name, code in WORKER_LEAKS.items():

        def make(mark: str, host: str, own: str, code: str = code) -> Changes:
            planted = write_plant(code, mark, host, own)
            return Changes(worker=True, worker_code=lambda script: planted + script)

        yield Mutant(family="service worker", name=name, make=make)


def _list_structure() -> Iterator[Mutant]:
    for name, changes in _STRUCTURE:

        def make(mark: str, host: str, own: str, changes: Changes = changes) -> Changes:
            return changes

        yield Mutant(family="structure", name=name, make=make)


def write_plant(code: str, mark: str, host: str, own: str) -> str:
    """Return planted code with its constants, in a block of its own."""
    values = {"TAG": mark, "H": host, "K": SINK_ADDRESS, "SITE": own}
    constants = "".join(f"const {name} = {json.dumps(value)};" for name, value in values.items())
    return f"{{ {constants} {code} }}\n"


def _weaken(
    weakening: Weakening,
    *,
    shell_code: Callable[[str], str] = keep,
    vault_code: Callable[[str], str] = keep,
    engine_code: Callable[[str], str] = keep,
    added: dict[str, bytes] | None = None,
) -> Changes:
    return Changes(
        shell_code=lambda script: shell_code(script.replace(_SANDBOX, weakening.sandbox)),
        vault_code=vault_code,
        engine_code=engine_code,
        shell_policy=weakening.policy,
        vault_policy=weakening.policy,
        added=added,
    )
