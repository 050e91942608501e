"""Tier 2, exfiltration matrix: every known way out, tried by hostile code in every realm of the shipped site."""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import BrowserContext, ConsoleMessage, Error, Page, Playwright

from proof.channels import ALONE, CHANNELS, VAULT_RESIDUAL, VAULT_RESIDUAL_ALLOWLIST, Channel, write_attack
from proof.chromium import AWAKE, Home, run_chromium
from proof.copies import WORKER, Changes, make_copy
from proof.hosts import LEAK_ZONE, SITE_ZONE, HostRequest
from proof.laboratory import Laboratory, measure
from proof.network import SINK_ADDRESS, SITE_ADDRESS
from proof.packets import Packet
from proof.report import Check, Table, Tier, judge
from proof.workspace import LIMIT_MS

PAGES_AT_A_TIME, PROBES_A_PAGE = 8, 8
_START_LIMIT_S = 60.0
_END_LIMIT_S, _WATCH_S = 10.0, 1.5
"""A page stays until its probes have ended, or so long, and a little longer for what they set going."""
_VISIT_LIMIT_S, _CLOSE_LIMIT_S = 90.0, 5.0
_SETTLE_S = 3.0
_RELAY = (
    "{ const Plain = Worker; self.Worker = class extends Plain { constructor(url, options) { super(url, options);"
    ' this.addEventListener("message", ({ data }) => data?.ran && console.log(data.ran)); } }; }\n'
)
"""Lets the hostile engine say that it ran; the vault's console is no way out."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Realm:
    """A place where hostile code runs: how it is planted there, and what is known to leave."""

    id: str
    is_worker: bool
    plant: Callable[[Mapping[str, bytes], str], dict[str, bytes]]
    """Files and attack → files of the copy."""
    is_site: bool
    opens_model: bool
    residual: Mapping[str, frozenset[str]] | None
    """By channel how it is known to leave; None: no bound, for the control without policy and the shell, which has the
    network and no patient data."""
    has_worker: bool = False
    """Whether the probes count only under the service worker's headers."""
    only: frozenset[str] | None = None
    """The channels that are tried; None: all."""


