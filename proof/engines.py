"""Tier 5, engines: the whole path, the workers and the silence of the page in Chromium, Firefox and WebKitGTK."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from browser.firefox import Firefox, Tab, find_firefox, run_firefox
from proof.canaries import make_canary
from proof.chromium import Home, list_switches
from proof.hosts import SITE_ZONE
from proof.laboratory import Laboratory, is_vendors, measure
from proof.report import Check, Table, Tier, judge, skip
from proof.residue import list_needles
from proof.scanning import scan_folders
from proof.webdriver import WebKit, find_webkit, run_webkit
from proof.workers import CASES, FORBIDDEN, NEEDED, make_worker_page
from proof.workspace import read_probabilities

_SETTLE_S, _REST_S = 4.0, 6.0
_CANARY = 7
_UPDATE_S = 12.0
"""So long some browsers take to look for a newer service worker; others do not look."""
_LIMIT_S = 180.0
_READY = "!!document.querySelector('.check.passed, .check.refused')"
_PASSED = "!!document.querySelector('.check.passed')"
_KEEP_TABLE = (
    "(() => { const make = URL.createObjectURL; URL.createObjectURL = (blob) => {"
    " blob.text().then((text) => { self.savedTable = text; }); return make.call(URL, blob); }; return true; })()"
)
"""Keeps the text that Save makes: browsers differ in where they put the file."""
_SAVE = "(document.querySelector('.progress button.primary').click(), true)"


@dataclass(slots=True)
class EngineRun:
    """What one browser did."""

    name: str
    version: str = ""
    probabilities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    threads: str = ""
    isolated: str = ""
    workers: list[tuple[str, str, str, str]] = field(default_factory=list)
    ready: float = 0.0
    ended: float = 0.0
    requests_after: int = 0
    left: tuple[str, ...] = ()
    """Files of the browser that hold a trace of the canary image."""


@dataclass(slots=True)
class Driven:
    """A browser behind one interface: evaluate in the page or in the vault, choose files."""

    open: Callable[[str], None]
    evaluate: Callable[[str, bool], object]
    """Expression, and whether in the vault."""
    choose: Callable[[list[Path]], None]


def prove_engines(chromium: Path | None, laboratory: Laboratory) -> Tier:
    """Run the path in every browser that is installed; a missing one is named."""
    start = time.monotonic()
    expected = predict(laboratory)
    runs: list[EngineRun] = []
    checks: list[Check] = []
    attempts: dict[str, Callable[[EngineRun], str | None]] = {
        "Chromium": lambda run: _run_chromium(chromium, laboratory, run),
        "Firefox": lambda run: _run_firefox(laboratory, run),
        "WebKitGTK": lambda run: _run_webkit(laboratory, run),
    }
    for name, attempt in attempts.items():
        run = EngineRun(name=name)
        reason = attempt(run)
        if reason:
            checks.append(skip(f"{name}: the whole path", reason))
            continue
        runs.append(run)
        checks += judge_engine(run, expected, laboratory)
    return Tier(
        id="engines",
        title="Browser engines",
        checks=tuple(checks),
        seconds=measure(start),
        tables=(_list_engines(runs), _list_workers(runs)),
        notes=(
            "Numbers are compared as printed, with those of `webipred-build predict` on the same files.",
            "WebKitGTK stands for Safari's engine, not for Safari.",
        ),
    )


def list_images(laboratory: Laboratory) -> list[Path]:
    """Return the sample images and one that exists nowhere else."""
    return [*laboratory.images, make_canary(_CANARY).write(laboratory.scratch / "engine-images")]


def list_versions(tier: Tier) -> tuple[tuple[str, str], ...]:
    """Return name and version of the browsers that ran."""
    return tuple((row[0], row[1]) for row in tier.tables[0].rows)


def predict(laboratory: Laboratory) -> Mapping[str, tuple[str, ...]]:
    """Return what the command line prints for the sample images."""
    site = laboratory.site
    command = ["predict", site.model, *map(str, list_images(laboratory)), "--out", str(site.folder)]
    start = [sys.executable, "-c", "from webipred.cli import main; main()"]
    done = subprocess.run([*start, *command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"webipred-build predict failed: {done.stderr.strip()}")
    return read_probabilities(done.stdout, site.classes)


def _use(driven: Driven, laboratory: Laboratory, run: EngineRun, home: Path) -> None:
    """Load, settle, predict every image, save, rest, search the home; then look which workers start."""
    images = list_images(laboratory)
    host = f"engine-{run.name.lower()}"
    url = laboratory.publish(host, dict(laboratory.site.files))
    driven.open(f"{url}predict/#{laboratory.site.model}")
    _wait(driven, "!!document.querySelector('#load')")
    driven.evaluate("(document.querySelector('#load').click(), true)", False)
    _wait(driven, "!!document.querySelector('iframe')")
    _wait(driven, _READY, vault=True)
    if not driven.evaluate(_PASSED, True):
        raise RuntimeError(f"{run.name}: the self-test of the page did not pass")
    end = time.monotonic() + _UPDATE_S
    while not laboratory.has_settled(f"{host}.{SITE_ZONE}") and time.monotonic() < end:
        time.sleep(0.3)
    time.sleep(_SETTLE_S)
    run.ready = laboratory.capture.mark()
    run.isolated = str(driven.evaluate("String(self.crossOriginIsolated)", True)).lower()
    driven.evaluate(_KEEP_TABLE, True)
    driven.choose(images)
    _wait(driven, f"document.querySelectorAll('tr.done').length === {len(images)}", vault=True)
    _wait(driven, "!document.querySelector('.progress button.primary').disabled", vault=True)
    driven.evaluate(_SAVE, True)
    _wait(driven, "!!self.savedTable", vault=True)
    run.probabilities = read_probabilities(str(driven.evaluate("self.savedTable", True)), laboratory.site.classes)
    time.sleep(_REST_S)
    run.ended = laboratory.capture.mark()
    hits = scan_folders([home], list_needles(make_canary(_CANARY))).hits
    run.left = tuple(sorted({f"{hit.path.relative_to(home)} ({hit.how})" for hit in hits if hit.path.suffix != ".csv"}))
    run.requests_after = len(laboratory.host.list_requests(f"{host}.{SITE_ZONE}", run.ready))
    driven.open(laboratory.publish(f"workers-{run.name.lower()}", make_worker_page()))
    end = time.monotonic() + 20
    while len(found := _read_workers(driven)) < CASES and time.monotonic() < end:
        time.sleep(0.3)
    run.workers = found


def _read_workers(driven: Driven) -> list[tuple[str, str, str, str]]:
    listed = driven.evaluate("self.results", False)
    return [(str(a), str(b), str(c), str(d)) for a, b, c, d in listed] if isinstance(listed, list) else []


def _wait(driven: Driven, expression: str, *, vault: bool = False) -> None:
    end = time.monotonic() + _LIMIT_S
    while not driven.evaluate(expression, vault):
        if time.monotonic() > end:
            raise TimeoutError(f"{expression} did not come true")
        time.sleep(0.2)


def _run_chromium(executable: Path | None, laboratory: Laboratory, run: EngineRun) -> str | None:
    if executable is None:
        return "no Chromium is installed (Debian: chromium)"
    home = Home(root=laboratory.scratch / "engine-chromium").make()
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(home.profile), executable_path=executable, ignore_default_args=True, args=list_switches(home),
            env=dict(home.make_environment()),
        )  # fmt: skip
        page = context.pages[0]
        run.version = str(context.new_cdp_session(page).send("Browser.getVersion")["product"]).partition("/")[2]
        driven = Driven(
            open=lambda url: _go(page, url),
            evaluate=lambda expression, vault: page.frames[1 if vault else 0].evaluate(expression),
            choose=lambda paths: page.frames[1].locator("input[type=file]").first.set_input_files(list(paths)),
        )
        _use(driven, laboratory, run, home.root)
        context.close()
    return None


def _run_firefox(laboratory: Laboratory, run: EngineRun) -> str | None:
    executable = find_firefox()
    if executable is None:
        return "no Firefox is installed (Debian: firefox-esr)"
    preferences: dict[str, bool | int | str] = {
        "dom.securecontext.allowlist": f"engine-firefox.{SITE_ZONE},workers-firefox.{SITE_ZONE}",
        "browser.sessionstore.interval": 1000,
    }
    with run_firefox(executable, preferences) as firefox:
        run.version = _read_version(firefox)
        tabs: list[Tab] = []

        def evaluate(expression: str, vault: bool) -> object:
            frame = 1 if vault else 0
            if vault and len(tabs[-1].list_frames()) < 2:
                return None
            return tabs[-1].evaluate(expression, frame)

        driven = Driven(
            open=lambda url: tabs.append(firefox.open(url)),
            evaluate=evaluate,
            choose=lambda paths: tabs[-1].choose_files("input[type=file]", paths, 1),
        )
        _use(driven, laboratory, run, firefox.downloads.parent)
    return None


def _go(page: Page, url: str) -> None:
    page.goto(url)


def _read_version(firefox: Firefox) -> str:
    agent = str(firefox.open("about:blank").evaluate("navigator.userAgent"))
    return agent.rpartition("/")[2]


def _run_webkit(laboratory: Laboratory, run: EngineRun) -> str | None:
    programs = find_webkit()
    if isinstance(programs, str):
        return programs
    home = laboratory.scratch / "engine-webkit"
    with run_webkit(programs, home) as webkit:
        run.version = webkit.version

        def evaluate(expression: str, vault: bool) -> object:
            webkit.enter_frame(None)
            if vault:
                webkit.enter_frame(0)
            return webkit.run(f"return {expression};")

        def choose(paths: list[Path]) -> None:
            webkit.enter_frame(None)
            webkit.enter_frame(0)
            webkit.choose_files("input[type=file]", paths)

        driven = Driven(open=lambda url: _open_page(webkit, url), evaluate=evaluate, choose=choose)
        _use(driven, laboratory, run, home)
    return None


def _open_page(webkit: WebKit, url: str) -> None:
    webkit.enter_frame(None)
    webkit.open(url)


def judge_engine(run: EngineRun, expected: Mapping[str, tuple[str, ...]], laboratory: Laboratory) -> Iterable[Check]:
    """Judge numbers, silence and workers of one browser."""
    differing = [name for name, values in expected.items() if run.probabilities.get(name) != values]
    packets = [
        packet
        for packet in laboratory.capture.list_packets(run.ready, run.ended)
        if packet.outgoing and packet.kind == "data" and not is_vendors(packet)
    ]
    results = {(place, address, kind): result for place, address, kind, result in run.workers}
    escaped = [" ".join(case) for case in FORBIDDEN if results.get(case) == "starts"]
    return (
        judge(
            f"{run.name}: the same numbers as the command line",
            not differing and len(run.probabilities) == len(expected),
            f"{len(expected) - len(differing)} of {len(expected)} images to the printed digit",
        ),
        judge(
            f"{run.name}: silent after the model was ready",
            not packets and run.requests_after == 0,
            f"{run.requests_after} requests, {len(packets)} packets; {'; '.join(p.describe() for p in packets[:4])}",
        ),
        judge(
            f"{run.name}: nothing on the disk",
            not run.left,
            f"searched while the page was open: {', '.join(run.left[:6]) or 'none'}",
        ),
        judge(
            f"{run.name}: the engine's kind of worker starts in the vault",
            results.get(NEEDED) == "starts" and not escaped,
            f"classic blob worker {results.get(NEEDED, 'silent')}; from an address: {', '.join(escaped) or 'none'}",
        ),
    )


def _list_engines(runs: Iterable[EngineRun]) -> Table:
    rows = tuple((run.name, run.version, str(len(run.probabilities)), run.isolated) for run in runs)
    return Table(title="Browsers", columns=("browser", "version", "images", "isolated vault"), rows=rows)


def _list_workers(runs: Iterable[EngineRun]) -> Table:
    found = list(runs)
    cases = dict.fromkeys((place, address, kind) for run in found for place, address, kind, _ in run.workers)
    results = [{(p, a, k): result for p, a, k, result in run.workers} for run in found]
    rows = tuple((*case, *(result.get(case, "silent") for result in results)) for case in sorted(cases))
    return Table(
        title="Which workers start where",
        columns=("frame and policy", "address", "kind", *(run.name for run in found)),
        rows=rows,
    )
