"""Nothing leaves: no request after the model is loaded, and none even if engine or vault try."""

import pytest
from playwright.sync_api import Browser, Frame, expect

from browser.conftest import OpenWorkspace
from browser.server import run_host
from browser.sites import BLUE, RED, make_bundle, make_site
from webipred.assets import read_asset

pytestmark = pytest.mark.browser

BLOCKED = ("Content Security Policy", "Refused to", "violates the following", "Not allowed to load", "foreign request")
"""What the browser says of an attempt that it stops; whether anything arrived is for the other host to tell."""

_PLANT = """
for (const attempt of [
  () => fetch("URLfetch", {mode: "no-cors"}),
  () => { const request = new XMLHttpRequest(); request.open("GET", "URLxhr"); request.send(); },
  () => new EventSource("URLevents"),
  () => new WebSocket("URLsocket".replace("http", "ws")),
  () => importScripts("URLscript"),
  () => new Worker("URLworker"),
]) { try { Promise.resolve(attempt()).catch(() => 0); } catch {} }
"""


def get_vault_frame(frames: list[Frame]) -> Frame:
    return next(frame for frame in frames if frame.parent_frame is not None)


def test_no_request_is_made_after_the_model_is_loaded(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        before = list(workspace.host.requests)
        workspace.add(("a.png", RED), ("b.png", BLUE))
        workspace.expect_counts("2 of 2 images done.")
        workspace.vault.get_by_role("button", name="a.png").click()
        expect(workspace.vault.locator(".detail")).to_contain_text("48 × 48 pixels")
        workspace.save_csv()
        workspace.page.get_by_role("button", name="Clear everything").click()
        expect(workspace.vault.get_by_text("3 of 3")).to_be_visible(timeout=60_000)
        assert before == workspace.host.requests


def test_predictions_go_on_without_any_network(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.page.context.set_offline(True)
        workspace.add(("a.png", RED))
        workspace.expect_counts("1 of 1 images done.")


def test_requests_planted_in_the_engine_are_blocked(open_workspace: OpenWorkspace) -> None:
    with run_host({}) as leak:
        script = _PLANT.replace("URL", leak.url).encode() + read_asset("engine.js")
        with open_workspace(make_site([make_bundle()], engine_script=script), allowed=BLOCKED) as workspace:
            workspace.load()
            workspace.add(("a.png", RED))
            workspace.expect_counts("1 of 1 images done.")
        assert [] == leak.requests


def test_the_same_planted_requests_reach_the_host_from_an_ordinary_worker(browser: Browser) -> None:
    with run_host({}) as leak:
        script = _PLANT.replace("URL", leak.url) + "fetch('URLlast', {mode: 'no-cors'}).then(() => postMessage(0));"
        page_text = b"<!doctype html><link rel=icon href=data:,>"
        with run_host({"index.html": page_text, "worker.js": script.replace("URL", leak.url).encode()}) as host:
            page = browser.new_page()
            page.goto(host.url)
            page.evaluate("() => new Promise((resolve) => { new Worker('worker.js').onmessage = resolve; })")
            page.close()
        arrived = {line.rpartition("/")[2] for line in leak.requests}
        assert {"fetch", "xhr", "events", "socket", "script", "last"} <= arrived


def test_requests_planted_in_the_vault_are_blocked(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with run_host({}) as leak, open_workspace(colour_site, allowed=BLOCKED) as workspace:
        workspace.load()
        vault = get_vault_frame(workspace.page.frames)
        vault.evaluate(
            """async (url) => {
                const settle = (make) => new Promise((resolve) => {
                    const element = make();
                    element.onload = element.onerror = resolve;
                    setTimeout(resolve, 1000);
                });
                const create = (name, set) => Object.assign(document.createElement(name), set);
                const add = (name, set) => () => document.body.appendChild(create(name, set));
                await settle(() => Object.assign(new Image(), { src: url + "image" }));
                await settle(add("link", { rel: "stylesheet", href: url + "style" }));
                await settle(add("iframe", { src: url + "frame" }));
                const child = document.body.appendChild(document.createElement("iframe"));
                try { await child.contentWindow.fetch(url + "child", { mode: "no-cors" }); } catch {}
            }""",
            leak.url,
        )
        assert [] == leak.requests


def test_the_vault_has_no_network_interfaces(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        vault = get_vault_frame(workspace.page.frames)
        names = ["fetch", "XMLHttpRequest", "WebSocket", "RTCPeerConnection", "EventSource", "WebTransport", "open"]
        assert [] == vault.evaluate("(names) => names.filter((name) => name in window)", names)
        assert "undefined" == vault.evaluate("() => typeof navigator.sendBeacon")
        assert "null" == vault.evaluate("() => self.origin")


def test_the_vault_takes_no_second_message(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add(("a.png", RED))
        workspace.expect_counts("1 of 1 images done.")
        workspace.page.evaluate(
            """() => {
                const file = new Blob(["x"]);
                const model = { format_version: 1, classes: [], goldens: [] };
                const load = { type: "load", language: "de", model, script: file, preprocess: file,
                    runtime: file, weights: file, goldens: [] };
                document.querySelector("iframe").contentWindow.postMessage(load, "*");
            }"""
        )
        workspace.add(("b.png", BLUE))
        workspace.expect_counts("2 of 2 images done.")


def test_the_frame_has_no_more_rights_than_it_needs(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        assert "allow-scripts allow-downloads" == workspace.page.locator("iframe").get_attribute("sandbox")


def test_nothing_of_an_image_stands_in_title_address_or_storage(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add(("Mustermann.png", RED))
        workspace.expect_counts("1 of 1 images done.")
        page = workspace.page
        traces = [page.title(), page.url, *(frame.evaluate("() => document.title") for frame in page.frames)]
        traces.append(page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}, history.state])"))
        assert [] == [trace for trace in traces if "Mustermann" in trace]
        assert [] == page.context.cookies()
