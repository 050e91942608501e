"""Tier 1, silence: what crosses the wire while the page loads, and that nothing does once the model is ready."""

import asyncio
import re
import time
from collections.abc import Mapping
from pathlib import Path

from playwright.async_api import Page, Playwright

from proof.capture import count_kinds
from proof.chromium import Home, run_chromium
from proof.copies import WORKER
from proof.hosts import SITE_ZONE, HostRequest
from proof.laboratory import Laboratory, is_vendors, measure
from proof.packets import Packet, read_dns_name
from proof.report import Check, Table, Tier, judge
from proof.site import Site
from proof.workspace import add_images, clear, load_model, save_csv, wait_for_results, wait_until_ready

PREDICTIONS = 1000
"""Half of them with the wire connected, half with it pulled out."""
_SETTLE_S = 5.0
"""After loading: the server closes idle connections and the browser looks for a newer service worker."""
_LOOKS = 20
_IDLE_S = 10.0
_TRACE_HEADERS = ("cookie", "referer", "authorization", "from")


async def prove_silence(playwright: Playwright, executable: Path, laboratory: Laboratory) -> Tier:
    """Load, settle, predict with the wire in, idle, pull it, predict again; read the recording phase by phase."""
    start = time.monotonic()
    url = laboratory.publish("silence", dict(laboratory.site.files))
    images = laboratory.copy_images((f"image-{n:04}" for n in range(PREDICTIONS)), "silence-images")
    half = PREDICTIONS // 2
    capture = laboratory.capture
    home = Home(root=laboratory.scratch / "silence-home")
    async with run_chromium(playwright, executable, home) as browser:
        page = browser.context.pages[0]
        loading = capture.mark()
        await load_model(page, url, laboratory.site.model)
        await _settle(laboratory)
        ready = capture.mark()
        await _predict(page, images[:half], half)
        await save_csv(page, laboratory.scratch / "silence.csv")
        await asyncio.sleep(_IDLE_S)
        connected = capture.mark()
        laboratory.unplug()
        await _predict(page, images[half:], PREDICTIONS)
        await clear(page)
        await wait_until_ready(page)
        laboratory.plug()
        await asyncio.sleep(1)
    ended = capture.mark()
    phases = {
        "loading": capture.list_packets(loading, ready),
        "500 predictions, CSV, 10 s of rest": capture.list_packets(ready, connected),
        "500 predictions with the wire pulled out, Clear, closing": capture.list_packets(connected, ended),
    }
    requests = laboratory.host.list_requests(f"silence.{SITE_ZONE}")
    after = [request for request in requests if request.time >= ready]
    silent = [packet for packet in capture.list_packets(ready, ended) if packet.kind == "data"]
    checks = (
        *judge_cold_load(laboratory.site, phases["loading"], requests),
        _judge_silence(silent),
        judge("no request after the model was ready", not after, f"{len(after)} of {len(requests)} requests"),
        judge("works with the wire pulled out", True, f"{half} predictions and Clear were done without any network"),
        judge("the recording is whole", (lost := capture.count_lost()) == 0, f"{lost} frames lost"),
    )
    return Tier(
        id="silence",
        title="Silence on the wire",
        checks=checks,
        seconds=measure(start),
        tables=(_list_phases(phases),),
        notes=_note_vendors(phases),
    )


async def _settle(laboratory: Laboratory) -> None:
    """Wait for the look for a newer service worker, and then until the idle connections are closed."""
    for _ in range(_LOOKS):
        if laboratory.has_settled(f"silence.{SITE_ZONE}"):
            break
        await asyncio.sleep(1)
    await asyncio.sleep(_SETTLE_S)


async def _predict(page: Page, images: list[Path], total: int) -> None:
    await add_images(page, images)
    await wait_for_results(page, total)


def judge_cold_load(site: Site, packets: list[Packet], requests: list[HostRequest]) -> tuple[Check, ...]:
    """Judge the first load: one host, only paths of the site, nothing in them or beside them that tells of anyone."""
    sent = [packet for packet in packets if packet.outgoing and packet.kind == "data" and not is_vendors(packet)]
    hosts = {packet.target for packet in sent if packet.protocol == "TCP"}
    names = {read_dns_name(packet.payload) for packet in sent if packet.protocol == "UDP" and packet.port == 53}
    others = [packet.describe() for packet in sent if packet.protocol != "TCP" and packet.port != 53]
    return (
        judge("loading contacts one host", len(hosts) == 1 and len(names) == 1 and not others, _join(names, others)),
        *judge_requests(site, requests),
    )


def judge_requests(site: Site, requests: list[HostRequest]) -> tuple[Check, ...]:
    """Judge the requests of a first load as the server sees them."""
    foreign = [request.target for request in requests if request.target not in site.paths]
    bad = [f"{request.method} {request.target}" for request in requests if request.method != "GET"]
    traces = [
        f"{request.target}: {name} {request.headers[name]}" for request in requests for name in find_traces(request)
    ]
    return (
        judge(
            "loading asks for files of the manifest only", not foreign, f"{len(requests)} requests; {_join(foreign)}"
        ),
        judge("requests are plain GETs", not bad, _join(bad)),
        judge("no query, cookie or referrer", not traces and not any("?" in r.target for r in requests), _join(traces)),
    )


def find_traces(request: HostRequest) -> list[str]:
    """Return the headers of a request that tell of its user or of where it came from.

    Chromium's own look for a newer service worker names the present one, whose address is the same: no trace.
    """
    own = (
        request.target == f"/{WORKER}"
        and request.headers.get("referer") == f"http://{request.headers.get('host')}/{WORKER}"
    )
    return [name for name in _TRACE_HEADERS if name in request.headers and not (name == "referer" and own)]


def _judge_silence(packets: list[Packet]) -> Check:
    seen = [packet.describe() for packet in packets]
    return judge(
        f"{PREDICTIONS} predictions, 0 packets with payload", not seen, f"{len(seen)} packets; {_join(seen[:5])}"
    )


def _list_phases(phases: Mapping[str, list[Packet]]) -> Table:
    rows = []
    for name, packets in phases.items():
        counts = count_kinds(packets)
        rows.append((name, *(str(counts[kind]) for kind in ("data", "tcp", "arp", "icmp"))))
    return Table(
        title="Packets on the wire",
        columns=("phase", "with payload", "TCP control", "ARP", "neighbour discovery"),
        rows=tuple(rows),
    )


def _note_vendors(phases: Mapping[str, list[Packet]]) -> tuple[str, ...]:
    names = sorted({read_dns_name(p.payload) for packets in phases.values() for p in packets if is_vendors(p)})
    text = (
        "The browser's own lookups, none of them after the model was ready"
        if names
        else "No lookup of the browser's own"
    )
    return (
        re.sub(r"\s+", " ", f"{text}: {', '.join(names) or 'none'}."),
        "TCP control packets, ARP and neighbour discovery are the kernel's: they carry nothing of a page.",
    )


def _join(*groups: object) -> str:
    items = [str(item) for group in groups for item in (group if isinstance(group, list | set) else [group])]
    return ", ".join(sorted(items)) or "none"
