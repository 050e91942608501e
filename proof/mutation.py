"""Tier 3, mutants: the proof's own detectors against copies of the site that leak, and against copies that do not."""

import asyncio
import json
import re
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import BrowserContext, Error, Page, Playwright

from proof.chromium import AWAKE, Home, run_chromium
from proof.copies import WORKER, Changes, make_copy
from proof.hosts import LEAK_ZONE, SITE_ZONE, HostRequest
from proof.laboratory import Laboratory, measure
from proof.mutants import Mutant, list_mutants
from proof.packets import Packet
from proof.report import Check, Table, Tier, judge
from proof.scanning import scan_folders
from proof.silence import find_traces
from proof.site import list_paths
from proof.watching import Notes, PageState, Structure, read_state, read_structure, watch
from proof.workspace import LIMIT_MS, RefusedError, add_images, clear, get_vault, load_model, wait_for_results

PAGES_AT_A_TIME = 5
CSV_NAME = "webipred-results.csv"
_SETTLE_S, _LATE_S = 0.4, 1.2
_STEP_LIMIT_S = 60.0
_UPDATE = b"GET /sw.js HTTP/1.1\r\n"
"""The browser's own look for a newer service worker, some time after a load; it carries nothing."""
_FLOW_LIMIT_S = 120.0
CONTROL = Mutant(family="control", name="unchanged", make=lambda mark, host, own: Changes())
SHIPPED = Mutant(family="control", name="unchanged, as shipped", make=lambda mark, host, own: Changes(worker=True))
"""A copy without any leak: the proof must find nothing in it."""


@dataclass(slots=True)
class Run:
    """One copy, used as a person would, and what every detector saw."""

    mutant: Mutant
    mark: str
    paths: frozenset[str] = frozenset()
    """What the copy may ask for."""
    ready: float = 0.0
    ended: float = 0.0
    notes: Notes = field(default_factory=Notes)
    before: PageState | None = None
    after: PageState | None = None
    structure: Structure | None = None
    download: str | None = None
    seen: list[str] = field(default_factory=list)
    """Detectors that objected."""

    @property
    def host(self) -> str:
        return f"{self.mark}.{SITE_ZONE}"

    @property
    def has_worker(self) -> bool:
        """Whether the copy has a service worker of the site."""
        return self.mutant is SHIPPED or self.mutant.family == "service worker"

    @property
    def image_name(self) -> str:
        return f"Patient-{self.mark.upper()}-Mueller"


async def prove_mutants(playwright: Playwright, executable: Path, laboratory: Laboratory) -> Tier:
    """Use every mutant and some unchanged copies; the mutants must be noticed, the copies must not."""
    start = time.monotonic()
    mutants = [CONTROL, SHIPPED, CONTROL, *_list_possible(laboratory)]
    home = Home(root=laboratory.scratch / "mutants-home")
    began = laboratory.capture.mark()
    async with run_chromium(playwright, executable, home, AWAKE) as browser:
        runs = await run_mutants(browser.context, laboratory, mutants)
        await asyncio.sleep(1)
    laboratory.capture.mark()
    packets = laboratory.capture.list_packets(began)
    judge_runs(runs, laboratory, packets, home)
    return Tier(
        id="mutants",
        title="Mutants: planted leaks that the proof must notice",
        checks=judge_mutants(runs),
        seconds=measure(start),
        tables=(list_runs(runs),),
        notes=(
            "wire: a packet of the page after the model was ready; load: a request for no file of the site.",
            "state: title, address, window name or console; storage: whatever the page keeps; disk: the image's name.",
            "name: of the saved table; structure: policy, sandbox or listener of the open page.",
            "Automation only: what a test with the request and WebSocket events of Playwright would have noticed.",
        ),
    )


def _list_possible(laboratory: Laboratory) -> list[Mutant]:
    """Those of the service worker need one."""
    has_worker = WORKER in laboratory.site.files
    return [mutant for mutant in list_mutants() if has_worker or mutant.family != "service worker"]


async def run_mutants(context: BrowserContext, laboratory: Laboratory, mutants: Sequence[Mutant]) -> list[Run]:
    """Use all copies, some at a time."""
    runs = [Run(mutant=mutant, mark=f"mq{index:02}zw") for index, mutant in enumerate(mutants)]
    waiting = list(runs)

    async def work() -> None:
        while waiting:
            run = waiting.pop(0)
            with suppress(Error, TimeoutError, RefusedError, AssertionError):  # a leak may break the page it is in
                await asyncio.wait_for(_use(context, laboratory, run), _FLOW_LIMIT_S)
            run.ended = run.ended or time.monotonic()

    await asyncio.gather(*(work() for _ in range(PAGES_AT_A_TIME)))
    return runs


async def _use(context: BrowserContext, laboratory: Laboratory, run: Run) -> None:
    changes = run.mutant.make(run.mark, f"{run.mark}.{LEAK_ZONE}", run.host)
    copy = make_copy(laboratory.site.files, changes)
    run.paths = list_paths(path for path in copy if path not in (changes.added or {}))
    url = laboratory.publish(run.mark, copy)
    image, other = laboratory.copy_images([run.image_name, f"{run.image_name}-2"], f"images-{run.mark}")
    page = await context.new_page()
    run.notes = watch(page, url)
    try:
        await load_model(page, url, laboratory.site.model)
        await asyncio.sleep(_SETTLE_S)
        run.before = await read_state(page)
        run.structure = await read_structure(page)
        run.ready, run.notes.ready = laboratory.capture.mark(), True
        await add_images(page, [image])
        await wait_for_results(page, 1)
        await add_images(page, [other])
        await wait_for_results(page, 2)
        await get_vault(page).locator("tr.done .name").first.click(timeout=LIMIT_MS)
        await _save(page, run)
        await asyncio.sleep(_LATE_S)
        run.after = await read_state(page)
        if await page.locator("#clear").count():  # the page may have been navigated away
            await clear(page)
        await asyncio.sleep(_SETTLE_S)
        await page.goto("about:blank")
        await asyncio.sleep(_LATE_S)
    finally:
        run.ended = laboratory.capture.mark()
        with suppress(Error, TimeoutError):
            await asyncio.wait_for(page.close(), 5)