@dataclass(slots=True)
class Probe:
    """One channel in one realm and what became of it."""

    realm: Realm
    channel: Channel
    token: str
    ran: bool = False
    isolated: bool = False
    """Whether its realm was isolated, as the service worker's headers make it."""
    result: str = ""
    """What it returned or threw; "" while it has not ended."""
    ways: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One page: the probes that run in it."""

    host: str
    realm: Realm
    probes: tuple[Probe, ...]


def _write_page(attack: str) -> bytes:
    return f"<!doctype html><meta charset=utf-8><title>control</title><body><script>{attack}</script>".encode()


def _plant_control(_: Mapping[str, bytes], attack: str) -> dict[str, bytes]:
    return {"index.html": _write_page(attack), "worker.js": b"0"}


def _plant_control_worker(_: Mapping[str, bytes], attack: str) -> dict[str, bytes]:
    start = "new Worker('attack.js').onmessage = ({ data }) => console.log(data.ran)"
    return {"index.html": _write_page(start), "attack.js": attack.encode(), "worker.js": b"0"}


def _plant_shell(files: Mapping[str, bytes], attack: str) -> dict[str, bytes]:
    return make_copy(files, Changes(shell_code=lambda _: attack, light=True))


def _plant_vault(files: Mapping[str, bytes], attack: str) -> dict[str, bytes]:
    return make_copy(files, Changes(vault_code=lambda _: attack, light=True))


def _plant_engine(files: Mapping[str, bytes], attack: str) -> dict[str, bytes]:
    return make_copy(
        files, Changes(engine_code=lambda _: attack, vault_code=lambda script: _RELAY + script, light=True)
    )


def _plant_vault_with_worker(files: Mapping[str, bytes], attack: str) -> dict[str, bytes]:
    return make_copy(files, Changes(vault_code=lambda _: attack, light=True, worker=True))


REALMS = (
    Realm(id="no policy", is_worker=False, plant=_plant_control, is_site=False, opens_model=False, residual=None),
    Realm(
        id="no policy, worker",
        is_worker=True,
        plant=_plant_control_worker,
        is_site=False,
        opens_model=False,
        residual=None,
    ),
    Realm(id="shell", is_worker=False, plant=_plant_shell, is_site=True, opens_model=False, residual=None),
    Realm(id="vault", is_worker=False, plant=_plant_vault, is_site=True, opens_model=True, residual=VAULT_RESIDUAL),
    Realm(
        id="vault, service worker",
        is_worker=False,
        plant=_plant_vault_with_worker,
        is_site=True,
        opens_model=True,
        residual=VAULT_RESIDUAL_ALLOWLIST,
        has_worker=True,
        only=frozenset(VAULT_RESIDUAL),
    ),
    Realm(id="engine", is_worker=True, plant=_plant_engine, is_site=True, opens_model=True, residual={}),
)


async def prove_matrix(playwright: Playwright, executable: Path, laboratory: Laboratory) -> Tier:
    """Run every channel in every realm, each in a copy of the site of its own, and look at the wire for its token."""
    start = time.monotonic()
    began = laboratory.capture.mark()
    realms = [realm for realm in REALMS if WORKER in laboratory.site.files or not realm.has_worker]
    visits = _make_visits(laboratory, realms)
    probes = [probe for visit in visits for probe in visit.probes]
    home = Home(root=laboratory.scratch / "matrix-home")
    async with run_chromium(playwright, executable, home, AWAKE) as browser:
        await run_visits(browser.context, laboratory.site.model, visits)
        await asyncio.sleep(_SETTLE_S)
    laboratory.capture.mark()
    packets = laboratory.capture.list_packets(began)
    for probe in probes:
        probe.ways = find_ways(probe.token, packets, laboratory.host.requests)
    return Tier(
        id="matrix",
        title="Exfiltration matrix",
        checks=judge_probes(probes),
        seconds=measure(start),
        tables=(_list_probes(probes),),
        notes=(
            "H: a server of the attacker was reached over TCP; S: the site's own; D: a DNS query carried the token.",
            "With the service worker only the channels that leave the vault without it are tried: it adds policies.",
            "U: a UDP packet carried it; ·: nothing left; !: the probe never ran; –: workers do not have it.",
        ),
    )


def _make_visits(laboratory: Laboratory, realms: Iterable[Realm]) -> list[Visit]:
    visits = []
    for number, realm in enumerate(realms):
        scopes = ("any",) if realm.is_worker else ("any", "document")
        possible = [channel for channel in CHANNELS if channel.scope in scopes]
        channels = [channel for channel in possible if realm.only is None or channel.name in realm.only]
        probes = [
            Probe(realm=realm, channel=channel, token=f"zq{number}x{index:03}qz")
            for index, channel in enumerate(channels)
        ]
        for index, group in enumerate(_group(probes)):
            visit = Visit(host=f"p{number}-{index}.{SITE_ZONE}", realm=realm, probes=group)
            laboratory.host.publish(visit.host, _make_once(laboratory.site.files, visit))
            visits.append(visit)
    return visits


def _group(probes: Iterable[Probe]) -> list[tuple[Probe, ...]]:
    found = list(probes)
    alone = [(probe,) for probe in found if probe.channel.name in ALONE]
    others = [probe for probe in found if probe.channel.name not in ALONE]
    return [*alone, *(tuple(others[at : at + PROBES_A_PAGE]) for at in range(0, len(others), PROBES_A_PAGE))]


def _make_once(files: Mapping[str, bytes], visit: Visit) -> Callable[[], Mapping[str, bytes]]:
    """Return what makes the visit's copy when it is first asked for."""
    made: dict[str, bytes] = {}
    report = "((ran) => postMessage({ ran }))" if visit.realm.is_worker else "console.log"
    attack = "".join(
        write_attack(
            probe.channel, token=probe.token, host=f"{probe.token}.{LEAK_ZONE}", sink=SINK_ADDRESS,
            site=f"http://{visit.host}", report=report,
        )
        for probe in visit.probes
    )  # fmt: skip

    def get() -> Mapping[str, bytes]:
        if not made:
            made.update(visit.realm.plant(files, attack))
        return made

    return get


async def run_visits(context: BrowserContext, model: str, visits: Iterable[Visit]) -> None:
    """Open every page, some at a time; all in one context, because new ones change what WebRTC may do.

    A page in which a probe did not come to run is opened once more.
    """
    waiting = list(visits)
    again = list(waiting)

    async def work() -> None:
        while waiting:
            with suppress(TimeoutError):
                await asyncio.wait_for(_run_visit(context, model, waiting.pop(0)), _VISIT_LIMIT_S)

    await asyncio.gather(*(work() for _ in range(PAGES_AT_A_TIME)))
    waiting = [visit for visit in again if not all(probe.ran for probe in visit.probes)]
    await asyncio.gather(*(work() for _ in range(2)))


