"""What the proof looks at besides the wire: the page's state, storage and structure, and what an automation sees."""

import re
from dataclasses import dataclass, field

from playwright.async_api import CDPSession, ConsoleMessage, Error, Frame, Page, Request, WebSocket

from proof.workspace import find_vault

_EXPECTED_MESSAGE = "Unrecognized Content-Security-Policy directive 'webrtc'"
"""Chromium does not know the directive; it stays in the policy for the day it does."""
_INNER = ("blob:", "data:", "about:")

_READ_STORAGE = """async () => {
  const list = async (make) => { try { return await make(); } catch { return "none"; } };
  return JSON.stringify({
    local: await list(() => Object.entries(localStorage)),
    session: await list(() => Object.entries(sessionStorage)),
    cookies: await list(() => document.cookie),
    databases: await list(async () => (await indexedDB.databases()).map(({ name }) => name)),
    caches: await list(async () => Promise.all((await caches.keys()).map(async (name) =>
      [name, (await (await caches.open(name)).keys()).map(({ url }) => url)]))),
    files: await list(async () => {
      const names = [];
      for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
      return names;
    }),
    workers: await list(async () => (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope)),
  });
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageState:
    """What a page shows to the browser and keeps in it."""

    title: str
    url: str
    name: str
    storage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """The walls around the vault, as they stand in the open page."""

    shell_policy: str
    vault_policy: str
    sandbox: str | None
    listens: bool
    """Whether the shell has a message listener: data may only flow into the vault."""


@dataclass(slots=True)
class Notes:
    """What the page said and what an automation was told of, since the model was ready."""

    ready: bool = False
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """Those that a test with the automation's request events would object to."""


def watch(page: Page, own: str) -> Notes:
    """Note console messages and, as the usual kind of test does, requests of the page."""
    notes = Notes()

    def hear(message: ConsoleMessage) -> None:
        if notes.ready and _EXPECTED_MESSAGE not in message.text:
            notes.messages.append(message.text)

    def see(request: Request) -> None:
        if not request.url.startswith(_INNER) and (notes.ready or not request.url.startswith(own)):
            notes.requests.append(request.url)

    def meet(socket: WebSocket) -> None:
        notes.requests.append(socket.url)

    page.on("console", hear)
    page.context.on("request", lambda request: see(request) if _belongs(request, page) else None)
    page.on("websocket", meet)
    return notes


def _belongs(request: Request, page: Page) -> bool:
    try:
        return request.frame.page == page
    except Error:
        return False  # of a service worker


async def read_state(page: Page) -> PageState:
    """Return title, address, name and storage of the shell."""
    return PageState(
        title=await page.title(),
        url=page.url,
        name=str(await page.evaluate("() => self.name")),
        storage=str(await page.evaluate(_READ_STORAGE)),
    )


async def read_structure(page: Page) -> Structure:
    """Return policies, sandbox and listeners of the open page."""
    session = await page.context.new_cdp_session(page)
    listens = await _has_listener(session)
    await session.detach()
    sandbox = await page.locator("iframe").get_attribute("sandbox")
    return Structure(
        shell_policy=await _read_policy(page.main_frame),
        vault_policy=await _read_policy(find_vault(page)),
        sandbox=sandbox,
        listens=listens,
    )


async def _read_policy(frame: Frame) -> str:
    """Return the policy without its hashes, which differ from build to build; "" if it is not first in the head."""
    element = "document.head.firstElementChild"
    first = f"() => {element}?.httpEquiv === 'Content-Security-Policy' ? {element}.content : ''"
    return re.sub(r"'sha256-[^']*'", "'sha256'", str(await frame.evaluate(first)))


async def _has_listener(session: CDPSession) -> bool:
    found = await session.send("Runtime.evaluate", {"expression": "window"})
    listed = await session.send("DOMDebugger.getEventListeners", {"objectId": found["result"]["objectId"]})
    return any(listener["type"] == "message" for listener in listed["listeners"])