async def _save(page: Page, run: Run) -> None:
    async with page.expect_download(timeout=_STEP_LIMIT_S * 1000) as download:
        await get_vault(page).locator(".progress button.primary").click(timeout=LIMIT_MS)
    run.download = (await download.value).suggested_filename


def judge_runs(runs: Iterable[Run], laboratory: Laboratory, packets: Sequence[Packet], home: Home) -> None:
    """Let every detector look at every run."""
    found = list(runs)
    control = next(run for run in found if run.mutant is CONTROL)
    shipped = next((run for run in found if run.mutant is SHIPPED), control)
    names = {run.image_name.encode(): run for run in found}
    on_disk = scan_folders([home.root], tuple(names))
    for run in found:
        requests = laboratory.host.list_requests(run.host)
        mine = [packet for packet in packets if packet.outgoing and run.mark.encode() in packet.payload.lower()]
        objections = {
            "wire": _is_loud(run, mine),
            "load": _is_curious(run, requests, mine),
            "state": _has_told(run),
            "storage": _has_kept(run, shipped if run.has_worker else control),
            "disk": any(hit.needle == run.image_name.encode() for hit in on_disk.hits),
            "name": run.download is not None and run.download != CSV_NAME,
            "structure": run.structure is not None and run.structure != control.structure,
        }
        run.seen = [name for name, objects in objections.items() if objects]


def _is_loud(run: Run, packets: Iterable[Packet]) -> bool:
    late = [packet for packet in packets if packet.kind == "data" and run.ready and packet.time >= run.ready]
    return any(not packet.payload.startswith(_UPDATE) for packet in late)


def _is_curious(run: Run, requests: Iterable[HostRequest], packets: Iterable[Packet]) -> bool:
    loading = [request for request in requests if not run.ready or request.time < run.ready]
    odd = [r for r in loading if r.target not in run.paths or r.method != "GET" or find_traces(r)]
    foreign = [
        packet
        for packet in packets
        if LEAK_ZONE.partition(".")[0].encode() in packet.payload and packet.time < run.ready
    ]
    return bool(odd or foreign)


def _has_told(run: Run) -> bool:
    if run.notes.messages:
        return True
    if not run.before or not run.after:
        return False
    first, last = run.before, run.after
    return (first.title, first.url, first.name) != (last.title, last.url, last.name)


def _has_kept(run: Run, control: Run) -> bool:
    """Whether the page keeps anything that an unchanged copy does not."""
    if not run.before or not control.before:
        return False
    kept = {_normalise(state.storage, run) for state in (run.before, run.after) if state}
    return kept != {_normalise(control.before.storage, control)}


def _normalise(storage: str, run: Run) -> str:
    """Return the listing without the copy's mark, and without the caches that a service worker of the site fills."""
    listed = json.loads(storage.replace(run.mark, "MARK"))
    return json.dumps({name: value for name, value in listed.items() if name != "caches" or not run.has_worker})


def judge_mutants(runs: Sequence[Run]) -> tuple[Check, ...]:
    mutants = [run for run in runs if run.mutant.family != "control"]
    controls = [run for run in runs if run.mutant.family == "control"]
    killed = [run for run in mutants if run.seen]
    baseline = [run for run in mutants if run.notes.requests]
    alive = [f"{run.mutant.family}: {run.mutant.name}" for run in mutants if not run.seen]
    loud = [", ".join(run.seen) for run in controls if run.seen]
    used = [run for run in controls if run.after is not None and run.download == CSV_NAME]
    count = len(mutants)
    effective = [run for run in mutants if run.mutant.family != "structure"]
    count_heard = sum(1 for run in effective if set(run.seen) - {"structure"})
    silent = [run.mutant.name for run in effective if not set(run.seen) - {"structure"}]
    return (
        judge(
            "every mutant is noticed", not alive, f"killed {len(killed)}/{count}; alive: {'; '.join(alive) or 'none'}"
        ),
        judge(
            "every leak is noticed by its effect, not by its opened policy",
            not silent,
            f"{count_heard} of {len(effective)} by what they sent or left; not: {'; '.join(silent) or 'none'}",
        ),
        judge(
            "the automation alone would not do",
            len(baseline) < len(killed),
            f"request and WebSocket events notice {len(baseline)}/{count}",
        ),
        judge(
            "unchanged copies pass",
            not loud and len(used) == len(controls),
            f"{len(controls)} copies, {len(used)} used to the end; objections: {'; '.join(loud) or 'none'}",
        ),
    )


def list_runs(runs: Iterable[Run]) -> Table:
    rows = tuple(
        (
            run.mutant.family,
            re.sub(r"\s+", " ", run.mutant.name),
            ", ".join(run.seen) or "·",
            "yes" if run.notes.requests else "·",
        )
        for run in runs
    )
    return Table(title="Mutants", columns=("realm", "leak", "noticed by", "automation only"), rows=rows)