async def _run_visit(context: BrowserContext, model: str, visit: Visit) -> None:
    page = await context.new_page()
    waiting = {probe.token: probe for probe in visit.probes}
    ran, ended = asyncio.Event(), asyncio.Event()

    def listen(message: ConsoleMessage) -> None:
        found = re.match(r"ran (\w+): (.*)", message.text)
        probe = waiting.get(found[1]) if found else None
        if found and probe:
            _note(probe, found[2])
            if all(probe.ran for probe in visit.probes):
                ran.set()
            if all(probe.result for probe in visit.probes):
                ended.set()

    page.on("console", listen)
    page.on("popup", lambda popup: asyncio.ensure_future(_close(popup)))
    try:
        await page.goto(f"http://{visit.host}/{'predict/#' + model if visit.realm.is_site else ''}")
        if visit.realm.opens_model:
            await page.locator("#load").click(timeout=LIMIT_MS)
        async with asyncio.timeout(_START_LIMIT_S):
            await ran.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), _END_LIMIT_S)
        await asyncio.sleep(_WATCH_S)
    except (Error, TimeoutError):
        pass  # many channels navigate away; whether the probe ran is noted in it
    await _close(page)


def _note(probe: Probe, text: str) -> None:
    """Note that a probe began, or how it ended. One that needs the service worker's headers counts only with them."""
    state, _, rest = text.partition(" ")
    if state == "started":
        probe.isolated = rest == "true"
        probe.ran = probe.isolated or not probe.realm.has_worker
    else:
        probe.result = text[:80]


async def _close(page: Page) -> None:
    """Close a page that may have gone by itself, or hang; the browser ends soon anyway."""
    with suppress(Error, TimeoutError):
        await asyncio.wait_for(page.close(), _CLOSE_LIMIT_S)


def find_ways(token: str, packets: Iterable[Packet], requests: Iterable[HostRequest]) -> tuple[str, ...]:
    """Return how the token left: TCP, DNS, UDP, or site for the site's own server."""
    ways = set()
    needle = token.encode()
    for packet in packets:
        if packet.outgoing and needle in packet.payload.lower():
            if packet.port == 53:
                ways.add("DNS")
            elif packet.protocol == "UDP":
                ways.add("UDP")
            elif packet.target == SITE_ADDRESS:
                ways.add("site")
            else:
                ways.add("TCP")
    if any(token in request.target for request in requests):
        ways.add("site")
    return tuple(sorted(ways))


def judge_probes(probes: Iterable[Probe]) -> tuple[Check, ...]:
    """Judge the realms that hold patient data; the control shows that the channels work at all."""
    found = list(probes)
    checks = []
    for realm in dict.fromkeys(probe.realm for probe in found):
        mine = [probe for probe in found if probe.realm is realm]
        left = [probe for probe in mine if probe.ways]
        silent = [probe.channel.name for probe in mine if not probe.ran]
        counts = f"{len(left)} of {len(mine)} channels"
        if realm.residual is None:
            checks.append(judge(f"{realm.id}: the channels are alive", len(left) > 0 or realm.id == "shell", counts))
        else:
            new = [
                f"{probe.channel.name} ({', '.join(probe.ways)})"
                for probe in left
                if set(probe.ways) - realm.residual.get(probe.channel.name, frozenset())
            ]
            known = sorted(probe.channel.name for probe in left if probe.channel.name in realm.residual)
            detail = f"{counts} left; known: {', '.join(known) or 'none'}; new: {', '.join(new) or 'none'}"
            checks.append(judge(f"{realm.id}: no channel but the named ones", not new, detail))
        checks.append(judge(f"{realm.id}: every probe ran", not silent, f"did not run: {', '.join(silent) or 'none'}"))
    return tuple(checks)


def _list_probes(probes: Iterable[Probe]) -> Table:
    found = list(probes)
    realms = tuple(dict.fromkeys(probe.realm.id for probe in found))
    cells = {(probe.channel.name, probe.realm.id): _write_cell(probe) for probe in found}
    rows = [
        (channel.name, *(cells.get((channel.name, realm), "–") for realm in realms))
        for channel in CHANNELS
    ]  # fmt: skip
    return Table(title="Channels that left, by realm", columns=("channel", *realms), rows=tuple(rows))


def _write_cell(probe: Probe) -> str:
    if not probe.ran:
        return "!"
    letters = [letter for way, letter in (("TCP", "H"), ("site", "S"), ("DNS", "D"), ("UDP", "U")) if way in probe.ways]
    return "H" if "H" in letters else "".join(letters) or "·"
